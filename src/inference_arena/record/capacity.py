"""How many can share a server, as a record keeps it. Only `metrics` makes these."""

from typing import Literal

from inference_arena.facts import Fact
from inference_arena.record.estimate import Estimate


class CapacityCause(Fact):
    """What ran out where the SLO was missed, told by the engine's counters; unknown where they do not tell.

    `likely`: other causes would look the same.
    """

    code: Literal["kv-cache-full", "queueing", "compute-bound", "bandwidth-bound", "failures", "unknown"]
    likely: bool
    evidence: str


class CapacityAnswer(Fact):
    """How many of one kind fit under the SLO, and what was tried to know it.

    `lower`: the most for which the SLO surely holds, 0 where it holds for none. `upper`: the fewest for which it surely
    does not; None where that was not seen. `unsure`: levels that the requests seen leave undecided.
    `upper_ttft_s` and `upper_tpot_s`: what the slowest tenth met at `upper`, or above it.
    """

    of: Literal["requests", "people"]
    status: Literal["located", "at-edge", "not-found"]
    lower: int
    upper: int | None
    unsure: tuple[int, ...]
    most: int
    probes: int
    lower_attainment: Estimate | None
    upper_attainment: Estimate | None
    upper_ttft_s: float | None
    upper_tpot_s: float | None
    cause: CapacityCause | None


class CapacitySummary(Fact):
    """The answers of a search: requests at once, and people who behave as `behaviour` says; None: not looked for."""

    behaviour: str | None
    requests: CapacityAnswer
    people: CapacityAnswer | None
