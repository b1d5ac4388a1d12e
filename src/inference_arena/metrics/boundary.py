"""Where something that gets harder with a whole number stops to hold, told by noisy probes: what to try next, and what
is known by now. Asked and told, nothing else: knows no server, no load and no clock.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Status = Literal["located", "at-edge", "not-found"]
MOST_TRIES: Final = 3  # probes of one level that stays undecided
MOST_PROBES: Final = 40
FIRST: Final = 4
FIRST_GROWTH: Final = 4  # from few upwards: a quick way to a busy server
LATER_GROWTH: Final = 2  # around a guess, which is rarely far off


class Verdict(NamedTuple):
    """What all probes of one level say together. `met` is the likelier; `sure` when the interval excludes the other."""

    met: bool
    sure: bool
    tries: int = 1


class Boundary(NamedTuple):
    """`lower`: the highest level for which it surely holds, 0 without one; `upper`: the lowest where it surely fails.

    Located: the two are one step apart. At the edge: it holds at the highest level that may be tried, or not even at 1.
    """

    status: Status
    lower: int
    upper: int | None


Seen = Mapping[int, Verdict]


def step_at(level: int) -> int:
    """How near is near enough: one, and beyond 40 a fortieth of the level."""
    return max(1, level // 40)


def next_level(seen: Seen, *, start: int, most: int) -> int | None:
    """The level to try next; None when more of them would not help."""
    if sum(verdict.tries for verdict in seen.values()) >= MOST_PROBES:
        return None
    missed = min((level for level, verdict in seen.items() if not verdict.met), default=None)
    held = max((level for level in seen if missed is None or level < missed), default=0)
    if missed is None:
        if not seen:
            return min(max(1, start), most)
        growth = FIRST_GROWTH if start <= FIRST else LATER_GROWTH
        return min(most, held * growth) if held < most else _again(seen, held)
    if missed - held > step_at(held):
        downwards = held == 0 and all(level >= missed for level in seen)
        return max(1, missed // LATER_GROWTH) if downwards else (missed + held) // 2
    return _again(seen, *_upwards(seen, missed), *_downwards(seen, held))


def _again(seen: Seen, *levels: int) -> int | None:
    """The first of the levels that is not certain yet and may be tried once more."""
    return next((n for n in levels if not seen[n].sure and seen[n].tries < MOST_TRIES), None)


def _upwards(seen: Seen, missed: int) -> list[int]:
    """Levels where it does not hold, from the lowest to the first that is certain: those above need no proof."""
    return _to_the_first_certain(seen, sorted(n for n, verdict in seen.items() if n >= missed and not verdict.met))


def _downwards(seen: Seen, held: int) -> list[int]:
    """Levels where it holds, from the highest; none where a still higher one speaks for all of them."""
    if any(verdict.met and verdict.sure for level, verdict in seen.items() if level > held):
        return []
    return _to_the_first_certain(seen, sorted((n for n, v in seen.items() if n <= held and v.met), reverse=True))


def _to_the_first_certain(seen: Seen, levels: list[int]) -> list[int]:
    first = next((i for i, level in enumerate(levels) if seen[level].sure), len(levels))
    return levels[: first + 1]


def boundary(seen: Seen, *, most: int) -> Boundary:
    """What the probes prove; not found while sure levels contradict each other or lie apart."""
    lower = max((level for level, verdict in seen.items() if verdict.met and verdict.sure), default=0)
    upper = min((level for level, verdict in seen.items() if not verdict.met and verdict.sure), default=None)
    if upper is None:
        return Boundary("at-edge" if lower >= most else "not-found", lower, None)
    if lower >= upper:
        below = max((n for n, verdict in seen.items() if verdict.met and verdict.sure and n < upper), default=0)
        return Boundary("not-found", below, upper)
    if upper == 1:
        return Boundary("at-edge", 0, 1)
    near = lower > 0 and upper - lower <= step_at(lower)
    return Boundary("located" if near else "not-found", lower, upper)


def probes_needed(limit: int, *, start: int, most: int) -> int:
    """How many probes it takes where the limit is `limit` and every probe is certain."""
    seen: dict[int, Verdict] = {}
    while (level := next_level(seen, start=start, most=most)) is not None:
        seen[level] = Verdict(met=level <= limit, sure=True)
    return len(seen)
