"""Pages on a terminal. Knows Rich, colours and indents; what is said comes from the page's draft as blocks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from inference_arena.record import Record
from inference_arena.report import words
from inference_arena.report.blocks import Block, Heading, Lines, Pairs, Sentence, Step, Tone
from inference_arena.report.sections import sections

_STYLES: dict[Tone, str] = {
    "plain": "",
    "strong": "bold",
    "quiet": "dim",
    "good": "green",
    "careful": "bold yellow",
    "bad": "bold red",
}
_LINE = re.compile("[\u2801-\u28ff█]+")
_MARK = re.compile("●")
_NARROWEST = 20


class Draft(Protocol):
    """Makes the blocks of a page for a width."""

    def __call__(self, *, width: int, ascii_only: bool) -> Sequence[Block]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A Rich renderable, to be printed with `crop=False`: commands are never cut, the rest keeps to the width.

    Draws in ASCII where the terminal's encoding has nothing else.
    """

    draft: Draft
    width: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(_NARROWEST, min(self.width, options.max_width))
        blocks = self.draft(width=width, ascii_only=options.ascii_only)
        for part in _drawn(blocks, ascii_only=options.ascii_only):
            room = max(width, part.widest) if isinstance(part, _Command) else width
            for line in console.render_lines(part, options.update(width=room), pad=False):
                yield from _without_trailing_blanks(line)
                yield Segment.line()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """Lines to be copied. Cut or wrapped by us they would not run; a terminal's own wrapping leaves no trace."""

    lines: Sequence[str]
    style: str
    indent: int

    @property
    def widest(self) -> int:
        return self.indent + max(map(cell_len, self.lines), default=0)

    def __rich__(self) -> RenderableType:
        text = Text("\n".join(self.lines), style=self.style, no_wrap=True, overflow="ignore")
        return Padding(text, (0, 0, 0, self.indent), expand=False)


def render(record: Record, *, path: Path | str | None, width: int) -> Page:
    """What to print at the end of a run. `path` is where the record is kept; None where it is not."""
    return Page(draft=partial(sections, record, path=None if path is None else str(path)), width=width)


def _without_trailing_blanks(line: list[Segment]) -> list[Segment]:
    """Rich pads what it wraps; a pipe should not carry that."""
    last = next((i for i in reversed(range(len(line))) if line[i].text.strip()), -1)
    if last < 0:
        return []
    return [*line[:last], Segment(line[last].text.rstrip(), line[last].style)]


def _drawn(blocks: Sequence[Block], *, ascii_only: bool) -> list[RenderableType]:
    drawn: list[RenderableType] = []
    for i, block in enumerate(blocks):
        if i and (isinstance(block, Heading) or isinstance(blocks[i - 1], Lines)):
            drawn.append(Text(""))
        drawn += _draw(block, ascii_only=ascii_only)
    return drawn


def _draw(block: Block, *, ascii_only: bool) -> list[RenderableType]:
    match block:
        case Heading():
            return [_text(block.text, style="bold cyan", ascii_only=ascii_only)]
        case Sentence():
            text = _text(block.text, style=_STYLES[block.tone], ascii_only=ascii_only)
            return [Padding(text, (0, 0, 0, block.indent), expand=False)]
        case Pairs():
            return [Padding(_pairs(block, ascii_only=ascii_only), (0, 0, 0, 2), expand=False)]
        case Lines(whole=True):
            return [_command(*block.lines, style="", indent=2, ascii_only=ascii_only)]
        case Lines():
            return [Padding(_laid_out(block, ascii_only=ascii_only), (0, 0, 0, 2), expand=False)]
        case Step():
            return _step(block, ascii_only=ascii_only)


def _text(text: str, *, style: str, ascii_only: bool) -> Text:
    # Text is never read as markup, and `plain` leaves no character that a terminal would obey
    return Text(words.plain(text, ascii_only=ascii_only), style=style, overflow="fold")


def _pairs(block: Pairs, *, ascii_only: bool) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, overflow="fold", max_width=14)
    grid.add_column(overflow="fold")
    for name, value in block.rows:
        grid.add_row(_text(name, style="dim", ascii_only=ascii_only), _text(value, style="", ascii_only=ascii_only))
    return grid


def _laid_out(block: Lines, *, ascii_only: bool) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for i, line in enumerate(block.lines):
        shown = words.plain(line, ascii_only=ascii_only)
        text.append(shown + ("\n" if i + 1 < len(block.lines) else ""), style="bold" if i < block.head else "")
    if block.drawing:
        text.highlight_regex(_LINE, "cyan")
        text.highlight_regex(_MARK, "bold")
    return text


def _step(block: Step, *, ascii_only: bool) -> list[RenderableType]:
    purpose = Padding(_text(block.purpose, style="", ascii_only=ascii_only), (0, 0, 0, 2), expand=False)
    return [purpose, _command(block.command, style="bold green", indent=6, ascii_only=ascii_only)]


def _command(*lines: str, style: str, indent: int, ascii_only: bool) -> _Command:
    shown = tuple(words.plain(line, ascii_only=ascii_only) for line in lines)
    return _Command(lines=shown, style=style, indent=indent)
