"""Facts out of lines: which words tell which fact, and how a printed number becomes one of base units.

Knows no engine. Sizes are printed with two digits of GiB (some say GB and mean GiB); what is kept is what was printed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from inference_arena.engines.adapter import FactValue
from inference_arena.units import GIB, MIB

Convert = Callable[[Sequence[str]], FactValue]


class Reading(NamedTuple):
    """One way in which a log tells a fact. Where a fact has several, the first that is found in the log wins."""

    fact: str
    words: str
    convert: Convert


def gib(found: Sequence[str]) -> int:
    """Bytes; the sum where a size is told in parts."""
    return round(sum(float(part) for part in found) * GIB)


def mib(found: Sequence[str]) -> int:
    return round(sum(float(part) for part in found) * MIB)


def text(found: Sequence[str]) -> str:
    return found[0]


def whole(found: Sequence[str]) -> int:
    return int(found[0].replace(",", ""))


def number(found: Sequence[str]) -> float:
    return float(found[0])


def yes(found: Sequence[str]) -> bool:
    return found[0] == "True"


def no(found: Sequence[str]) -> bool:
    return found[0] != "True"


RESOLUTIONS: Final[Mapping[Convert, str]] = {gib: "0.01 GiB", mib: "0.01 MiB"}


def read(readings: Sequence[Reading], log: Sequence[str]) -> dict[str, FactValue]:
    """What the log tells; a fact that it does not mention is absent."""
    told: dict[str, FactValue] = {}
    for reading in readings:
        words = re.compile(reading.words)
        match = None if reading.fact in told else next(filter(None, map(words.search, log)), None)
        if match:
            told[reading.fact] = reading.convert([part for part in match.groups() if part is not None])
    return told
