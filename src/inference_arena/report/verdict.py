"""What a run says, in sentences that a newcomer understands. Pure: knows records, not terminals."""

import math
from collections.abc import Sequence
from itertools import pairwise

from inference_arena import units
from inference_arena.engines import STAGES
from inference_arena.facts import Slo
from inference_arena.record import Failed, Finished, Interrupted, LoadSummary, Record
from inference_arena.report import words
from inference_arena.report.sharing import sharing

# a doubling of the load that adds less than this is no growth
GROWTH = 0.10

_STAGES = {
    "prepare": "while preparing the run",
    "launch": "while starting the engine",
    "ready": "while waiting for the engine to load the model",
    "probe": "at the first trial request",
    "load": "while measuring under load",
    "stop": "while stopping the engine",
    "self-test": "while testing the load client itself",
    "save": "while saving the record",
}
_ENDED = {
    "ctrl-c": "you pressed Ctrl-C",
    "terminated": "the system asked it to stop",
    "terminal-closed": "the terminal was closed",
    "killed": "it was killed",
}
_PLACES = {"private-network": "your network", "internet": "the internet"}


def verdict(record: Record) -> tuple[str, ...]:
    """Sentences, the most important first: an idle GPU, what is no evidence, how it ended, what the numbers mean."""
    return (*_idle_gpu(record), *_synthetic(record), *_ending(record), *_meaning(record))


def _synthetic(record: Record) -> tuple[str, ...]:
    """Numbers of random weights or of an engine without its own kernels say so before they are read."""
    doubts = record.summary.doubts if record.summary else ()
    said = [words.plain(doubt.evidence) for doubt in doubts if doubt.code in {"dummy-weights", "reduced-build"}]
    return tuple(f"{text[0].upper()}{text[1:]}." for text in said)


def _idle_gpu(record: Record) -> tuple[str, ...]:
    if not words.gpu_unused(record):
        return ()
    command = record.engine.choices.get("gpu_command")
    use_it = f" To use it: {words.plain(command)}" if command else ""
    reason = words.plain(record.engine.choices["gpu"])
    return (f"Your GPU was not used: {words.gpu_names(record)}. Why: {_ended(reason)}{use_it}",)


def _ended(sentence: str) -> str:
    """With a full stop, unless it has an end of its own."""
    return sentence if sentence.endswith(("?", "!")) else f"{sentence.rstrip('.')}."


def _ending(record: Record) -> tuple[str, ...]:
    match record.outcome:
        case Failed() as failed:
            return _failed(failed)
        case Interrupted() as interrupted:
            return _interrupted(record, interrupted)
        case Finished() if succeeded(record) == 0:
            return ("No request succeeded, so there is nothing to measure.",)
        case Finished() if record.purpose == "self-test":
            return (f"{_self_test(record)} This is a tiny model; it says nothing about bigger ones.",)
        case Finished():
            return ()


def _self_test(record: Record) -> str:
    """Passed is what works without reserve: a serious doubt is said first."""
    doubts = record.summary.doubts if record.summary else ()
    if any(doubt.weight == "serious" for doubt in doubts):
        return "Self-test done, but something is wrong: see the doubts below."
    return "Self-test passed: machine and tool work."


def _failed(failed: Failed) -> tuple[str, ...]:
    what, why = words.plain(failed.what), words.plain(failed.why)
    reason = (f"Why: {_ended(why)}",) if why else ()
    advice = (f"Try: {words.plain(failed.advice)}",) if failed.advice else ()
    untested = ("Nobody has seen this failure here: the advice is untested.",) if failed.reproduced is False else ()
    return (f"It did not work: {_ended(what)} It ended {_when(failed)}.", *reason, *advice, *untested)


def _when(failed: Failed) -> str:
    """At the arena's stage, and at the engine's own where its log tells one that says more."""
    doing = STAGES.get(failed.engine_stage or "") if failed.stage == "ready" else None
    return _STAGES[failed.stage] if doing is None else f"{_STAGES['launch']}, which was {doing}"


def _interrupted(record: Record, interrupted: Interrupted) -> tuple[str, ...]:
    done = sum(point.stopped_by == "plan" for point in record.points)
    planned = "" if record.trial.capacity else f" of {len(record.trial.loads) * record.trial.repeats}"
    kept = f"{_counted(record.evidence.requests_lines, 'request')}; {done}{planned} load points are complete"
    what = f"Interrupted {_STAGES[interrupted.stage]}: {_ENDED[interrupted.by]}."
    if record.evidence.requests_lines == 0:
        return (f"{what} Nothing had been measured yet; only the set-up is kept.",)
    return (f"{what} Kept: {kept}.",)


def _meaning(record: Record) -> tuple[str, ...]:
    if record.summary is None:
        return ()
    if succeeded(record) == 0:
        return _failures(record)
    if record.summary.capacity is not None:
        return (*sharing(record), _demand(record.trial.slo), *_failures(record), *_serious(record))
    judged = record.purpose == "measurement"
    loads = by_level(record.summary.loads)
    limits = (*_growth(loads), *_goals(loads, record.trial.slo)) if judged else ()
    return (*_speed(record, loads), *limits, *_failures(record), *_serious(record))


def succeeded(record: Record) -> int:
    return 0 if record.summary is None else sum(point.ok for point in record.summary.points)


def by_level(loads: Sequence[LoadSummary]) -> list[LoadSummary]:
    return sorted(loads, key=lambda summary: (summary.load.kind, summary.load.level))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _where(record: Record) -> str:
    if record.engine.location != "same-host":
        return f"On a server reached over {_PLACES[record.engine.location]}"
    return f"On this machine ({words.machine_name(record)})"


def _speed(record: Record, loads: Sequence[LoadSummary]) -> tuple[str, ...]:
    known = [load for load in loads if load.output_tokens_per_s is not None]
    if not known:
        return ()
    first, peak = known[0], max(known, key=_tokens_per_s)
    who = f"{_where(record)} {words.model_name(record)} on {words.engine_name(record)}"
    rates = f"makes {words.rate(first.output_tokens_per_s)} {words.for_load(first.load)}"
    if peak is not first:
        rates += f" and at most {words.rate(peak.output_tokens_per_s)} {words.for_load(peak.load)}"
    return (f"{who} {rates}.", *_feel(peak))


def _tokens_per_s(summary: LoadSummary) -> float:
    return summary.output_tokens_per_s.value if summary.output_tokens_per_s else -math.inf


def _feel(peak: LoadSummary) -> tuple[str, ...]:
    """What one user notices at the load with the most tokens per second."""
    if peak.ttft_s is None:
        return ()
    each = peak.output_tokens_per_s_per_user
    who = "that user" if peak.load.concurrency == 1 else "each user"
    pace = "" if each is None else f", then {who} gets {units.number(each, digits=2)} tok/s"
    start = words.with_load(peak.load)
    return (f"{start[0].upper()}{start[1:]} the first word takes {words.latency(peak.ttft_s)} (p50){pace}.",)


def _growth(loads: Sequence[LoadSummary]) -> tuple[str, ...]:
    known = [s for s in loads if s.load.kind == "closed" and s.load.level > 0 and _tokens_per_s(s) > 0]
    steps = [(a, b, _gain_per_doubling(a, b)) for a, b in pairwise(known) if b.load.level > a.load.level]
    if not steps:
        return ()
    flat = next((i for i in range(len(steps)) if all(gain < GROWTH for *_, gain in steps[i:])), None)
    if flat is None:
        return (f"Throughput still grows at {steps[-1][1].load.label} at once: the limit lies higher than was tried.",)
    low, high, gain = steps[flat]
    if _cannot_be_told_apart(low, high):
        return (
            f"Whether {high.load.label} at once make more tokens than {low.load.label} cannot be told from this run.",
        )
    change = f"adds only {_whole_percent(gain)}" if gain > 0.005 else "adds nothing"
    if gain < -0.005:
        change = f"costs {_whole_percent(-gain)}"
    doubling = "" if math.isclose(high.load.level, 2 * low.load.level) else " per doubling"
    return (f"Throughput stops growing at {low.load.label} at once: {high.load.label} at once {change}{doubling}.",)


def _cannot_be_told_apart(one: LoadSummary, other: LoadSummary) -> bool:
    """Both intervals are known and hold too much to say that growth stopped."""
    a, b = one.output_tokens_per_s, other.output_tokens_per_s
    if a is None or b is None or None in {a.low, a.high, b.low, b.high}:
        return False
    return (
        b.high is not None and a.low is not None and b.high > (1 + GROWTH) * a.low and b.value < (1 + GROWTH) * a.value
    )


def _whole_percent(share: float) -> str:
    return f"{units.number(share * 100, digits=1)} %"


def _gain_per_doubling(a: LoadSummary, b: LoadSummary) -> float:
    doublings = math.log2(b.load.level / a.load.level)
    return float((_tokens_per_s(b) / _tokens_per_s(a)) ** (1 / doublings) - 1)


def _goals(loads: Sequence[LoadSummary], slo: Slo) -> tuple[str, ...]:
    """One judgement for each kind of load: streams and arrivals are not on one axis."""
    if slo.ttft_s is None and slo.tpot_s is None:
        return ()
    kinds = ([load for load in loads if load.load.kind == kind] for kind in ("closed", "open"))
    return tuple(sentence for same in kinds if same for sentence in _goal(same, slo))


def _goal(loads: Sequence[LoadSummary], slo: Slo) -> tuple[str, ...]:
    goal = f'The goal "{words.plain(slo.name)}" ({bounds(slo)})'
    if all(load.slo_met is None for load in loads):
        return (f"{goal} cannot be judged from so few requests.",)
    if all(load.slo_met is not False for load in loads) and any(load.slo_met is None for load in loads):
        known = [load for load in loads if load.slo_met]
        sure = f" is met {words.up_to(known[-1].load)}; beyond that it" if known else ""
        return (f"{goal}{sure} cannot be judged from so few requests.",)
    met = next((i for i, load in enumerate(loads) if not load.slo_met), len(loads))
    if met == len(loads):
        return (f"{goal} is met at every load tried, {words.up_to(loads[-1].load)}.",)
    beyond = _beyond(loads[met])
    if met == 0:
        return (f"{goal} is not met: {beyond}.",)
    return (f"{goal} is met {words.up_to(loads[met - 1].load)}; {beyond}.",)


def _beyond(missed: LoadSummary) -> str:
    where = words.with_load(missed.load)
    if missed.slo_met is None or missed.attainment is None:
        return f"{where} it cannot be judged"
    return f"{where} {units.percent(missed.attainment)} of requests meet it"


def _demand(slo: Slo) -> str:
    return f'The goal "{words.plain(slo.name)}": {bounds(slo)}.'


def bounds(slo: Slo) -> str:
    """The bounds of an SLO in words."""
    parts = [f"first word within {_exactly(slo.ttft_s)}"] if slo.ttft_s is not None else []
    parts += [f"at most {_exactly(slo.tpot_s)} per token after it"] if slo.tpot_s is not None else []
    return ", ".join((*parts, f"for {units.percent(slo.judged_at)} of requests"))


def _exactly(seconds: float) -> str:
    """A bound is not measured: it is printed as it was written."""
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def _failures(record: Record) -> tuple[str, ...]:
    points = record.summary.points if record.summary else ()
    failed, sent = sum(p.failed for p in points), sum(p.ok + p.failed for p in points)
    if failed == 0:
        return ()
    causes: dict[str, int] = {}
    for cause, count in ((c, n) for p in points for c, n in p.failures.items()):
        causes[cause] = causes.get(cause, 0) + count
    listed = ", ".join(f"{words.plain(c)} {n:,}" for c, n in sorted(causes.items(), key=lambda item: -item[1]))
    return (f"{failed:,} of {_counted(sent, 'request')} failed" + (f": {listed}." if listed else "."),)


def _serious(record: Record) -> tuple[str, ...]:
    doubts = record.summary.doubts if record.summary else ()
    names = ", ".join(words.plain(doubt.code) for doubt in doubts if doubt.weight == "serious")
    return (f"Do not rely on these numbers yet: {names} (see the doubts below).",) if names else ()
