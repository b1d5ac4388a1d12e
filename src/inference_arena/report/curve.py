"""Load curves as plain text. Knows points and characters; knows nothing of records, colours or terminals."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference_arena import units
from inference_arena.report.scale import Scale, scale

BRAILLE = 0x2800
# the bit of each dot in a braille cell, by column and row
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One load: `low` and `high` are the ends of the bar drawn through it; None where unknown."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart: `show` prints a value on the axis, `say` prints it beside its point."""

    title: str
    points: tuple[CurvePoint, ...]
    show: Callable[[float], str] = lambda value: units.number(value, digits=1)
    say: Callable[[float], str] = lambda value: units.number(value, digits=2)
    log_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """Characters to draw with; `dots` is how many a cell holds across and down."""

    marker: str
    bar: str
    bar_top: str
    bar_bottom: str
    axis: str
    tick: str
    corner: str
    floor: str
    floor_tick: str
    block: str
    dots: tuple[int, int]


UNICODE = Glyphs(
    marker="●", bar="│", bar_top="┬", bar_bottom="┴", axis="│", tick="┤", corner="└", floor="─", floor_tick="┬",
    block="█", dots=(2, 4),
)  # fmt: skip
ASCII = Glyphs(
    marker="o", bar="|", bar_top="-", bar_bottom="-", axis="|", tick="+", corner="+", floor="-", floor_tick="+",
    block="#", dots=(1, 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where things go: the plot's size in cells, the axis, and the column of each point."""

    columns: int
    rows: int
    gutter: int
    axis: Scale
    glyphs: Glyphs
    at: tuple[int, ...]

    def row(self, value: float) -> int:
        return self.dot_row(value) // self.glyphs.dots[1]

    def dot_row(self, value: float) -> int:
        return round((1 - self.axis.place(value)) * (self.rows * self.glyphs.dots[1] - 1))


def curves(panels: Sequence[tuple[Panel, int]], *, width: int, ascii_only: bool = False) -> tuple[str, ...]:
    """Panels above each other, each with its number of plot rows, their axes in line."""
    gutter = max((_gutter(panel, rows=rows) for panel, rows in panels), default=0)
    drawn = [curve(panel, width=width, height=rows, ascii_only=ascii_only, gutter=gutter) for panel, rows in panels]
    spaced = [line for lines in drawn for line in ("", *lines)]
    return tuple(spaced[1:])


def curve(
    panel: Panel, *, width: int, height: int, ascii_only: bool = False, gutter: int | None = None
) -> tuple[str, ...]:
    """One chart, no line longer than `width`: a line through the points, a bar for one, a sentence for none."""
    glyphs = ASCII if ascii_only else UNICODE
    if not _values(panel.points):
        return (f"{panel.title}: nothing was measured, so there is nothing to draw."[:width],)
    room = _gutter(panel, rows=height) if gutter is None else gutter
    drawn = _bar(panel, width=width, gutter=room, glyphs=glyphs)
    if len(panel.points) > 1:
        drawn = _line_chart(panel, _frame(panel, width=width, rows=height, gutter=room, glyphs=glyphs))
    return tuple(line.rstrip()[:width] for line in (panel.title, *drawn))


def _values(points: Sequence[CurvePoint]) -> list[float]:
    return [value for p in points if p.value is not None for value in (p.value, p.low, p.high) if value is not None]


def _axis(panel: Panel, *, rows: int) -> Scale:
    return scale(_values(panel.points), most=rows // 2 + 1, log_allowed=panel.log_allowed)


def _gutter(panel: Panel, *, rows: int) -> int:
    if not _values(panel.points):
        return 0
    ticks = [panel.show(tick) for tick in _axis(panel, rows=rows).ticks]
    return max(len(text) for text in (*ticks, *(p.label for p in panel.points)))


def _frame(panel: Panel, *, width: int, rows: int, gutter: int, glyphs: Glyphs) -> _Frame:
    columns = max(len(panel.points), width - gutter - 2)
    at = tuple(int((i + 0.5) * columns / len(panel.points)) for i in range(len(panel.points)))
    axis = _axis(panel, rows=rows)
    return _Frame(columns=columns, rows=rows, gutter=gutter, axis=axis, glyphs=glyphs, at=at)


def _line_chart(panel: Panel, frame: _Frame) -> list[str]:
    # the row above the plot is for the number of the highest point
    cells = [[" "] * frame.columns for _ in range(frame.rows + 1)]
    _draw_lines(cells, panel.points, frame)
    for column, point in zip(frame.at, panel.points, strict=True):
        _draw_point(cells, point, column=column, frame=frame, say=panel.say)
    edges = _edges(panel, frame)
    plot = [edge + "".join(row) for edge, row in zip(edges, cells, strict=True)]
    labels = [p.label for p in panel.points]
    indent = " " * (frame.gutter + 2)
    return [*plot, _floor(frame), *(indent + row for row in _staggered(labels, at=frame.at, width=frame.columns))]


def _edges(panel: Panel, frame: _Frame) -> list[str]:
    ticks = {frame.row(tick): panel.show(tick) for tick in reversed(frame.axis.ticks)}
    edges = [
        f"{ticks.get(row, ''):>{frame.gutter}} {frame.glyphs.tick if row in ticks else frame.glyphs.axis}"
        for row in range(frame.rows)
    ]
    return [" " * (frame.gutter + 2), *edges]


def _floor(frame: _Frame) -> str:
    under = [frame.glyphs.floor_tick if i in frame.at else frame.glyphs.floor for i in range(frame.columns)]
    return " " * (frame.gutter + 1) + frame.glyphs.corner + "".join(under)


def _draw_lines(cells: list[list[str]], points: Sequence[CurvePoint], frame: _Frame) -> None:
    across, _ = frame.glyphs.dots
    dots: set[tuple[int, int]] = set()
    for (left, a), (right, b) in itertools.pairwise(zip(frame.at, points, strict=True)):
        if a.value is not None and b.value is not None:
            ends = (left * across, frame.dot_row(a.value)), (right * across, frame.dot_row(b.value))
            dots.update(_between(*ends))
    for (row, column), character in _characters(dots, frame.glyphs).items():
        cells[row + 1][column] = character


def _between(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[int, int]]:
    steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
    shares = [step / steps for step in range(steps + 1)]
    return [(round(a[0] + (b[0] - a[0]) * share), round(a[1] + (b[1] - a[1]) * share)) for share in shares]


def _characters(dots: set[tuple[int, int]], glyphs: Glyphs) -> dict[tuple[int, int], str]:
    across, down = glyphs.dots
    if across == 1:
        return {(y, x): "." for x, y in dots}
    masks: dict[tuple[int, int], int] = {}
    for x, y in dots:
        cell = (y // down, x // across)
        masks[cell] = masks.get(cell, 0) | _DOTS[x % across][y % down]
    return {cell: chr(BRAILLE + mask) for cell, mask in masks.items()}


def _draw_point(
    cells: list[list[str]], point: CurvePoint, *, column: int, frame: _Frame, say: Callable[[float], str]
) -> None:
    if point.value is None:
        return
    row = frame.row(point.value) + 1
    top = row if point.high is None else min(row, frame.row(point.high) + 1)
    bottom = row if point.low is None else max(row, frame.row(point.low) + 1)
    for between in range(top, bottom + 1):
        cells[between][column] = frame.glyphs.bar
    cells[top][column] = frame.glyphs.bar_top
    cells[bottom][column] = frame.glyphs.bar_bottom
    cells[row][column] = frame.glyphs.marker
    _write(cells[top - 1], say(point.value), column=column)


def _write(row: list[str], text: str, *, column: int) -> None:
    """Text centred on a column, kept inside the row."""
    start = _start(text, column=column, width=len(row))
    for i, character in enumerate(text[: len(row)]):
        row[start + i] = character


def _start(text: str, *, column: int, width: int) -> int:
    return max(0, min(column - (len(text) - 1) // 2, width - len(text)))


def _staggered(labels: Sequence[str], *, at: Sequence[int], width: int) -> list[str]:
    """Labels under their columns, on as many rows as they need in order not to touch."""
    rows: list[list[str]] = []
    ends: list[int] = []
    for label, column in zip(labels, at, strict=True):
        start = _start(label, column=column, width=width)
        free = next((i for i, end in enumerate(ends) if start > end), len(rows))
        if free == len(rows):
            rows.append([" "] * width)
            ends.append(-1)
        _write(rows[free], label, column=column)
        ends[free] = start + len(label)
    return ["".join(row) for row in rows]


def _bar(panel: Panel, *, width: int, gutter: int, glyphs: Glyphs) -> list[str]:
    """One point, drawn along: the value as a bar, its upper end as a whisker."""
    (point, *_) = panel.points
    value = point.value or 0.0
    said = panel.say(value)
    columns = max(8, width - gutter - 3 - len(said))
    axis = scale(_values(panel.points), most=max(2, columns // 16), log_allowed=False)
    at = [round(axis.place(tick) * (columns - 1)) for tick in axis.ticks]
    body = _bar_cells(point, value=value, axis=axis, columns=columns, glyphs=glyphs)
    floor = "".join(glyphs.floor_tick if i in at else glyphs.floor for i in range(columns))
    indent = " " * (gutter + 1)
    rows = [indent + " " + row for row in _staggered([panel.show(tick) for tick in axis.ticks], at=at, width=columns)]
    return [f"{point.label:>{gutter}} {glyphs.tick}{body} {said}", indent + glyphs.corner + floor, *rows]


def _bar_cells(point: CurvePoint, *, value: float, axis: Scale, columns: int, glyphs: Glyphs) -> str:
    filled = round(axis.place(value) * (columns - 1)) + 1
    whisker = 0 if point.high is None else round(axis.place(point.high) * (columns - 1)) + 1 - filled
    tail = glyphs.floor * (whisker - 1) + glyphs.tick if whisker > 0 else ""
    return glyphs.block * filled + tail
