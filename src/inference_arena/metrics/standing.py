"""What a run is evidence of, by what was run: random weights, engines without their own kernels. Pure."""

from collections.abc import Iterator
from typing import Final

from inference_arena.record import Doubt, EngineUsed, ModelUsed

SYNTHETIC: Final = "synthetic: memory and shape, not evidence about this engine"


def standing(engine: EngineUsed, model: ModelUsed) -> tuple[Doubt, ...]:
    """Doubts that no number raises: they hold for all numbers of the record, however they came out."""
    return tuple(_standing(engine, model))


def _standing(engine: EngineUsed, model: ModelUsed) -> Iterator[Doubt]:
    if model.weights == "dummy":
        yield Doubt(
            code="dummy-weights",
            weight="caution",
            evidence=f"{SYNTHETIC}: the network was filled with random numbers",
            advice="it cannot tell which experts are busy, what is written, where answers end by themselves, or how "
            "often speculation guesses right: run with real weights before you choose an engine by it",
        )
    if engine.reduced:
        yield Doubt(
            code="reduced-build",
            weight="caution",
            evidence=f"{SYNTHETIC}: {'; '.join(engine.reduced)}",
            advice="install the engine whole, with its own kernels and graphs, before you compare it with another",
        )
