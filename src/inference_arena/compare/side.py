"""A side of a comparison: the launches of one configuration, each a value of its own. Knows records, no statistics."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from inference_arena.compare.measures import Measure
from inference_arena.facts import Fact
from inference_arena.plan import Load
from inference_arena.record import Failed, Interrupted, PointSummary, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A record, and how warm the hottest card was when it began; None where nobody looked."""

    record: Record
    start_c: float | None = None

    @property
    def points(self) -> tuple[PointSummary, ...]:
        return self.record.summary.points if self.record.summary else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Launches that finished, and those that did not: counted, never averaged in.

    A server that was there before may be the same one in all its records, so these are one launch together, unless
    somebody who knows says that it was `restarted` for each.
    """

    label: str
    launches: tuple[Launch, ...]
    not_finished: tuple[Record, ...]
    restarted: bool = False

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(launch.record for launch in self.launches)

    @property
    def any(self) -> Record:
        """One record to tell the configuration by."""
        return (*self.records, *self.not_finished)[0]

    @property
    def independent(self) -> tuple[tuple[Launch, ...], ...]:
        """The launches that count, each with its records."""
        own = [x for x in self.launches if self.restarted or x.record.engine.form != "attached"]
        shared = tuple(x for x in self.launches if x not in own)
        return (*((launch,) for launch in own), *((shared,) if shared else ()))


class SideValues(Fact):
    """One number of one side: a value a launch, and their mean (of the logarithms, where ratios are compared).

    `spread_between`: standard deviation between launches; None under two. `spread_within`: between the repeats inside
    a launch; None without repeats. Both are shares of the value, or differences of a share.
    """

    value: float
    launches: tuple[float, ...]
    spread_between: float | None
    spread_within: float | None


def make_side(label: str, launches: Iterable[Launch], *, restarted: bool = False) -> Side:
    """Copies of the same run count once; records in order of their beginning."""
    first = {
        _fingerprint(launch.record): launch for launch in sorted(launches, key=lambda x: x.record.id, reverse=True)
    }
    ordered = sorted(first.values(), key=lambda x: (x.record.started_at, x.record.id))
    return Side(
        label=label,
        launches=tuple(launch for launch in ordered if _counts(launch.record)),
        not_finished=tuple(launch.record for launch in ordered if not _counts(launch.record)),
        restarted=restarted,
    )


def _fingerprint(record: Record) -> tuple[str, str, str | None]:
    return record.started_at, record.evidence.requests_sha256, record.machine


def _counts(record: Record) -> bool:
    return record.outcome.kind == "finished" and record.summary is not None


def same_launch_group(record: Record) -> tuple[str, ...]:
    """What two records share when they are launches of the same thing, on the same machine."""
    return (record.configuration, record.machine or "", record.purpose, record.model.weights)


def belongs(record: Record, *, like: Record) -> bool:
    """A launch of the same thing; also one that ended before the engine could say which release or file it was."""
    if same_launch_group(record) == same_launch_group(like):
        return True
    return not _counts(record) and _as_asked(record) == _as_asked(like) and _no_other(record, like)


def _as_asked(record: Record) -> tuple[object, ...]:
    trial = record.trial.model_copy(update={"seed": 0, "repeats": 1})
    return trial, record.machine, record.purpose, record.engine.form, record.model.name


def _no_other(record: Record, like: Record) -> bool:
    """What it does say is the same."""
    pairs = (
        (record.engine.version, like.engine.version),
        (record.engine.program, like.engine.program),
        (record.model.file_sha256, like.model.file_sha256),
    )
    return all(said is None or said == other for said, other in pairs)


def how_it_ended(record: Record) -> str:
    match record.outcome:
        case Failed(cause=cause):
            return f"failed: {cause}"
        case Interrupted(by=by):
            return f"interrupted: {by}"
    return "nothing measured"


def place(load: Load) -> Load:
    """The load without what it takes to measure it: two points at the same place ask the same of the server."""
    return load.model_copy(update={"warmup_s": None, "duration_s": None, "requests": None})


def places(side: Side) -> tuple[Load, ...]:
    """Where this side was measured, in order of load."""
    found = {place(point.load) for launch in side.launches for point in launch.points}
    return tuple(sorted(found, key=lambda load: (load.kind, load.level, load.model_dump_json())))


def points_at(launches: Iterable[Launch], load: Load) -> list[PointSummary]:
    return [point for launch in launches for point in launch.points if place(point.load) == load]


def values_of(side: Side, measure: Measure, *, at: Load) -> SideValues | None:
    """None where no launch knows it, or where a ratio is asked of something that was zero."""
    read = [[measure.read(point) for point in points_at(launch, at)] for launch in side.independent]
    known = [[value for value in values if value is not None] for values in read]
    known = [values for values in known if values]
    if not known or (measure.scale == "ratio" and any(value <= 0 for values in known for value in values)):
        return None
    launches = [median(values) for values in known]
    scaled = on_scale(launches, measure)
    return SideValues(
        value=math.exp(fmean(scaled)) if measure.scale == "ratio" else fmean(scaled),
        launches=tuple(launches),
        spread_between=_as_share(stdev(scaled), measure) if len(scaled) > 1 else None,
        spread_within=_within([on_scale(values, measure) for values in known], measure),
    )


def on_scale(values: Iterable[float], measure: Measure) -> list[float]:
    """Logarithms where ratios are compared, so that twice and half are equally far."""
    return [math.log(value) if measure.scale == "ratio" else value for value in values]


def _within(launches: Sequence[Sequence[float]], measure: Measure) -> float | None:
    """The standard deviation between repeats, pooled over the launches that have them."""
    repeated = [values for values in launches if len(values) > 1]
    if not repeated:
        return None
    squares = sum((len(values) - 1) * stdev(values) ** 2 for values in repeated)
    return _as_share(math.sqrt(squares / sum(len(values) - 1 for values in repeated)), measure)


def _as_share(deviation: float, measure: Measure) -> float:
    return math.expm1(deviation) if measure.scale == "ratio" else deviation
