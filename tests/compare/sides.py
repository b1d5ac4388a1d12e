"""Sides of known launches: records whose numbers are given, one value a launch or a list of its repeats."""

from collections.abc import Sequence

import builders
from inference_arena.compare import Launch, Side, make_side
from inference_arena.plan import Load
from inference_arena.record import Doubt, PointSummary, Record, Summary

Value = float | Sequence[float]


def point(value: float, *, load: Load = builders.LOAD, repeat: int = 0, **fields: object) -> PointSummary:
    """`value` tokens/s; latencies are its inverse, so that faster is faster in all of them."""
    latency = builders.spread(1 / value)
    known = {"ttft_s": latency, "tpot_s": latency, "e2e_s": latency, "longest_gap_s": latency}
    rate = {"output_tokens_per_s": builders.estimate(value)}
    whole = builders.point_summary().model_copy(update={"load": load, "repeat": repeat, **rate, **known, **fields})
    assert isinstance(whole, PointSummary)
    return whole


def summary(points: Sequence[PointSummary], doubts: Sequence[Doubt] = ()) -> Summary:
    return builders.summary().model_copy(update={"points": tuple(points), "doubts": tuple(doubts)})


def record(value: Value, *, at: str, doubts: Sequence[Doubt] = (), **fields: object) -> Record:
    """A launch that began at this time of day, HHMMSS; its evidence is its own."""
    repeats = value if isinstance(value, Sequence) else (value,)
    kept = summary([point(each, repeat=i) for i, each in enumerate(repeats)], doubts)
    known: dict[str, object] = {
        "started_at": f"2026-11-23T{at[:2]}:{at[2:4]}:{at[4:]}+00:00",
        "summary": kept,
        "evidence": builders.EVIDENCE.model_copy(update={"requests_sha256": at.ljust(64, "0")}),
    }
    return builders.a_record(f"20261123-{at}-{at}", **{**known, **fields})


def side(label: str, values: Sequence[Value], *, first: int = 0, restarted: bool = False, **fields: object) -> Side:
    """One launch each, four minutes apart; B two minutes after A, so that they take turns."""
    begin = [(first or (0 if label == "A" else 2)) + 4 * i for i in range(len(values))]
    times = [f"{minutes // 60:02d}{minutes % 60:02d}00" for minutes in begin]
    records = [record(value, at=at, **fields) for value, at in zip(values, times, strict=True)]
    return make_side(label, [Launch(record=each) for each in records], restarted=restarted)


def other_settings(parallel: int = 8) -> dict[str, object]:
    settings = builders.TRIAL.settings.model_copy(update={"parallel": parallel})
    return {"trial": builders.TRIAL.model_copy(update={"settings": settings}), "configuration": f"parallel-{parallel}"}
