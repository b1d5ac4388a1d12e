"""What stands between a model, a card and an engine release, and how it is said. Knows no rule by itself."""

from typing import Literal

from inference_arena.facts import Fact, Kernel

Rule = Literal[
    "vendor",
    "driver-too-old",
    "driver-unverified",
    "compute-capability",
    "architecture-unknown",
    "architecture-removed",
    "format",
    "quantization-unsupported",
    "quantization-slow",
    "dtype",
    "flag-unknown",
    "context",
    "cards",
    "release-unread",
]
Severity = Literal["blocks", "unverified", "costs"]


class Obstacle(Fact):
    """One thing in the way: `what` in a sentence, `evidence` with its figure, `source` of that, and ways out.

    blocks: it will not run. unverified: it may run, nobody checked. costs: it runs, at a price.
    """

    rule: Rule
    severity: Severity
    what: str
    evidence: str
    source: str
    way_out: tuple[str, ...] = ()


class Support(Fact):
    """All obstacles, and what will compute where nothing blocks: `kernels` for weights and attention, where known."""

    obstacles: tuple[Obstacle, ...]
    kernels: tuple[Kernel, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        return any(obstacle.severity == "blocks" for obstacle in self.obstacles)

    @property
    def is_clear(self) -> bool:
        """Nothing blocks and nothing is unverified."""
        return all(obstacle.severity == "costs" for obstacle in self.obstacles)
