"""The parts of a report: what is said, before anyone decides how it looks. Knows no records and no terminals."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "strong", "quiet", "good", "careful", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    text: str
    tone: Tone = "plain"
    indent: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Names beside what belongs to them."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Lines already laid out to a width; the first `head` of them are a table's head.

    `whole`: to be copied, so they are never cut, even where they are wider than the terminal.
    """

    lines: tuple[str, ...]
    head: int = 0
    drawing: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command to try next, and what it is for."""

    purpose: str
    command: str


Block = Heading | Sentence | Pairs | Lines | Step
