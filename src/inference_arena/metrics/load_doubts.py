"""Why a number may mislead because of what was asked and who left: one function a doubt. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from inference_arena import units
from inference_arena.plan import Trial
from inference_arena.record import Doubt, Point, PointSummary, RepeatSummary

LEFT_SHARE: Final = 0.02
ANSWERS_SHARE: Final = 0.2
REPEATED_SHARE: Final = 0.05
STILL_WORKING: Final = 1.0
FEWEST_SAMPLES: Final = 3
FOUND_SHARE: Final = 0.1
CACHED_SHARE: Final = 0.5
LEAST_ANSWER_S: Final = 0.04
CACHED_ANSWER: Final = 0.25


def load_doubts(
    points: Sequence[Point], summaries: Sequence[PointSummary], trial: Trial, *, repeat: RepeatSummary | None = None
) -> Iterator[Doubt]:
    yield from _response_cache(repeat)
    yield from _saturated(points)
    yield from _people_left(summaries)
    yield from _still_working(summaries)
    yield from _incoherent(summaries, trial)
    yield from _repeated_prompts(summaries, trial)
    yield from _not_cold(summaries, trial)
    yield from _warm_cache(summaries, trial)


def _where(points: Iterable[PointSummary]) -> str:
    return "at " + ", ".join(point.load.label for point in points)


def _those(points: Iterable[PointSummary], wrong: Callable[[PointSummary], bool]) -> list[PointSummary]:
    return [point for point in points if wrong(point)]


def _response_cache(repeat: RepeatSummary | None) -> Iterator[Doubt]:
    """A prefix cache saves reading the question, which is short here; only a cache of answers saves writing one."""
    if repeat is None or not repeat.same_answer or repeat.first_s < LEAST_ANSWER_S:
        return
    if repeat.again_s < CACHED_ANSWER * repeat.first_s:
        yield Doubt(
            code="response-cache",
            weight="serious",
            evidence=f"a question took {units.seconds(repeat.first_s)} to answer, and {units.seconds(repeat.again_s)} "
            "when it was asked again: answers are kept and given out again",
            advice="turn the cache of answers off; prompts that come twice, as those of --data may, measure only that",
        )


def _saturated(points: Sequence[Point]) -> Iterator[Doubt]:
    bad = [point.load.label for point in points if point.stopped_by == "saturated"]
    if bad:
        yield Doubt(
            code="saturated",
            weight="serious",
            evidence=f"at {', '.join(bad)} requests came faster than answers, and the line grew beyond hope; "
            "the point was stopped early",
            advice="its latencies tell how long it ran, not how fast the engine is: lower --rate",
        )


def _people_left(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    """Those who left by chance have no say in this: they would have left any server."""

    def driven_away(point: PointSummary) -> int:
        return 0 if point.left is None else sum(n for why, n in point.left.why.items() if why != "by-chance")

    bad = _those(points, lambda p: driven_away(p) > LEFT_SHARE * p.sent)
    if bad:
        left, sent = sum(driven_away(point) for point in bad), sum(point.sent for point in bad)
        yield Doubt(
            code="people-left",
            weight="caution",
            evidence=f"{left} of {sent} people left before their answer had ended {_where(bad)}",
            advice="latencies are of those who stayed, the lucky ones; look at the share that met the goal instead",
        )


def _still_working(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    def unheard(point: PointSummary) -> bool:
        left = point.left
        known = left is not None and left.samples >= FEWEST_SAMPLES
        return known and left is not None and (left.beyond_mean or 0.0) > STILL_WORKING

    bad = _those(points, unheard)
    if bad:
        most = max(point.left.beyond_mean or 0.0 for point in bad if point.left)
        yield Doubt(
            code="engine-works-on",
            weight="caution",
            evidence=f"on average the engine worked on {most:.1f} requests that nobody waited for {_where(bad)}",
            advice="it does not notice that people leave: what they left behind slows down the others",
        )


def _incoherent(points: Sequence[PointSummary], trial: Trial) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.looping_answers > ANSWERS_SHARE * max(1, p.ok))
    if bad:
        forced = ", as they may when an answer has to go on after its end" if trial.lengths.ignore_eos else ""
        loops, ok = sum(point.looping_answers for point in bad), sum(point.ok for point in bad)
        yield Doubt(
            code="incoherent-output",
            weight="note",
            evidence=f"{loops} of {ok} answers say the same words over and over{forced} {_where(bad)}",
            advice="speculative decoding guesses such text too well; read one answer, and try --natural",
        )


def _repeated_prompts(points: Sequence[PointSummary], trial: Trial) -> Iterator[Doubt]:
    """Only prompts of a user's own can run out."""
    bad = _those(points, lambda p: p.repeated_prompts > REPEATED_SHARE * max(1, p.sent))
    if bad and trial.data is not None:
        times = sum(point.repeated_prompts for point in bad)
        asked = f" of a file with {trial.data.prompts:,}"
        yield Doubt(
            code="repeated-prompts",
            weight="caution",
            evidence=f"{times} requests asked a prompt{asked} that had been asked in the same load point {_where(bad)}",
            advice="the engine may have answered them from its cache: bring more prompts, or measure for less time",
        )


def _not_cold(points: Sequence[PointSummary], trial: Trial) -> Iterator[Doubt]:
    """What was asked of the prefix cache, beside what the engine's own counters say."""

    def found(point: PointSummary) -> float:
        counted = point.prefix_cache.found_share if point.prefix_cache else None
        return (counted if counted is not None else point.cached_input_share) or 0.0

    bad = _those(points, lambda p: trial.cache == "off" and found(p) > FOUND_SHARE)
    if bad:
        share = max(found(point) for point in bad)
        yield Doubt(
            code="cache-not-off",
            weight="serious",
            evidence=f"--cache off was asked for, and {units.percent(share)} of prompt tokens came from a cache "
            f"{_where(bad)}",
            advice="start the server without its prefix cache, then measure it with --url",
        )


def _warm_cache(points: Sequence[PointSummary], trial: Trial) -> Iterator[Doubt]:
    """Where prompts share beginnings by design, that is what was asked for."""
    shares = trial.sessions or trial.prefix or trial.cache == "warm" or any(kind.prefix for kind in trial.mix or ())
    if shares:
        return
    bad = _those(points, lambda p: (p.cached_input_share or 0) > CACHED_SHARE)
    if bad:
        share = max(p.cached_input_share or 0 for p in bad)
        yield Doubt(
            code="warm-cache",
            weight="caution",
            evidence=f"{units.percent(share)} of prompt tokens came from the prefix cache {_where(bad)}",
            advice="TTFT is that of repeated prompts; another --seed makes new ones",
        )
