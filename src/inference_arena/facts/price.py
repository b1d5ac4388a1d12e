"""What a card costs, as somebody asked for it on a day. Sources that disagree are both kept."""

from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact


class Price(Fact):
    """One price of one card. rent is per hour and card, the others are for the whole card.

    Where the source gives a range, `amount` is its lower end and `highest` the upper. `dated` is when the price held;
    of a source that names only a month it is the first day; None where the source does not say.
    """

    kind: Literal["rent", "new", "used", "launch"]
    amount: float
    highest: float | None = None
    currency: Literal["usd", "eur"]
    seller: str | None = None
    dated: date | None = None
    source: str
    checked: date


class Prices(Fact):
    """All prices of the catalogue's card `name`."""

    name: str
    prices: tuple[Price, ...]
