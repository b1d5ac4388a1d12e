"""`arena show` in other tools' words: a record of ours in their definitions, or a report of theirs. Blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from inference_arena import units
from inference_arena.metrics import View, ours_in
from inference_arena.record import Doubt, Figure, PointSummary, Record, Reported, ReportedPoint
from inference_arena.report import words
from inference_arena.report.blocks import Block, Heading, Pairs, Sentence, Tone
from inference_arena.report.table import Column, table

_INDENT: Final = 2
_TONES: Final[dict[str, Tone]] = {"serious": "bad", "caution": "careful", "note": "quiet"}
TOOLS: Final = {
    "guidellm": "GuideLLM",
    "aiperf": "AIPerf",
    "vllm": "vllm bench serve",
    "sglang": "SGLang bench_serving",
    "first-arena": "the first Inference Arena",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPage:
    """A record and its views, one a load point."""

    record: Record
    views: tuple[View, ...]


def view_blocks(page: ViewPage, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """Each load point's figures with ours beside, then what differs, said once."""
    room = width - _INDENT
    summaries = {point.point: point for point in page.record.summary.points} if page.record.summary else {}
    tool = page.views[0].tool
    blocks: list[Block] = [
        Sentence(text=words.title(page.record), tone="strong", indent=0),
        Sentence(text=f"{page.record.id} as {TOOLS[tool]} would print it", tone="quiet", indent=0),
    ]
    for view in page.views:
        what = f"{words.with_load(view.load)}, {view.requests:,} requests"
        blocks += [Heading(text=f"Load point {view.point}: {what}")]
        blocks += _figures(view.figures, summaries.get(view.point), width=room, ascii_only=ascii_only)
    blocks += _meanings(figure for view in page.views for figure in view.figures)
    return (*blocks, Sentence(text=f"Definitions: {page.views[0].sources}.", tone="quiet"))


def reported_blocks(report: Reported, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """What it is, its figures, and why not to trust them."""
    room = width - _INDENT
    version = f" {report.tool_version}" if report.tool_version else ""
    blocks: list[Block] = [
        Sentence(text=f"{report.model or 'an unnamed model'}: reported by {TOOLS[report.tool]}{version}", tone="strong",
                 indent=0),
        Sentence(text="not measured by this arena, and never ranked with its records", tone="careful", indent=0),
        Pairs(rows=tuple(_about(report))),
    ]  # fmt: skip
    for point in report.points:
        blocks += [Heading(text=f"Load {point.label}{_counts(point)}")]
        blocks += _figures(point.figures, None, width=room, ascii_only=ascii_only)
    blocks += _meanings(figure for point in report.points for figure in point.figures)
    return (*blocks, *_doubts(report.doubts))


def _about(report: Reported) -> Iterable[tuple[str, str]]:
    engine = " ".join(part for part in (report.engine, report.engine_version) if part)
    yield "id", report.id
    yield "format", report.tool_format
    for name, value in (("started", report.started_at), ("engine", engine), ("hardware", report.hardware)):
        yield name, value or units.DASH
    yield "file", f"{report.source_bytes:,} bytes, sha256 {report.source_sha256[:16]}..."
    yield "requests", f"{len(report.requests):,} kept, each with its times" if report.requests else "none: sums only"
    yield from ((name, str(told)) for name, told in report.facts.items())


def _counts(point: ReportedPoint) -> str:
    told = (("ok", point.ok), ("failed", point.failed), ("unfinished", point.unfinished))
    known = [f"{count:,} {name}" for name, count in told if count is not None]
    return f": {', '.join(known)}" if known else ""


def _figures(
    figures: Sequence[Figure], ours: PointSummary | None, *, width: int, ascii_only: bool
) -> tuple[Block, ...]:
    """Columns of percentiles go before those of means where the width is short."""
    if not figures:
        return (Sentence(text="nothing to show: no request succeeded inside the window", tone="careful"),)

    def column(head: str, *, need: int) -> Column:
        cells = tuple(_number(figure, head) for figure in figures)
        return Column(head=head, cells=cells, right=True, need=need)

    columns = [
        Column(head="metric", cells=tuple(figure.name for figure in figures), least=12),
        Column(head="unit", cells=tuple(figure.unit for figure in figures)),
        *(column(head, need=need) for head, need in (("n", 7), ("mean", 0), ("p50", 1), ("p90", 5), ("p95", 6))),
        *(column(head, need=need) for head, need in (("p99", 4), ("max", 8))),
    ]
    if ours is not None:
        cells = tuple(units.number(ours_in(figure, ours)) for figure in figures)
        columns.append(Column(head="ours (p50)", cells=cells, right=True, need=2))
    return (table(columns, width=width, ascii_only=ascii_only),)


def _number(figure: Figure, head: str) -> str:
    if head == "n":
        return units.DASH if figure.n is None else f"{figure.n:,}"
    return units.number(getattr(figure, head))


def _meanings(figures: Iterable[Figure]) -> tuple[Block, ...]:
    """Metrics that differ from ours, those that differ alike together."""
    alike: dict[str, dict[str, None]] = {}
    for figure in figures:
        if figure.differs:
            beside = f" ({figure.ours} here)" if figure.ours else " (none of ours)"
            alike.setdefault(figure.differs, {})[figure.name + beside] = None
    if not alike:
        return ()
    return (
        Heading(text="What differs from ours, and why"),
        *(Sentence(text=f"{', '.join(names)}: {differs}") for differs, names in alike.items()),
    )


def _doubts(doubts: Sequence[Doubt]) -> tuple[Block, ...]:
    said = (
        (f"{doubt.weight} {doubt.code}: {doubt.evidence}; {doubt.advice}", _TONES[doubt.weight]) for doubt in doubts
    )
    return (
        Heading(text="What these numbers cannot say"),
        *(Sentence(text=text, tone=tone) for text, tone in said),
    )
