"""How near an engine comes to what a card could do at its best: factors and spread, each from measurements."""

from datetime import date
from typing import Literal, Self

from pydantic import model_validator

from inference_arena.facts.fact import Fact
from inference_arena.facts.gpu import Form

Basis = Literal["formula", "calibrated", "measured"]


class Spread(Fact):
    """Measured over predicted time, at 10 % and 90 % of the rows of cards that the factors had not seen.

    `covered`: the share of rows in an interval that was made without their card; None where there was only one card
    to make it from. `basis` "formula": nobody measured this, and the spread says what is thinkable.
    """

    low: float
    high: float
    basis: Basis
    rows: int = 0
    covered: float | None = None

    @model_validator(mode="after")
    def _holds_the_prediction(self) -> Self:
        if not 0 < self.low <= 1 <= self.high:
            raise ValueError("the spread must hold 1, the prediction itself")
        return self


class Calibration(Fact):
    """The factors of `engine` (None: of any) for dense models or mixtures of experts, on cards of these `forms`.

    `memory_share`: share of the card's bandwidth reached. `compute_share`: share of the rate of the kernel used;
    None where it is unknown. `layer_s`: seconds a layer beside both. `eager_layer_s`: seconds in which the
    processor starts one layer's kernels, below which no step without recorded graphs stays; None where nobody
    measured it. `exchange_s`: seconds of one exchange between cards; None where nobody measured it. `overhead_s`:
    seconds to the first token that are not prefill. `queue_share`: how much of each other request's prompt is read
    first. `most_concurrency`: the most requests at once that were measured; beyond, the slow end is `beyond` times
    as slow and the basis is the formula; likewise `other_makers` times on cards of makers, or of an age, that were
    not among those measured.
    """

    engine: str | None = None
    kind: Literal["dense", "moe"]
    forms: tuple[Form, ...]
    memory_share: float
    compute_share: float | None = None
    layer_s: float
    eager_layer_s: float | None = None
    exchange_s: float | None = None
    overhead_s: float
    queue_share: float
    most_concurrency: int
    beyond: float
    other_makers: float
    decode: Spread
    prefill: Spread
    source: str
    checked: date
