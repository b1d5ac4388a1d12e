"""A table laid out to a width, columns dropped from the right of its least needed ones. Knows text only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inference_arena.report import words
from inference_arena.report.blocks import Lines

_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A head and its cells. Columns of the highest `need` are dropped first where the width is short.

    `least`: cells may be cut to so many columns before another column is dropped; 0: they may not. `extra`: dropped
    before anything is cut.
    """

    head: str
    cells: tuple[str, ...]
    right: bool = False
    need: int = 0
    least: int = 0
    extra: bool = False

    @property
    def width(self) -> int:
        return max(len(text) for text in (self.head, *self.cells))


def table(columns: Sequence[Column], *, width: int, ascii_only: bool = False) -> Lines:
    """As many columns as fit; what is too long even then is cut at the right edge."""
    kept = _cut(chosen(columns, width=width, ascii_only=ascii_only), width, ascii_only=ascii_only)
    rows = zip(*((column.head, *column.cells) for column in kept), strict=True)
    lines = (fitted(_row(row, kept).rstrip(), width=width, ascii_only=ascii_only) for row in rows)
    return Lines(lines=tuple(lines), head=1)


def chosen(columns: Sequence[Column], *, width: int, ascii_only: bool = False) -> list[Column]:
    """Those for which there is room, where need be after cutting what may be cut."""
    kept = [_plain(column, ascii_only=ascii_only) for column in columns]
    while len(kept) > 1 and _narrowest(kept) > width and max(column.need for column in kept) > 0:
        kept.remove(max(kept, key=lambda column: column.need))
    return kept


def _narrowest(columns: Sequence[Column]) -> int:
    spare = 0 if any(column.extra for column in columns) else sum(map(_spare, columns))
    return table_width(columns) - spare


def _spare(column: Column) -> int:
    return max(0, column.width - column.least) if column.least else 0


def _cut(columns: Sequence[Column], width: int, *, ascii_only: bool) -> list[Column]:
    """What is too wide is taken from the first column that may be cut, then from the next."""
    cut, excess = [], max(0, table_width(columns) - width)
    for column in columns:
        less = min(excess, _spare(column))
        excess -= less
        cells = tuple(fitted(cell, width=column.width - less, ascii_only=ascii_only) for cell in column.cells)
        cut.append(replace(column, cells=cells))
    return cut


def fitted(text: str, *, width: int, ascii_only: bool = False) -> str:
    """The text with nothing in it that a terminal would obey, or as much of it as fits before an ellipsis."""
    shown, more = (words.plain(part, ascii_only=ascii_only) for part in (text, "…"))
    return shown if len(shown) <= width else shown[: max(0, width - len(more))].rstrip() + more[:width]


def _plain(column: Column, *, ascii_only: bool) -> Column:
    cells = tuple(words.plain(cell, ascii_only=ascii_only) for cell in column.cells)
    return replace(column, cells=cells)


def table_width(columns: Sequence[Column]) -> int:
    """What a table of all these columns takes."""
    return sum(column.width for column in columns) + _GAP * (len(columns) - 1)


def _row(cells: Sequence[str], columns: Sequence[Column]) -> str:
    pairs = zip(cells, columns, strict=True)
    return (" " * _GAP).join(f"{cell:>{c.width}}" if c.right else f"{cell:<{c.width}}" for cell, c in pairs)
