"""Shows a page on standard output, as wide as the terminal, or a fixed width where there is none."""

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from inference_arena.report import Draft

PIPE_WIDTH: Final = 160
WIDEST: Final = 160


def show(draft: "Draft") -> None:
    """Draw the page that `draft` makes."""
    from rich.console import Console  # noqa: PLC0415 - start-up stays quick

    from inference_arena.report import Page  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)
    console.print(Page(draft=draft, width=min(console.width, WIDEST)), end="", crop=False)
