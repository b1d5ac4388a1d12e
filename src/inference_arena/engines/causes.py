"""Causes out of lines: a table's row says which words mean what, and what to do about it. Knows no engine.

Words, sentence and advice share names: `(?P<free>...)` in the words is `{free}` in the sentence.
"""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from inference_arena.engines.adapter import Diagnosis, FactValue, last_words

Facts = Mapping[str, FactValue]
Found = Mapping[str, str]
LONGEST_LINE: Final = 600

# how far a start has come -> what it is doing then
STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "arguments": "reading its command line",
        "config": "reading the model's configuration",
        "device": "getting hold of the card",
        "weights": "loading the weights",
        "memory": "finding out how much memory it needs",
        "warm-up": "recording graphs and warming up",
        "serving": "taking requests",
    }
)


def nothing_more(found: Found, facts: Facts) -> Found:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A row. `at`: only in this stage. `stage`: it is this one, whatever the log says.

    `more`: what can be worked out of the words and the log's facts. `flags` are left out where something in them could
    not be worked out. `drops`: of its words those that are flags. `reproduced`: as in a `Diagnosis`.
    """

    cause: str
    words: str
    what: str
    advice: str
    flags: str = ""
    drops: str = ""
    at: str = ""
    stage: str = ""
    reproduced: bool = True
    more: Callable[[Found, Facts], Found] = nothing_more


def stages(milestones: Sequence[tuple[str, str]], log: Sequence[str]) -> tuple[str | None, ...]:
    """The stage at each line: the furthest whose words were there by then; None before the first."""
    at: str | None = None
    return tuple(at := further(milestones, line, at=at) for line in log)


def further(milestones: Sequence[tuple[str, str]], line: str, *, at: str | None) -> str | None:
    """The stage after this line of an engine that was at `at`; it never goes back."""
    order = list(STAGES)
    here = -1 if at is None else order.index(at)
    seen = [stage for stage, words in milestones if order.index(stage) > here and re.search(words, line)]
    return max(seen, key=order.index, default=at)


def find(
    table: Sequence[Cause], log: Sequence[str], *, facts: Facts, reached: Sequence[str | None]
) -> Diagnosis | None:
    """The table's first row whose words are in the log, at their first line."""
    for row in table:
        words = re.compile(row.words, re.IGNORECASE)
        for number, line in enumerate(log):
            if row.at in ("", reached[number]) and (match := words.search(line)):
                return _diagnosis(row, match, number=number, log=log, facts=facts, stage=reached[number])
    return None


def _diagnosis(
    row: Cause, match: re.Match[str], *, number: int, log: Sequence[str], facts: Facts, stage: str | None
) -> Diagnosis:
    found = {name: (value or "").strip() for name, value in match.groupdict().items()}
    known = {**found, **row.more(found, facts)}
    said = excerpt(log[number], around=match.start())
    return Diagnosis(
        cause=row.cause,
        what=row.what.format_map(known),
        why=said,
        advice=row.advice.format_map(known),
        evidence=tuple(dict.fromkeys((said, *(excerpt(line) for line in last_words(log, lines=2))))),
        stage=row.stage or stage,
        flags=_flags(row.flags, known),
        drops=_drops(row.drops.format_map(known)),
        reproduced=row.reproduced,
        line=number + 1,
    )


def _flags(template: str, known: Found) -> tuple[str, ...]:
    complete = all(known.get(name) for name in re.findall(r"{(\w+)}", template))
    return tuple(shlex.split(template.format_map(known))) if complete else ()


def _drops(words: str) -> tuple[str, ...]:
    """Names of flags, as an engine quotes them: with their values, or with their other spellings (`--a/-b`)."""
    names = (word.strip("'\"`,.:").partition("=")[0] for word in re.split(r"[\s/]+", words))
    return tuple(dict.fromkeys(name for name in names if re.match(r"--?[A-Za-z]", name)))


def excerpt(line: str, *, around: int = 0) -> str:
    """The line, or of a very long one the part that matters."""
    line = line.rstrip()
    if len(line) <= LONGEST_LINE:
        return line.strip()
    begin = max(0, min(around - 100, len(line) - LONGEST_LINE))
    return ("…" if begin else "") + line[begin : begin + LONGEST_LINE].strip() + "…"


_ERROR: Final = re.compile(
    r"\b(?:[\w.]*(?:Error|Exception)|error|fatal|panic)\b(?: \w+)?: \S|\bERROR\b.*\b(?:failed|died)\b"
)
# a chain's last link names no reason, and a warning is none
_NO_REASON: Final = re.compile(
    r"Engine core initialization failed|EngineDeadError|\braise \w+Error|File \"|\bWARN|\bDEBUG\b|Warning"
)


def error_lines(log: Sequence[str], *, most: int = 5) -> tuple[int, ...]:
    """Where the log's last lines stand that look like errors, oldest first. Equal words count once."""
    seen: dict[str, int] = {}
    for number in range(len(log) - 1, -1, -1):
        if _ERROR.search(log[number]) and not _NO_REASON.search(log[number]):
            seen.setdefault(bare(log[number]), number)
        if len(seen) == most:
            break
    return tuple(sorted(seen.values()))


def bare(line: str) -> str:
    """Without the writer's process, level, time and place."""
    return re.sub(r"^(\(\w+[^)]*\) ?)?((DEBUG|INFO|WARNING|ERROR) \S+ \S+ (\[[^\]]*\] ?)?)?", "", line).strip()


_SIGNALS: Final[Mapping[int, tuple[str, str, str]]] = MappingProxyType(
    {
        -4: ("illegal-instruction", "needs a processor that this machine does not have", "use a build for this one"),
        -9: (
            "killed",
            "was killed from outside (the system does that when memory runs out)",
            "look at the system's log for 'out of memory'; give it more RAM, or a smaller model",
        ),
        -11: ("crashed", "crashed", "report it to the engine's makers with its log; try another release"),
        -6: ("crashed", "gave up", "read the last lines of its log"),
    }
)


def without_a_word(
    title: str, log: Sequence[str], *, exit_code: int | None, reached: Sequence[str | None], started: bool
) -> Diagnosis:
    """What can be said where no known words are in the log."""
    stage = reached[-1] if reached else None
    said = tuple(excerpt(line) for line in last_words(log))
    if exit_code is not None and exit_code in _SIGNALS:
        cause, what, advice = _SIGNALS[exit_code]
        why = f"it ended by signal {-exit_code}"
        return Diagnosis(cause=cause, what=f"{title} {what}", why=why, advice=advice, evidence=said, stage=stage)
    errors = error_lines(log)
    if errors:
        return _unknown_error(title, log, errors, stage=stage, ended=exit_code is not None)
    if exit_code is None and stage is not None and not started:
        return _never_ready(title, log, stage=stage, said=said)
    ended = "it said nothing" if exit_code is None else f"it ended with exit code {exit_code}"
    return Diagnosis(
        cause="unknown" if exit_code is None else "engine-died",
        what=f"{title} did not work",
        why=f"{ended}: {said[-1]}" if said else ended,
        advice="read its whole log",
        evidence=said,
        stage=stage,
    )


def _unknown_error(
    title: str, log: Sequence[str], errors: Sequence[int], *, stage: str | None, ended: bool
) -> Diagnosis:
    last = errors[-1]
    return Diagnosis(
        cause="engine-died" if ended else "unknown",
        what=f"{title} did not work, for a reason that is not known here",
        why=excerpt(log[last]),
        advice="look for these words in the engine's own issues",
        evidence=tuple(excerpt(log[number]) for number in errors),
        stage=stage,
        line=last + 1,
    )


def _never_ready(title: str, log: Sequence[str], *, stage: str, said: tuple[str, ...]) -> Diagnosis:
    number = max((number for number, line in enumerate(log) if line.strip()), default=0)
    return Diagnosis(
        cause="never-ready",
        what=f"{title} was still {STAGES[stage]} when its log ends: it needs longer, it hung, or it was ended there",
        why=said[-1] if said else "it said nothing",
        advice="give it longer (a first start compiles kernels), and look whether its process still works",
        evidence=said,
        stage=stage,
        line=number + 1,
    )
