"""Draws a record's report as it looks in a terminal: `python docs/images/draw.py RECORD first-light.svg`."""

import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from inference_arena.report import render
from inference_arena.store import find_record, load_record, open_home

COLUMNS = 80
LAST_SHOWN = "Doubts"
THEME = TerminalTheme(
    (18, 22, 28),
    (222, 226, 230),
    [(60, 66, 75), (240, 113, 120), (127, 200, 143), (235, 190, 110), (110, 170, 240), (200, 140, 230), (100, 200, 210),
     (222, 226, 230)],
)  # fmt: skip


def draw(reference: str) -> str:
    """SVG of the report's first half; fonts are the reader's own, nothing is fetched."""
    path = find_record(open_home(), reference)
    console = Console(record=True, width=COLUMNS, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115
    console.print(render(load_record(path), path=path.name, width=COLUMNS))
    lines = console.export_text(clear=False, styles=True).split("\n")
    until = next((i for i, line in enumerate(lines) if LAST_SHOWN in line), len(lines))
    shown = Console(record=True, width=COLUMNS, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115
    shown.print(Text.from_ansi("$ arena run\n\n" + "\n".join(lines[: until - 1])))
    svg = shown.export_svg(title="arena run", theme=THEME)
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(sys.argv[1]))
