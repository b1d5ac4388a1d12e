"""A suite as far as it has come: one line a load of every item, then what failed. Knows reports of suites."""

from collections.abc import Iterator

from inference_arena import units
from inference_arena.record import LoadSummary
from inference_arena.report.blocks import Block, Heading, Sentence
from inference_arena.report.table import Column, table
from inference_arena.store import SuiteReport, SuiteRow

_WIDTH = 7
Cells = tuple[str, ...]


def suite_blocks(report: SuiteReport, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """The table, then each failure in its own words."""
    rows = [cells for row in report.rows for cells in _rows(row)]
    heads = ("item", "launches", "load", "tok/s", "a user", "TTFT", "TPOT")
    columns = [
        Column(head=head, cells=tuple(row[at] for row in rows), right=at > 0, need=at if at > 4 else 0,
               least=16 if at == 0 else 0)
        for at, head in enumerate(heads)
    ]  # fmt: skip
    return (
        Heading(text=report.title),
        *((Sentence(text=report.about, tone="quiet"),) if report.about else ()),
        table(columns, width=width, ascii_only=ascii_only),
        *(block for row in report.rows for block in _failures(row)),
    )


def _rows(row: SuiteRow) -> Iterator[Cells]:
    if not row.finished:
        ended = row.records[-1].outcome.kind if row.records else "refused" if row.refused else "not run"
        yield (row.label, ended, *[units.DASH] * (_WIDTH - 2))
        return
    summary = row.finished[-1].summary
    for number, load in enumerate(summary.loads if summary else ()):
        yield (row.label if number == 0 else "", str(len(row.finished)) if number == 0 else "", *_numbers(load))


def _numbers(load: LoadSummary) -> Cells:
    return (
        load.load.label,
        units.number(load.output_tokens_per_s.value if load.output_tokens_per_s else None),
        units.number(load.output_tokens_per_s_per_user),
        units.seconds(load.ttft_s.value if load.ttft_s else None),
        units.seconds(load.tpot_s.value if load.tpot_s else None),
    )


def _failures(row: SuiteRow) -> Iterator[Block]:
    return (Sentence(text=f"{row.label}: {text.rstrip('.')}.", tone="bad") for text in row.failures)
