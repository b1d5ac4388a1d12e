"""A table laid out to a width, columns dropped from the right of its least needed ones. Knows text only."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena.report import words
from inference_arena.report.blocks import Lines

_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A head and its cells. Columns of the highest `need` are dropped first where the width is short."""

    head: str
    cells: tuple[str, ...]
    right: bool = False
    need: int = 0

    @property
    def width(self) -> int:
        return max(len(text) for text in (self.head, *self.cells))


def table(columns: Sequence[Column], *, width: int, ascii_only: bool = False) -> Lines:
    """As many columns as fit; what is too long even then is cut at the right edge."""
    kept = [_plain(column, ascii_only=ascii_only) for column in columns]
    while len(kept) > 1 and table_width(kept) > width and max(column.need for column in kept) > 0:
        least = max(kept, key=lambda column: column.need)
        kept.remove(least)
    rows = zip(*((column.head, *column.cells) for column in kept), strict=True)
    lines = (fitted(_row(row, kept).rstrip(), width=width, ascii_only=ascii_only) for row in rows)
    return Lines(lines=tuple(lines), head=1)


def fitted(text: str, *, width: int, ascii_only: bool = False) -> str:
    """The text with nothing in it that a terminal would obey, or as much of it as fits before an ellipsis."""
    shown, more = (words.plain(part, ascii_only=ascii_only) for part in (text, "…"))
    return shown if len(shown) <= width else shown[: max(0, width - len(more))].rstrip() + more[:width]


def _plain(column: Column, *, ascii_only: bool) -> Column:
    cells = tuple(words.plain(cell, ascii_only=ascii_only) for cell in column.cells)
    return Column(head=column.head, cells=cells, right=column.right, need=column.need)


def table_width(columns: Sequence[Column]) -> int:
    """What a table of all these columns takes."""
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _row(cells: Sequence[str], columns: Sequence[Column]) -> str:
    pairs = zip(cells, columns, strict=True)
    return (" " * _GAP).join(f"{cell:>{c.width}}" if c.right else f"{cell:<{c.width}}" for cell, c in pairs)
