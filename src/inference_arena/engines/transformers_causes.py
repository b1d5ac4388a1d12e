"""Why `transformers serve` does not start, by its own words, and what would work."""

from typing import Final

from inference_arena.engines.causes import Cause

CAUSES: Final[tuple[Cause, ...]] = ()
