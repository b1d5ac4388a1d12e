"""What is sought when the question is how many can share a server. Knows no answer and no clock."""

from inference_arena.facts import Fact
from inference_arena.plan.requests import Lengths, Sessions, Texts


class People(Fact):
    """How one person uses the model, as conversations: a behaviour card's numbers, less what was named."""

    behaviour: str
    lengths: Lengths
    sessions: Sessions
    texts: Texts | None = None


class Capacity(Fact):
    """The most for which the SLO holds: of requests at once up to `most`, then of people up to `most_people`."""

    most: int
    people: People | None = None
    most_people: int | None = None
