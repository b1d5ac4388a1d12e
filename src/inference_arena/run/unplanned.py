"""Settings where nothing can be planned, as on a processor: room for the load that is asked for, and no more.

Left alone, an engine sets a share of all memory aside for its cache, or half a machine's.
"""

from collections.abc import Mapping
from typing import Final

from inference_arena import units
from inference_arena.engines import ENGINES
from inference_arena.facts import Model
from inference_arena.plan import Settings, element_bytes, sequence_bytes

BLOCK: Final = 128  # vLLM's on a processor; one block more a request, because none begins at another's edge
LEAST_BYTES: Final = 256 * units.MIB


def has(engine: str, setting: str) -> bool:
    """Whether that engine has a flag for the setting."""
    speaks = ENGINES[engine]
    return any(dial.setting == setting for dial in speaks.DIALS) or setting in speaks.IN_OTHER_UNITS


def unplanned(
    pinned: Settings,
    *,
    engine: str,
    model: Model,
    context_tokens: int,
    need_tokens: int,
    streams: int,
    room_bytes: int | None,
) -> tuple[Settings, Mapping[str, str]]:
    """The settings and why. `need_tokens`: of one request at most.

    `room_bytes`: what the cache may take of the machine's memory; None on a card, which the engine looks after itself.
    """
    settings, choices = pinned, {"settings": "nothing can be planned for this engine here: its own defaults"}
    if settings.context_tokens is None and has(engine, "context_tokens"):
        settings = settings.model_copy(update={"context_tokens": context_tokens})
    if settings.continuous_batching is None and has(engine, "continuous_batching"):
        settings = settings.model_copy(update={"continuous_batching": True})
        choices["batching"] = "continuous: requests may join while others are answered; the arena's choice"
    if settings.continuous_batching is False:  # then each request has a cache of its own
        return settings, choices
    if room_bytes is None or settings.kv_cache_bytes or settings.kv_cache_tokens or settings.memory_share:
        return settings, choices
    tokens = max(settings.context_tokens or 0, streams * (need_tokens + BLOCK))
    tokens = max(need_tokens, min(tokens, room_bytes * tokens // max(1, _bytes(model, tokens, settings))))
    found = {"kv_cache_tokens": tokens, "kv_cache_bytes": max(LEAST_BYTES, _bytes(model, tokens, settings))}
    name = next((name for name in found if has(engine, name)), None)
    if name is None:
        return settings, choices
    size = f"{tokens:,} tokens" if name == "kv_cache_tokens" else units.size(found[name])
    choices["kv_cache"] = f"{size}: room for {streams} of this load's requests at once"
    return settings.model_copy(update={name: found[name]}), choices


def _bytes(model: Model, tokens: int, settings: Settings) -> int:
    element = element_bytes(settings.dtype if settings.dtype == "float32" else "auto")
    return sequence_bytes(model, context_tokens=tokens, element=element, in_flight_tokens=tokens, block_tokens=BLOCK)
