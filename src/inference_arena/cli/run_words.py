"""Words on the command line of `arena run` that other verbs take too: seeds, flags, intervals, a key's variable."""

import os
import secrets

from inference_arena import units
from inference_arena.errors import UsageError

SHORTEST_SAMPLING_S, LONGEST_SAMPLING_S = 0.02, 60.0


def choose_seed(asked: int | None, *, url: str | None) -> int:
    """A server that keeps running answers prompts it has seen from its cache, and not every one says so."""
    if asked is not None:
        return asked
    return 0 if url is None else secrets.randbelow(2**31)


def split_flags(flags: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    """`--flag "--batch-size 512"` and `--flag --batch-size=512` both name one flag with its value."""
    return tuple(part for flag in flags for part in flag.split(maxsplit=1))


def read_key(name: str | None) -> str | None:
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"the environment variable {name} is not set", try_=f"export {name}=... and run again")
    if not key.isascii() or not key.isprintable() or " " in key:  # it would end up in an error about the header
        raise UsageError(f"what the environment variable {name} holds is no key", try_=f"set {name} to the key alone")
    return key


def sampling_interval_s(text: str, *, name: str) -> float:
    """Faster than drivers renew their numbers is no use, and costs the engine's processor."""
    seconds = units.parse_seconds(text)
    if not SHORTEST_SAMPLING_S <= seconds <= LONGEST_SAMPLING_S:
        raise UsageError(f"{name} takes 20ms to 60s, not {text}", try_=f"{name} 100ms")
    return seconds
