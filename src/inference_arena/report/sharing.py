"""How many can share it, in sentences that a newcomer understands: how many, what the next one does, what runs out."""

from collections.abc import Iterator

from inference_arena import units
from inference_arena.facts import Slo, behaviours
from inference_arena.record import CapacityAnswer, CapacityCause, Record
from inference_arena.report import words

_CAUSES = {
    "kv-cache-full": "memory for context is what runs out",
    "queueing": "every place in the engine is taken, and the others wait in line",
    "compute-bound": "computing is what runs out, most likely",
    "bandwidth-bound": "memory bandwidth is what runs out, most likely: every step takes longer",
    "failures": "requests fail",
    "unknown": "what runs out is unknown",
}


def sharing(record: Record) -> tuple[str, ...]:
    """Nothing where no capacity was sought, or nothing was tried yet."""
    capacity = record.summary.capacity if record.summary is not None else None
    if capacity is None:
        return ()
    people = () if capacity.people is None else tuple(_sentences(capacity.people, record))
    requests = tuple(_sentences(capacity.requests, record))
    sought = record.trial.capacity
    if people or sought is None or sought.people is None:
        return (*people, *requests)
    missing = "people were not tried: nobody can be served" if capacity.requests.upper == 1 else "people: not tried yet"
    return (*requests, f"{missing[0].upper()}{missing[1:]}.")


def _sentences(answer: CapacityAnswer, record: Record) -> Iterator[str]:
    slo = record.trial.slo
    match answer.status:
        case "located":
            yield f"{_can(answer, record)}; {_next(answer, slo)}; {_why(answer.cause)}."
        case "at-edge" if answer.upper is None:
            more = "--most" if answer.of == "requests" else "--most-people"
            yield f"{_can(answer, record)}, and no more were tried: the limit lies higher ({more} {2 * answer.most})."
        case "at-edge":
            yield f"Not even one {_one(answer)} meets the goal: {_next(answer, slo)}; {_why(answer.cause)}."
        case _:
            yield _not_found(answer, record)


def _can(answer: CapacityAnswer, record: Record) -> str:
    if answer.of == "requests":
        return f"{answer.lower} simultaneous request{_s(answer.lower)} meet the goal"
    people = record.trial.capacity.people if record.trial.capacity is not None else None
    card = behaviours().get(people.behaviour) if people is not None else None
    doing = card.doing if card is not None else "use it"
    who = "1 person" if answer.lower == 1 else f"{answer.lower} people"
    return f"{who} can {doing} ({_behaviour(record)})"


def _behaviour(record: Record) -> str:
    people = record.trial.capacity.people if record.trial.capacity is not None else None
    if people is None:
        return "people"
    pause = people.sessions.think_s
    between = f"{words.duration(pause)} between an answer and the next question" if pause else "turns back to back"
    return f"as {people.behaviour}: {between}"


def _next(answer: CapacityAnswer, slo: Slo) -> str:
    """What goes wrong with one more, or at the next level that was tried."""
    if answer.upper == 1:
        who = "it"
    elif answer.upper == answer.lower + 1:
        who = f"the {ordinal(answer.upper)}"
    else:
        who = f"{'people' if answer.of == 'people' else 'requests'} at {answer.upper} together"
    ttft, tpot = answer.upper_ttft_s, answer.upper_tpot_s
    if slo.ttft_s is not None and ttft is not None and ttft > slo.ttft_s:
        return f"{who} {_makes(who)} first words wait {words.duration(ttft)} (p90)"
    if slo.tpot_s is not None and tpot is not None and tpot > slo.tpot_s:
        return f"{who} {_makes(who)} each further word wait {words.duration(tpot)} (p90)"
    share = answer.upper_attainment
    kept = "too few" if share is None else units.percent(share.value)
    return f"with {'one alone' if answer.upper == 1 else who} {kept} of requests meet it"


def _makes(who: str) -> str:
    return "make" if who.endswith("together") else "makes"


def _why(cause: CapacityCause | None) -> str:
    if cause is None:
        return _CAUSES["unknown"]
    return f"{_CAUSES[cause.code]} ({words.plain(cause.evidence)})"


def _not_found(answer: CapacityAnswer, record: Record) -> str:
    what = "simultaneous requests" if answer.of == "requests" else f"people ({_behaviour(record)})"
    sure = f"{answer.lower} surely meet the goal" if answer.lower else "none was sure to meet the goal"
    above = f"{answer.upper} surely do not" if answer.upper is not None else "none surely missed it"
    open_ = ", ".join(map(str, answer.unsure))
    between = f"; at {open_} too few requests were seen to tell, and a longer --duration shows more" if open_ else ""
    tried = f"{answer.probes} load point{_s(answer.probes)}"
    return f"The limit of {what} was not found exactly in {tried}: {sure}, {above}{between}."


def _one(answer: CapacityAnswer) -> str:
    return "request" if answer.of == "requests" else "person"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th, 112th."""
    tail = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
