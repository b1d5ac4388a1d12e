"""What a comparison says in plain sentences: claims first, then what cannot be claimed and what it would take. Pure."""

from collections.abc import Iterable, Sequence

from inference_arena import units
from inference_arena.compare.difference import MetricDifference
from inference_arena.compare.measures import MEASURES
from inference_arena.compare.repeats import EFFECT, FIRST, MOST
from inference_arena.compare.traits import Unlike
from inference_arena.plan import Load


def sentences(
    differences: Sequence[MetricDifference], *, a: str, b: str, launches: tuple[int, int], unlike: Sequence[Unlike]
) -> tuple[str, ...]:
    """Claims, what the client's own error hides, what cannot be claimed; only the reason where nothing may be."""
    forbidding = [each for each in unlike if each.weight == "forbids"]
    if forbidding:
        return _forbidden(forbidding, a=a, b=b)
    by_verdict = [
        *(_claim(each, a=a, b=b) for each in differences if each.verdict in ("more", "less")),
        *(_hidden(each, a=a, b=b) for each in differences if each.verdict == "client-error"),
        *(_constant(each, a=a, b=b) for each in differences if each.verdict == "constant"),
        *(_none(each, a=a, b=b) for each in differences if each.verdict == "none"),
    ]
    if all(each.verdict in ("beside", "forbidden") for each in differences):
        return ("Nothing that is judged was measured on both sides.",)
    too_few = [each for each in differences if each.verdict == "too-few"]
    return (*by_verdict, *(_too_few(too_few, a=a, b=b, launches=launches) if too_few else ()))


def at(load: Load) -> str:
    return f"at {load.label}" if load.kind == "open" else f"with {load.label} at once"


def size(share: float, *, beside: Sequence[float] = ()) -> str:
    """A share in percent without its sign, with the decimals that the bounds beside it deserve."""
    return f"{abs(share) * 100:,.{_decimals(share, beside)}f} %"


def signed(share: float, *, beside: Sequence[float] = ()) -> str:
    decimals = _decimals(share, beside)
    rounded = round(share * 100, decimals)
    return f"{rounded:+,.{decimals}f} %" if rounded else f"{0:.{decimals}f} %"


def interval(each: MetricDifference, *, turned: bool = False) -> str:
    """The bounds in percent, lower first; `turned` says a drop as a positive number."""
    low, high = (each.low, each.high)
    if turned:
        low, high = (None if high is None else -high), (None if low is None else -low)
    known = [bound for bound in (low, high) if bound is not None]
    decimals = _decimals(each.change, known)
    said = ["?" if bound is None else f"{round(bound * 100, decimals) + 0.0:,.{decimals}f}" for bound in (low, high)]
    return f"{said[0]} to {said[1]} %"


def _decimals(share: float, beside: Sequence[float]) -> int:
    width = max((abs(bound - share) for bound in beside), default=abs(share))
    return 0 if width >= 0.015 or width == 0 else 1 if width >= 0.0015 else 2


def _bounds(each: MetricDifference) -> list[float]:
    return [bound for bound in (each.low, each.high) if bound is not None]


def _counts(each: MetricDifference) -> str:
    return f"{len(each.a.launches)} and {len(each.b.launches)} launches"


def _claim(each: MetricDifference, *, a: str, b: str) -> str:
    measure = MEASURES[each.metric]
    said = measure.more if each.verdict == "more" else measure.less
    amount = size(each.change, beside=_bounds(each))
    bounds = interval(each, turned=each.verdict == "less")
    where = at(each.load)
    return f"{where[0].upper()}{where[1:]} {b} {said.format(amount)} than {a} ({bounds}, {_counts(each)})."


def _hidden(each: MetricDifference, *, a: str, b: str) -> str:
    change = signed(each.change, beside=_bounds(each))
    return (
        f"{_no_difference(each, a=a, b=b)} ({change}): it is smaller than what the load client itself adds to a TTFT."
    )


def _constant(each: MetricDifference, *, a: str, b: str) -> str:
    return (
        f"{_no_difference(each, a=a, b=b)} ({signed(each.change)}): every launch of a side gave the same number, so "
        "how much launches differ is unknown."
    )


def _no_difference(each: MetricDifference, *, a: str, b: str) -> str:
    where = at(each.load)
    return f"{where[0].upper()}{where[1:]} no difference in {each.title} can be claimed between {a} and {b}"


def _none(each: MetricDifference, *, a: str, b: str) -> str:
    seen = f"{signed(each.change, beside=_bounds(each))}, {interval(each)}"
    return f"{_no_difference(each, a=a, b=b)} ({seen}); {_more(each, a=a, b=b)}."


def _more(each: MetricDifference, *, a: str, b: str) -> str:
    effect = units.percent(EFFECT)
    if each.needed is None:
        return f"launches differ so much that {MOST:,} of each would not show one of {effect}: find out why first"
    more = {name: each.needed - len(side.launches) for name, side in ((a, each.a), (b, each.b))}
    short = {name: count for name, count in more.items() if count > 0}
    if not short:
        return f"these launches are enough to see one of {effect} nine times in ten"
    if len(short) == 2 and len(set(short.values())) == 1:
        return f"to see one of {effect}, run at least {more[a]} more of each"
    said = " and ".join(f"{count} more of {name}" for name, count in short.items())
    return f"to see one of {effect}, run at least {said}"


def _too_few(differences: Sequence[MetricDifference], *, a: str, b: str, launches: tuple[int, int]) -> tuple[str, ...]:
    """One sentence for all of them where the launches are few; else for those numbers that few launches know."""
    if min(launches) < 2:
        counts = f"{launches[0]} of {a} and {launches[1]} of {b}"
        more = " and ".join(
            f"{FIRST - n} more of {name}" for name, n in zip((a, b), launches, strict=True) if n < FIRST
        )
        why = "from one launch nobody knows how much launches differ by themselves"
        begin = f"Begin with at least {FIRST} launches of each, in turn: run {more}"
        return (f"No difference can be claimed: {why}, and there are {counts}. {begin}.",)
    titles = dict.fromkeys(f"{each.title} {at(each.load)}" for each in differences)
    return (f"No difference can be claimed in {', '.join(titles)}: fewer than 2 launches of a side know it.",)


def _forbidden(unlike: Iterable[Unlike], *, a: str, b: str) -> tuple[str, ...]:
    said = "; ".join(f"{each.field} ({each.a} against {each.b}): {each.why}" for each in unlike)
    return (f"{a} and {b} cannot be compared. {said[0].upper()}{said[1:]}.",)
