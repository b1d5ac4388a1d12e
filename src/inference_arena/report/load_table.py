"""The table of loads: one row a load, units in the head, split in two where the terminal is narrow."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena import units
from inference_arena.record import Estimate, LoadSummary, Record
from inference_arena.report import words
from inference_arena.report.blocks import Lines

_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Three lines of head, then a cell for each load."""

    head: tuple[str, str, str]
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(len(text) for text in (*self.head, *self.cells))


def load_tables(
    record: Record, loads: Sequence[LoadSummary], *, width: int, ascii_only: bool = False
) -> tuple[Lines, ...]:
    """One table where the width allows it; else several, each with the load in its first column."""
    clean = _ascii if ascii_only else _as_it_is
    first = clean(_level(loads))
    much = [clean(column) for column in (*_counts(loads), *_throughput(loads), *_energy(loads))]
    long = [clean(column) for column in (*_latencies(loads), *_attainment(record, loads))]
    if _width((first, *much, *long)) <= width:
        return (_lines((first, *much, *long), width=width),)
    return (*_packed(first, much, width=width), *_packed(first, long, width=width))


def _packed(first: Column, others: Sequence[Column], *, width: int) -> list[Lines]:
    """As few tables as hold the columns, each begun by the first."""
    tables: list[list[Column]] = [[first]]
    for column in others:
        if len(tables[-1]) > 1 and _width((*tables[-1], column)) > width:
            tables.append([first])
        tables[-1].append(column)
    return [_lines(table, width=width) for table in tables]


def _level(loads: Sequence[LoadSummary]) -> Column:
    unit = ("at", "once") if loads[0].load.kind == "closed" else ("req.", "/s")
    return Column(head=("load", *unit), cells=tuple(f"{load.load.level:g}" for load in loads))


def _counts(loads: Sequence[LoadSummary]) -> list[Column]:
    # `failed` counts all that did not end well: cancelled and unfinished ones too
    ok = tuple(f"{load.requests - load.failed:,}" for load in loads)
    not_ok = tuple(f"{load.failed:,}" for load in loads)
    return [
        Column(head=("", "ok", "n"), cells=ok),
        Column(head=("not", "ok", "n"), cells=not_ok),
    ]


def _throughput(loads: Sequence[LoadSummary]) -> list[Column]:
    per_user = (load.output_tokens_per_s_per_user for load in loads)
    return [
        Column(head=("", "output", "tok/s"), cells=tuple(words.measured(load.output_tokens_per_s) for load in loads)),
        Column(head=("per", "user", "tok/s"), cells=tuple(units.number(value, digits=2) for value in per_user)),
    ]


def _energy(loads: Sequence[LoadSummary]) -> list[Column]:
    """Only where a card told it: without one there would be a column of dashes."""
    known = [load.joule_per_output_token for load in loads]
    if not any(known):
        return []
    cells = tuple(units.DASH if joule is None else units.number(joule.value, digits=2) for joule in known)
    return [Column(head=("energy", "J per", "token"), cells=cells)]


def _latencies(loads: Sequence[LoadSummary]) -> list[Column]:
    ttft = [(load.ttft_s, load.ttft_p90_s) for load in loads]
    scale, unit = _unit([v for p50, p90 in ttft for v in (p50.value if p50 else None, p90)])
    tpot_scale, tpot_unit = _unit([load.tpot_s.value if load.tpot_s else None for load in loads])
    freeze_scale, freeze_unit = _unit([load.longest_gap_max_s for load in loads])
    return [
        Column(head=("TTFT", "p50", unit), cells=tuple(_estimate(p50, scale=scale) for p50, _ in ttft)),
        Column(head=("TTFT", "p90", unit), cells=tuple(_number(p90, scale=scale) for _, p90 in ttft)),
        Column(head=("TPOT", "p50", tpot_unit), cells=tuple(_estimate(s.tpot_s, scale=tpot_scale) for s in loads)),
        Column(
            head=("longest", "freeze", freeze_unit),
            cells=tuple(_number(load.longest_gap_max_s, scale=freeze_scale) for load in loads),
        ),
    ]


def _attainment(record: Record, loads: Sequence[LoadSummary]) -> list[Column]:
    slo = record.trial.slo
    if slo.ttft_s is None and slo.tpot_s is None:
        return []
    return [Column(head=("goal", "met by", "share"), cells=tuple(units.percent(load.attainment) for load in loads))]


def _unit(values: Sequence[float | None]) -> tuple[float, str]:
    """Milliseconds for a column that stays below a second."""
    known = [value for value in values if value is not None]
    return (1.0, "s") if known and max(known) >= 1 else (1000.0, "ms")


def _estimate(estimate: Estimate | None, *, scale: float) -> str:
    if estimate is None:
        return units.DASH
    half = words.half_width(estimate)
    return words.deserved(estimate.value * scale, half=None if half is None else half * scale, most=2)


def _number(value: float | None, *, scale: float) -> str:
    return units.DASH if value is None else units.number(value * scale, digits=2)


def _as_it_is(column: Column) -> Column:
    return column


def _ascii(column: Column) -> Column:
    return Column(head=column.head, cells=tuple(words.plain(cell, ascii_only=True) for cell in column.cells))


def _width(table: Sequence[Column]) -> int:
    return sum(column.width for column in table) + _GAP * (len(table) - 1)


def _lines(table: Sequence[Column], *, width: int) -> Lines:
    rows = zip(*((*column.head, *column.cells) for column in table), strict=True)
    widths = [column.width for column in table]
    texts = ((" " * _GAP).join(f"{text:>{w}}" for text, w in zip(row, widths, strict=True)) for row in rows)
    return Lines(lines=tuple(text[:width] for text in texts), head=3)
