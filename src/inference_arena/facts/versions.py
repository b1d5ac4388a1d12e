"""Order among releases and drivers. Knows how their names are built, not what is in them."""

import re
from functools import lru_cache
from typing import Final

from packaging.version import InvalidVersion, Version

from inference_arena.errors import UsageError

_BUILD: Final = re.compile(r"b(\d+)")
Key = tuple[int, Version]


@lru_cache(maxsize=4096)
def version_key(version: str) -> Key:
    """Sorts releases, oldest first; llama.cpp's numbered builds (b1234) come before its names of later years (0.4.0).

    Raises UsageError for what is no version.
    """
    build = _BUILD.fullmatch(version)
    try:
        return (0, Version(build[1])) if build else (1, Version(version.removeprefix("v")))
    except InvalidVersion as error:
        raise UsageError(
            f"{version!r} is no version", try_="a release such as 0.24.0, or b8095 of llama.cpp"
        ) from error


def is_within(version: str, *, first: str, last: str | None) -> bool:
    """Whether a release lies in the stretch from `first` to `last` (None: today's)."""
    key = version_key(version)
    return version_key(first) <= key and (last is None or key <= version_key(last))


@lru_cache(maxsize=4096)
def numbers(version: str) -> tuple[int, ...]:
    """A driver, toolkit or compute capability as numbers, for comparing; raises UsageError for anything else."""
    if not re.fullmatch(r"\d+(\.\d+)*", version.strip()):
        raise UsageError(f"{version!r} is no version", try_="numbers and dots, such as 550.54.15")
    return tuple(int(part) for part in version.strip().split("."))


def at_least(version: str, least: str) -> bool:
    """Compared number by number; what one of them does not say counts as zero."""
    ours, theirs = numbers(version), numbers(least)
    length = max(len(ours), len(theirs))
    return ours + (0,) * (length - len(ours)) >= theirs + (0,) * (length - len(theirs))
