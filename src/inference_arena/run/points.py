"""Which load points are driven, one after another: the ones that were named, or those that a search asks for."""

from collections.abc import Iterator, Sequence

from inference_arena.metrics import next_probe, probes_expected
from inference_arena.plan import Load, Trial
from inference_arena.record import PointSummary

NextPoint = tuple[int, Load, Sequence[Load]]


def points_to_drive(trial: Trial, done: Sequence[PointSummary]) -> Iterator[NextPoint]:
    """Repeat, load, and what will follow as far as that is known. `done` grows while points are driven."""
    if trial.capacity is not None:
        yield from _searched(trial, done)
        return
    loads = [(repeat, load) for repeat in range(trial.repeats) for load in trial.loads]
    for index, (repeat, load) in enumerate(loads):
        yield repeat, load, [later for _, later in loads[index + 1 :]]


def _searched(trial: Trial, done: Sequence[PointSummary]) -> Iterator[NextPoint]:
    while (load := next_probe(trial, done)) is not None:
        repeat = sum(point.load == load for point in done)
        yield repeat, load, _still_to_come(trial, done)


def _still_to_come(trial: Trial, done: Sequence[PointSummary]) -> list[Load]:
    """A guess for the eye: what the whole search may take, less what has been driven."""
    later: list[Load] = []
    for count, load in probes_expected(trial):
        driven = sum(bool(point.load.people) == bool(load.people) for point in done)
        over = not load.people and any(point.load.people for point in done)
        later += [load] * (0 if over else max(0, count - driven))
    return later[1:]


def points_in_words(trial: Trial) -> str:
    if trial.capacity is not None:
        return "one load point after another, until the limit is found"
    return f"{len(trial.loads) * trial.repeats} load points"
