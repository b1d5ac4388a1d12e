"""Two or more sides, each against the first: what differs, what may be claimed, what it would take. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from inference_arena.compare.comparable import comparable, shared_places
from inference_arena.compare.difference import LEVEL, Look, MetricDifference, judged, looks, unjudged
from inference_arena.compare.for_whom import for_whom, uses_cards_otherwise
from inference_arena.compare.intended import compared, intended
from inference_arena.compare.measures import JUDGED
from inference_arena.compare.sentences import sentences
from inference_arena.compare.side import Side, how_it_ended
from inference_arena.compare.traits import Unlike
from inference_arena.compare.welch import holm
from inference_arena.facts import Fact
from inference_arena.plan import Load

_DONE: Final = frozenset({"more", "less", "none", "client-error"})


class SideSummary(Fact):
    """Who a side is. `launches` counts what is independent; `records` names those averaged."""

    label: str
    configuration: str
    launches: int
    records: tuple[str, ...]
    not_finished: dict[str, str]


class Pair(Fact):
    """B against A. `allowed` is False where something that differs forbids claims; `done` where a number was judged."""

    a: str
    b: str
    compared: str
    unlike: tuple[Unlike, ...]
    allowed: bool
    done: bool
    differences: tuple[MetricDifference, ...]
    said: tuple[str, ...]


class Comparison(Fact):
    """`judgements` is how many numbers share the error of `level`, by Holm's correction."""

    sides: tuple[SideSummary, ...]
    pairs: tuple[Pair, ...]
    judged: tuple[str, ...]
    judgements: int
    level: float

    @property
    def done(self) -> bool:
        return all(pair.done for pair in self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A pair before it is judged, since all pairs are judged together."""

    a: Side
    b: Side
    unlike: tuple[Unlike, ...]
    looks: Sequence[Look]

    @property
    def allowed(self) -> bool:
        return all(each.weight != "forbids" for each in self.unlike)


def compare(
    sides: Sequence[Side], *, metrics: Sequence[str] = JUDGED, levels: Sequence[float] = (), level: float = LEVEL
) -> Comparison:
    """Each side against the first, judged in `metrics` at loads of these `levels` (all, if none is named).

    The chance to claim any difference where there is none is at most `level`, over all pairs, loads and metrics.
    """
    drafts = [_draft(sides[0], other, levels=levels) for other in sides[1:]]
    family = [seen for draft in drafts if draft.allowed for seen in draft.looks if seen.measure.name in metrics]
    verdicts = dict(zip(map(id, family), holm([seen.p for seen in family], level=level), strict=True))
    pairs = tuple(_pair(draft, verdicts=verdicts, level=level) for draft in drafts)
    return Comparison(
        sides=tuple(_summary(side) for side in sides),
        pairs=pairs,
        judged=tuple(metrics),
        judgements=len(family),
        level=level,
    )


def _draft(a: Side, b: Side, *, levels: Sequence[float]) -> _Draft:
    unlike = comparable(a, b)
    loads = [load for load in shared_places(a, b) if not levels or load.level in levels]
    same_goal = all(each.field != "goal" for each in unlike)
    return _Draft(a=a, b=b, unlike=unlike, looks=looks(a, b, loads=loads, same_goal=same_goal))


def _pair(draft: _Draft, *, verdicts: dict[int, tuple[bool, float]], level: float) -> Pair:
    error_s = _client_error_s((draft.a, draft.b))
    differences: list[MetricDifference] = []
    for seen in draft.looks:
        if id(seen) not in verdicts:
            differences.append(unjudged(seen, verdict="beside" if draft.allowed else "forbidden"))
            continue
        stands, at = verdicts[id(seen)]
        differences.append(
            judged(seen, level=at, stands=stands, needed_level=level / max(1, len(verdicts)), client_error_s=error_s)
        )
    a, b = draft.a.label, draft.b.label
    launches = (len(draft.a.independent), len(draft.b.independent))
    whom = for_whom(differences, a=a, b=b) if draft.allowed and uses_cards_otherwise(draft.a, draft.b) else ()
    return Pair(
        a=a,
        b=b,
        compared=compared(intended(draft.a, draft.b)),
        unlike=draft.unlike,
        allowed=draft.allowed,
        done=any(each.verdict in _DONE for each in differences),
        differences=tuple(differences),
        said=(*sentences(differences, a=a, b=b, launches=launches, unlike=draft.unlike), *whom),
    )


def _client_error_s(sides: Iterable[Side]) -> float:
    """What the load client adds to a median TTFT by itself, the worst of all records; 0 where nobody tested it."""
    tests = (r.summary.self_test for side in sides for r in side.records if r.summary)
    return max((abs(test.ttft_error_p50_s) for test in tests if test is not None), default=0.0)


def _summary(side: Side) -> SideSummary:
    return SideSummary(
        label=side.label,
        configuration=side.any.configuration,
        launches=len(side.independent),
        records=tuple(record.id for record in side.records),
        not_finished={record.id: how_it_ended(record) for record in side.not_finished},
    )


def loads_of(pair: Pair) -> tuple[Load, ...]:
    """The loads that a pair was compared at, in order."""
    return tuple(dict.fromkeys(each.load for each in pair.differences))
