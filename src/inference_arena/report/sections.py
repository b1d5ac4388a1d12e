"""A record as parts of a report, in the order of a reader's questions. Pure: a terminal or a file may show them."""

from collections.abc import Sequence

from inference_arena import units
from inference_arena.record import Doubt, Failed, LoadSummary, Record
from inference_arena.report import words
from inference_arena.report.asked import asked
from inference_arena.report.blocks import Block, Heading, Lines, Pairs, Sentence, Tone
from inference_arena.report.curve import CurvePoint, Panel, curves
from inference_arena.report.felt import felt
from inference_arena.report.load_table import load_tables
from inference_arena.report.next_steps import next_steps
from inference_arena.report.verdict import by_level, succeeded, verdict

_INDENT = 2
_WIDEST = 100
_WEIGHTS: dict[str, tuple[int, Tone]] = {"serious": (0, "bad"), "caution": (1, "careful"), "note": (2, "quiet")}
_MOST_EVIDENCE = 8


def sections(record: Record, *, path: str | None, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """The whole report; tables and drawings are laid out for `width` columns."""
    room = min(width, _WIDEST) - _INDENT
    return (
        *_title(record),
        *_verdict(record),
        *_evidence(record),
        *_loads(record, width=room, ascii_only=ascii_only),
        *felt(record),
        *_doubts(record),
        *_certainty(record),
        Heading(text="What was asked"),
        Pairs(rows=asked(record)),
        Heading(text="Record"),
        Pairs(rows=_record(record, path=path)),
        Heading(text="Next"),
        *next_steps(record),
    )


def _title(record: Record) -> tuple[Block, ...]:
    kind = "self-test" if record.purpose == "self-test" else "measurement"
    return (
        Sentence(text=words.title(record), tone="strong", indent=0),
        Sentence(text=f"{kind} of {record.started_at}, arena {record.arena.version}", tone="quiet", indent=0),
    )


def _verdict(record: Record) -> tuple[Block, ...]:
    first, *others = verdict(record) or ("Nothing was measured.",)
    return (
        Heading(text="Verdict"),
        Sentence(text=first, tone=_tone(record)),
        *(Sentence(text=text) for text in others),
    )


def _tone(record: Record) -> Tone:
    if words.gpu_unused(record) or record.outcome.kind == "interrupted":
        return "careful"
    if record.outcome.kind == "failed" or succeeded(record) == 0:
        return "bad"
    return "good" if record.purpose == "self-test" else "strong"


def _evidence(record: Record) -> tuple[Block, ...]:
    if not isinstance(record.outcome, Failed) or not record.outcome.evidence:
        return ()
    lines = record.outcome.evidence[-_MOST_EVIDENCE:]
    return (Heading(text="What the log says"), *(Sentence(text=line, tone="quiet") for line in lines))


def _loads(record: Record, *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    loads = by_level(record.summary.loads) if record.summary else []
    blocks: list[Block] = []
    for kind in ("closed", "open"):
        same = [load for load in loads if load.load.kind == kind]
        blocks += _loads_of_a_kind(record, same, width=width, ascii_only=ascii_only) if same else ()
    return (Heading(text="Each load"), *blocks, Sentence(text=_legend(record), tone="quiet")) if blocks else ()


def _loads_of_a_kind(
    record: Record, loads: Sequence[LoadSummary], *, width: int, ascii_only: bool
) -> tuple[Block, ...]:
    closed = loads[0].load.kind == "closed"
    axis = "requests at once" if closed else "requests per second"
    throughput = Panel(title=f"Output tok/s, by {axis}", points=tuple(_output(load) for load in loads))
    first_token = Panel(
        title=f"Time to the first token{'' if closed else ' since it was due'}: p50, whisker to p90",
        points=tuple(_wait(load) for load in loads),
        show=_tick_seconds,
        say=words.duration,
        log_allowed=True,
    )
    drawn = curves(((throughput, 11), (first_token, 5)), width=width, ascii_only=ascii_only)
    tables = load_tables(record, loads, width=width, ascii_only=ascii_only)
    return (*tables, Lines(lines=drawn, drawing=True))


def _output(load: LoadSummary) -> CurvePoint:
    rate = load.output_tokens_per_s
    if rate is None:
        return CurvePoint(label=load.load.label, value=None)
    return CurvePoint(label=load.load.label, value=rate.value, low=rate.low, high=rate.high)


def _wait(load: LoadSummary) -> CurvePoint:
    p50 = load.ttft_s.value if load.ttft_s else None
    return CurvePoint(label=load.load.label, value=p50, high=load.ttft_p90_s if p50 is not None else None)


def _tick_seconds(value: float) -> str:
    scaled, unit = (value, "s") if value >= 1 or value == 0 else (value * 1000, "ms")
    return f"{units.number(scaled, digits=1)} {unit}"


def _legend(record: Record) -> str:
    interval = f"range over {record.trial.repeats} repeats" if record.trial.repeats > 1 else "95 % interval"
    return (
        f"n: requests. ±: {interval}. tok/s: tokens per second, a token is a word or a piece of one. "
        "TTFT: time to the first token. TPOT: time per token after it. p50: half were faster; p90: nine in ten. "
        "Longest freeze: the longest pause within an answer."
    )


def _doubts(record: Record) -> tuple[Block, ...]:
    doubts = sorted(record.summary.doubts if record.summary else (), key=lambda doubt: _WEIGHTS[doubt.weight][0])
    if record.summary is None or not record.summary.loads:
        return ()
    if not doubts:
        return (Heading(text="Doubts"), Sentence(text="None was raised."))
    return (Heading(text="Doubts"), *(block for doubt in doubts for block in _doubt(doubt)))


def _doubt(doubt: Doubt) -> tuple[Block, ...]:
    return (
        Sentence(text=f"{doubt.weight}: {doubt.code}", tone=_WEIGHTS[doubt.weight][1]),
        Sentence(text=doubt.evidence, indent=4),
        Sentence(text=f"Advice: {doubt.advice}", indent=4),
    )


def _certainty(record: Record) -> tuple[Block, ...]:
    if record.summary is None or not record.summary.points:
        return ()
    clients = [point.client for point in record.summary.points]
    budget = (
        (
            "timer lag",
            f"{_milliseconds([c.loop_lag_p99_s for c in clients])} (p99, worst load): how late the client may look",
        ),
        ("sending lag", f"{_milliseconds([c.schedule_lag_p99_s for c in clients])} (p99, worst load) behind the plan"),
        ("client CPU", f"{units.percent(_most([c.cpu_share for c in clients]))} of one core at most"),
        ("client test", _self_test(record)),
    )
    notes = tuple(("note", note) for note in record.notes)
    return (Heading(text="How sure: what the measuring itself cost"), Pairs(rows=(*budget, *notes)))


def _most(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _milliseconds(values: Sequence[float | None]) -> str:
    worst = _most(values)
    return units.DASH if worst is None else f"{units.number(worst * 1000, digits=2)} ms"


def _self_test(record: Record) -> str:
    test = record.summary.self_test if record.summary else None
    if test is None:
        return f"{units.DASH} (not run: what the client adds is unknown)"
    p50, p99 = (units.number(value * 1000, digits=1) for value in (test.ttft_error_p50_s, test.ttft_error_p99_s))
    lost = "no token lost" if test.tokens_lost == 0 else f"{test.tokens_lost:,} tokens lost"
    tpot = "" if test.tpot_error_share is None else f", {units.percent(test.tpot_error_share)} to TPOT"
    added = f"the client adds {p50} / {p99} ms (p50 / p99) to TTFT"
    return f"{added}{tpot} at {test.streams} streams; {lost} (n {test.n:,})"


def _record(record: Record, *, path: str | None) -> tuple[tuple[str, str], ...]:
    lines = record.evidence.requests_lines
    raw = f"{lines:,} requests, {record.evidence.samples_lines:,} samples"
    kept = (("kept in", path),) if path else ()
    retry = (("retry of", record.retry_of),) if record.retry_of else ()
    return (("id", record.id), *retry, *kept, ("raw data", raw), ("configuration", record.configuration))
