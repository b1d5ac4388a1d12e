"""May two sides be compared: everything that differs between them, and what that forbids. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Final

from inference_arena import units
from inference_arena.compare.intended import intended
from inference_arena.compare.side import Side, how_it_ended, place, places, points_at
from inference_arena.compare.traits import TRAITS, Trait, Unlike, Weight, told
from inference_arena.plan import Load
from inference_arena.record import Distribution, Doubt, PointSummary, Record

OTHER_LENGTH: Final = 0.10
OTHER_CACHE_SHARE: Final = 0.10
OTHER_START_C: Final = 10.0
# doubts that change what a number means: on one side alone they make two things of it
ONE_SIDED: Final = frozenset({"warm-cache", "short-output", "usage-missing", "incoherent-output"})

_SERIOUS: Final = "a serious doubt: measure again, or leave these launches out with --only"
_ONE_SIDED: Final = "the numbers of one side mean something else"


def comparable(a: Side, b: Side) -> tuple[Unlike, ...]:
    """Everything that differs: first what is compared, then what forbids, then what asks for care."""
    first = intended(a, b)
    rest = [
        *_weights(a, b, engines=any(each.field == "engine" for each in first)),
        *_reduced(a, b, engines=any(each.field == "engine" for each in first)),
        *_workload(a, b),
        *_traits(a, b, other_machine=any(each.field == "machine" for each in first)),
        *_tokenizer(a, b),
        *_loads(a, b),
        *_outcomes(a, b),
        *_actual_lengths(a, b),
        *_cache(a, b),
        *_doubts(a, b),
        *_order(a, b),
        *_warmth(a, b),
        *_client(a, b),
    ]
    heaviest_first = sorted(rest, key=lambda each: ("forbids", "careful", "fine").index(each.weight))
    return (*first, *heaviest_first)


def shared_places(a: Side, b: Side) -> tuple[Load, ...]:
    """The loads that both sides were measured at."""
    there = set(places(b))
    return tuple(load for load in places(a) if load in there)


def _everything(side: Side) -> Sequence[Record]:
    return side.records or side.not_finished


def _unlike(a: str, b: str, *, field: str, weight: Weight, why: str) -> Iterator[Unlike]:
    if a != b:
        yield Unlike(field=field, a=a, b=b, weight=weight, why=why)


def _traits(a: Side, b: Side, *, other_machine: bool) -> Iterator[Unlike]:
    """Also where one side does not agree with itself."""
    for trait in TRAITS:
        one, other = told(_everything(a), trait.read), told(_everything(b), trait.read)
        said = {trait.read(record) for side in (a, b) for record in _everything(side)}
        said -= {None} if trait.told_only else set()
        if len(said) > 1:
            yield Unlike(field=trait.field, a=one, b=other, weight=_weight(trait, other_machine), why=trait.why)


def _weight(trait: Trait, other_machine: bool) -> Weight:
    """What belongs to a machine is no difference of its own between two machines."""
    return "fine" if other_machine and trait.of_the_machine else trait.weight


def _weights(a: Side, b: Side, *, engines: bool) -> Iterator[Unlike]:
    one, other = a.any.model.weights, b.any.model.weights
    dummy, unknown = "dummy" in (one, other), "unknown" in (one, other)
    why, weight = "whether these are the model's own weights is known of one side only", "careful"
    if dummy:
        why, weight = "made-up weights say nothing of real ones", "forbids"
    if one != other:
        yield from _unlike(one, other, field="weights", weight="forbids" if weight == "forbids" else "careful", why=why)
    elif dummy and engines:
        said = (
            "made-up weights cannot say which engine is faster: text that means nothing is cached and guessed otherwise"
        )
        yield Unlike(field="weights", a=one, b=other, weight="forbids", why=said)
    elif unknown and engines:
        said = "whether both ran the same weights is not known"
        yield Unlike(field="weights", a=one, b=other, weight="careful", why=said)


def _reduced(a: Side, b: Side, *, engines: bool) -> Iterator[Unlike]:
    """An engine without its own kernels is compared with itself alone, as short of them."""
    one, other = ("; ".join(side.any.engine.reduced) or "whole" for side in (a, b))
    if one != other or (engines and one != "whole"):
        why = "an engine that runs without parts of its own is no evidence about it"
        weight: Weight = "forbids" if engines or "whole" in (one, other) else "careful"
        yield Unlike(field="build", a=one, b=other, weight=weight, why=why)


def _workload(a: Side, b: Side) -> Iterator[Unlike]:
    one, other = a.any.trial.workload, b.any.trial.workload
    weight: Weight = "forbids" if one and other else "careful"
    why = "another kind of prompts" if one and other else "lengths agree; whether the kind of prompts does is unknown"
    yield from _unlike(one or units.DASH, other or units.DASH, field="workload", weight=weight, why=why)


def _tokenizer(a: Side, b: Side) -> Iterator[Unlike]:
    """The same architecture and size, only stored otherwise, cut text into the same tokens; others may not."""
    one, other = ((r.model.architecture, r.model.parameters) for r in (a.any, b.any))
    same_file = a.any.model.file_sha256 is not None and a.any.model.file_sha256 == b.any.model.file_sha256
    if a.any.model.name == b.any.model.name or same_file or (one == other and None not in one):
        return
    why = "a token of one model is not a token of the other: tokens/s compare only where they share a tokenizer"
    yield Unlike(field="tokens", a=f"of {a.any.model.name}", b=f"of {b.any.model.name}", weight="careful", why=why)


def _loads(a: Side, b: Side) -> Iterator[Unlike]:
    one, other = places(a), places(b)
    shared = shared_places(a, b)
    names = [", ".join(load.label for load in side) or units.DASH for side in (one, other)]
    if not shared and a.launches and b.launches:
        why = "no load was measured on both sides"
        yield Unlike(field="load", a=names[0], b=names[1], weight="forbids", why=why)
    elif shared and set(one) != set(other):
        why = "only loads of both sides are compared"
        yield Unlike(field="load", a=names[0], b=names[1], weight="fine", why=why)
    times = [_how_long(side, shared) for side in (a, b)]
    why = "they were not measured for the same time"
    yield from _unlike(times[0], times[1], field="measured for", weight="careful", why=why)


def _how_long(side: Side, shared: Sequence[Load]) -> str:
    loads = [p.load for launch in side.launches for p in launch.points if place(p.load) in shared]
    said = dict.fromkeys(
        ", ".join(
            text
            for text in (
                None if load.warmup_s is None else f"warm-up {units.seconds(load.warmup_s)}",
                None if load.duration_s is None else units.seconds(load.duration_s),
                None if load.requests is None else f"{load.requests:,} requests",
            )
            if text
        )
        for load in loads
    )
    return "; ".join(sorted(said)) or units.DASH


def _outcomes(a: Side, b: Side) -> Iterator[Unlike]:
    if not (a.not_finished or b.not_finished):
        return
    missing = not (a.launches and b.launches)
    why = "a side has no launch that finished" if missing else "only launches that finished are averaged"
    yield Unlike(field="outcome", a=_ended(a), b=_ended(b), weight="forbids" if missing else "careful", why=why)


def _ended(side: Side) -> str:
    kinds = dict.fromkeys(how_it_ended(record) for record in side.not_finished)
    total = len(side.launches) + len(side.not_finished)
    lost = f"{len(side.not_finished)} of {total} did not finish ({'; '.join(kinds)})"
    return lost if side.not_finished else f"all {total} finished"


def _mean(side: Side, loads: Iterable[Load], read: Callable[[PointSummary], float | None]) -> float | None:
    values = [read(point) for load in loads for point in points_at(side.launches, load)]
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _length(distribution: Distribution | None) -> float | None:
    return distribution.mean if distribution else None


def _actual_lengths(a: Side, b: Side) -> Iterator[Unlike]:
    shared = shared_places(a, b)
    same_model = a.any.model.name == b.any.model.name
    readers: tuple[tuple[str, Callable[[PointSummary], float | None], Weight], ...] = (
        ("answers", lambda point: _length(point.output_tokens), "forbids"),
        # templates and tokenizers of models differ, and their prompts with them
        ("prompts", lambda point: _length(point.input_tokens), "forbids" if same_model else "careful"),
    )
    for field, read, weight in readers:
        one, other = _mean(a, shared, read), _mean(b, shared, read)
        if one and other and max(one, other) > (1 + OTHER_LENGTH) * min(one, other):
            said = [f"{units.number(value)} tokens" for value in (one, other)]
            why = f"{field} were over {units.percent(OTHER_LENGTH)} longer on one side"
            yield Unlike(field=field, a=said[0], b=said[1], weight=weight, why=why)


def _cache(a: Side, b: Side) -> Iterator[Unlike]:
    shared = shared_places(a, b)
    one, other = (_mean(side, shared, lambda point: point.cached_input_share) for side in (a, b))
    if one is None and other is None:
        return
    if abs((one or 0.0) - (other or 0.0)) <= OTHER_CACHE_SHARE:
        return
    asked = a.any.trial.settings.prefix_caching != b.any.trial.settings.prefix_caching
    known = one is not None and other is not None
    why = "the prefix cache is what is compared" if asked else "one side found its prompts in the prefix cache"
    yield Unlike(
        field="from the cache",
        a=units.percent(one),
        b=units.percent(other),
        weight="forbids" if known and not asked else "careful",
        why=why if known else "how much came from the prefix cache is known of one side only",
    )


def _doubts(a: Side, b: Side) -> Iterator[Unlike]:
    """Serious ones forbid; others do where they change the meaning of one side's numbers. Notes are left to `show`."""
    weights = {d.code: d.weight for side in (a, b) for record in side.records for d in _doubts_of(record)}
    for code, weight in sorted(weights.items()):
        in_a, in_b = (sum(any(d.code == code for d in _doubts_of(r)) for r in side.records) for side in (a, b))
        one_sided = code in ONE_SIDED and 0 in (in_a, in_b)
        if weight == "note" and code not in ONE_SIDED:
            continue
        yield Unlike(
            field=code,
            a=f"{in_a} of {len(a.records)}",
            b=f"{in_b} of {len(b.records)}",
            weight="forbids" if weight == "serious" or one_sided else "careful",
            why=_SERIOUS if weight == "serious" else _ONE_SIDED if one_sided else "see `arena show`",
        )


def _doubts_of(record: Record) -> Sequence[Doubt]:
    return record.summary.doubts if record.summary else ()


def _order(a: Side, b: Side) -> Iterator[Unlike]:
    """A, A, A, B, B, B: what changed in between looks like a difference between A and B."""
    turns = sorted((record.started_at, side.label) for side in (a, b) for record in side.records)
    changes = sum(one[1] != other[1] for one, other in pairwise(turns))
    if changes == 1 and min(len(a.records), len(b.records)) > 1:
        first, last = ("first", "last") if turns[0][1] == a.label else ("last", "first")
        why = "all launches of one came before all of the other: what changed in between counts as a difference"
        yield Unlike(field="order", a=first, b=last, weight="careful", why=why)


def _warmth(a: Side, b: Side) -> Iterator[Unlike]:
    one, other = ([x.start_c for x in side.launches if x.start_c is not None] for side in (a, b))
    if one and other and abs(fmean(one) - fmean(other)) > OTHER_START_C:
        said = [f"{fmean(values):.0f} °C" for values in (one, other)]
        why = "a card that begins warmer slows down sooner"
        yield Unlike(field="start", a=said[0], b=said[1], weight="careful", why=why)


def _client(a: Side, b: Side) -> Iterator[Unlike]:
    """The load client's own error; where it is too much there is a doubt besides."""
    one, other = (_worst_lag_s(side) for side in (a, b))
    if one is not None or other is not None:
        why = "the load client's own delay (p99, the worst point)"
        yield from _unlike(units.seconds(one), units.seconds(other), field="client lag", weight="fine", why=why)


def _worst_lag_s(side: Side) -> float | None:
    lags = [p.client.loop_lag_p99_s for launch in side.launches for p in launch.points]
    return max((lag for lag in lags if lag is not None), default=None)
