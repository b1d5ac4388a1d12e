"""What single words of `arena run` mean: a key, a seed, flags, how often to sample and to mend."""

import os
import secrets
from typing import Final

from inference_arena import units
from inference_arena.errors import UsageError

RETRIES: Final = 3
SHORTEST_SAMPLING_S, LONGEST_SAMPLING_S = 0.02, 60.0


def count_retries(asked: int | None, *, wanted: bool, url: str | None) -> int:
    """How often a failed start is mended; 0 where nobody asked for it."""
    if asked is not None and not wanted:
        raise UsageError("--retries goes with --retry-fixes", try_=f"--retry-fixes --retries {asked}")
    if wanted and url is not None:
        raise UsageError(
            "--retry-fixes goes with an engine that is started here",
            why="a server that runs already is not ours to change",
            try_="leave it out with --url",
        )
    return (asked or RETRIES) if wanted else 0


def sampling_interval_s(text: str, *, name: str) -> float:
    """Faster than drivers renew their numbers is no use, and costs the engine's processor."""
    seconds = units.parse_seconds(text)
    if not SHORTEST_SAMPLING_S <= seconds <= LONGEST_SAMPLING_S:
        raise UsageError(f"{name} takes 20ms to 60s, not {text}", try_=f"{name} 100ms")
    return seconds


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
