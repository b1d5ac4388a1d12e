"""What the arena does about an engine's prefix cache, so that each load point finds the state that was asked for."""

from collections.abc import Mapping
from typing import Any, Final

from inference_arena.engines import ENGINES
from inference_arena.plan import Cache
from inference_arena.run.http import post

RESET_TIMEOUT_S: Final = 10.0


def request_parameters(cache: Cache | None, *, engine_name: str) -> Mapping[str, Any]:
    """What every request carries so that the engine answers without its prefix cache; nothing where it cannot."""
    engine = ENGINES.get(engine_name)
    return engine.WITHOUT_CACHE if engine is not None and cache == "off" else {}


def empty_cache(cache: Cache | None, *, engine_name: str, root: str, headers: Mapping[str, str]) -> str | None:
    """Empty the engine's prefix cache before a load point where `cold` was asked for; what came of it, in words."""
    if cache != "cold":
        return None
    engine = ENGINES.get(engine_name)
    path = None if engine is None else engine.EMPTY_CACHE_PATH
    if path is None:
        return "the engine has no request that empties its prefix cache; no prompt comes twice"
    reply = post(f"{root}{path}", headers=headers, timeout_s=RESET_TIMEOUT_S)
    if reply.status == 200:
        return None
    why = reply.error or reply.failure or f"HTTP {reply.status}"
    return f"the engine did not empty its prefix cache ({path}: {why}); no prompt comes twice"
