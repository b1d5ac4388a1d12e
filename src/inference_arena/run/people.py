"""People instead of requests: how one of them behaves, by a card and what was named instead."""

from typing import TYPE_CHECKING

from inference_arena.facts import behaviour
from inference_arena.plan import Capacity, Lengths, People, Sessions

if TYPE_CHECKING:
    from inference_arena.run.asked import Asked


def capacity_of(asked: "Asked") -> Capacity | None:
    """What is sought; None where fixed loads are measured."""
    sought = asked.sought
    if sought is None:
        return None
    people = people_of(asked)
    return Capacity(most=sought.most, people=people, most_people=None if people is None else sought.most_people)


def people_of(asked: "Asked") -> People | None:
    """Raises NotFoundError for a behaviour that nobody has described."""
    sought = asked.sought
    if sought is None or sought.behaviour is None:
        return None
    card = behaviour(sought.behaviour)
    return People(
        behaviour=card.name,
        lengths=Lengths(
            input_tokens=card.turn_tokens,
            output_tokens=card.output_tokens,
            output_jitter=card.output_jitter,
            ignore_eos=not asked.natural,
        ),
        sessions=Sessions(
            turns=card.turns,
            think_s=card.think_s if sought.think_s is None else sought.think_s,
            system_tokens=card.system_tokens,
        ),
        texts=card.texts,
    )


def longest_of_people(asked: "Asked") -> int:
    """The last turn of the longest conversation; 0 without people."""
    people = people_of(asked)
    if people is None:
        return 0
    turns = max(1, 2 * people.sessions.turns - 1)
    return people.sessions.system_tokens + turns * people.lengths.longest_tokens


def shorter(asked: "Asked") -> str:
    """What to try where a request is longer than the model can take."""
    if longest_of_people(asked):
        return f"a model with a longer context, or another behaviour than {people_name(asked)}, or --behaviour none"
    return "smaller --input-tokens or --output-tokens"


def people_name(asked: "Asked") -> str | None:
    return asked.sought.behaviour if asked.sought is not None else None
