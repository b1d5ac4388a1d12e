"""A log that a person brings: whose it is, and what it tells. Any length; what is kept of it is bounded.

Pure functions of lines; numbers of lines count from 1 in what the person brought.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from inference_arena.engines.adapter import Diagnosis, FactValue, Readable
from inference_arena.engines.causes import error_lines, excerpt
from inference_arena.engines.container_causes import SPEAKS, explain_container
from inference_arena.facts import Fact

CONTAINER: Final = "container"  # said by docker or podman, before any engine began
ENDS: Final = 2000  # lines kept of the beginning and of the end
BETWEEN: Final = 2000  # lines kept of what is between, of those that look as if they told something
LONGEST: Final = 6000  # characters kept of a line
# plain words: a pattern of as many takes ten times as long
_TELLING: Final = (
    *(
        "error",
        "fail",
        "fatal",
        "killed",
        "gib",
        " gb",
        "memory",
        "tokens",
        "non-default args",
        "server_args=",
        "build",
    ),
    *("llm engine", "kernel", "backend", "startup complete", "fired up", "listening on", "graph", "shutdown"),
)
_DRESS: Final = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")  # colours


class Line(NamedTuple):
    """A line and where it stood."""

    number: int
    text: str


class Said(Fact):
    """A line of the log, by its number."""

    number: int
    text: str


class Explanation(Fact):
    """What a log tells.

    `engine`: a name of `READERS`, or `CONTAINER`; None where no line names one. `outcome`: `unknown` where
    nothing known is in it. `diagnosis`: None if it started. `errors`: its last lines that look like
    errors, for what is not known.
    """

    engine: str | None
    outcome: Literal["started", "failed", "unknown"]
    diagnosis: Diagnosis | None
    facts: Mapping[str, FactValue]
    errors: tuple[Said, ...]
    lines: int


def digest(lines: Iterable[str]) -> tuple[list[Line], int]:
    """What is worth keeping of a log that may have any length, and how many lines it had."""
    head: list[Line] = []
    between: deque[Line] = deque(maxlen=BETWEEN)
    tail: deque[Line] = deque(maxlen=ENDS)
    number = 0
    for number, text in enumerate(lines, start=1):
        line = Line(number, _plain(text[:LONGEST]))
        if number <= ENDS:
            head.append(line)
            continue
        if len(tail) == ENDS and _tells(tail[0].text):
            between.append(tail[0])
        tail.append(line)
    return [*head, *between, *tail], number


def gist(lines: Iterable[str]) -> tuple[str, ...]:
    """The beginning, the end, and between them the lines that look as if they told something."""
    return tuple(line.text for line in digest(lines)[0])


def _tells(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _TELLING)


def _plain(text: str) -> str:
    return _DRESS.sub("", text) if "\x1b" in text else text


def whose(lines: Sequence[Line], readers: Mapping[str, Readable]) -> str | None:
    """The engine whose own words are in most lines; None if in none."""
    counts = {name: sum(map(bool, map(re.compile(engine.SIGNATURE).search, _texts(lines))))
              for name, engine in readers.items()}  # fmt: skip
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] else None


def explain(lines: Iterable[str], *, readers: Mapping[str, Readable], engine: str | None) -> Explanation:
    """Of several starts in one log, the last. `engine`: whose it is, if the person says so."""
    kept, count = digest(lines)
    named = engine or whose(kept, readers)
    if named is None:
        return _anyones(kept, readers, count=count)
    it = _explained(_last_start(kept, readers[named]), readers[named], name=named, count=count)
    if it.outcome == "unknown" and engine is None and _speaks_container(kept):  # it names the engine's image only
        return _containers(kept, count=count)
    return it


def _speaks_container(kept: Sequence[Line]) -> bool:
    return any(SPEAKS.search(line.text) for line in kept)


def _last_start(kept: Sequence[Line], engine: Readable) -> Sequence[Line]:
    """From the last beginning on, or all of it."""
    begins = re.compile(engine.BEGINS)
    starts = [at for at, line in enumerate(kept) if begins.search(line.text)]
    return kept[starts[-1] :] if len(starts) > 1 else kept


def _anyones(kept: Sequence[Line], readers: Mapping[str, Readable], *, count: int) -> Explanation:
    """A piece of a log may name no engine and still say what happened: the first that knows the words tells."""
    if _speaks_container(kept):
        return _containers(kept, count=count)
    for name, engine in readers.items():
        it = _explained(kept, engine, name=name, count=count)
        if it.outcome == "failed":
            return it.model_copy(update={"engine": None})
    return Explanation(
        engine=None, outcome="unknown", diagnosis=None, facts={}, errors=_errors(kept), lines=count
    )  # fmt: skip


def _containers(kept: Sequence[Line], *, count: int) -> Explanation:
    """The words of docker or podman, which began no engine."""
    found = explain_container(_texts(kept), code=1)
    at = None if found.line is None else kept[found.line - 1].number
    return Explanation(
        engine=CONTAINER,
        outcome="failed",
        diagnosis=found.model_copy(update={"line": at}),
        facts={},
        errors=(),
        lines=count,
    )


def _explained(kept: Sequence[Line], engine: Readable, *, name: str, count: int) -> Explanation:
    log = _texts(kept)
    found = engine.diagnose(log, exit_code=None)
    known = found.cause != "unknown"
    outcome: Literal["started", "failed", "unknown"] = (
        "failed" if known else "started" if engine.started(log) else "unknown"
    )
    at = None if found.line is None else kept[found.line - 1].number
    return Explanation(
        engine=name,
        outcome=outcome,
        diagnosis=found.model_copy(update={"line": at}) if outcome == "failed" else None,
        facts=dict(engine.startup(log)),
        errors=() if known else _errors(kept),
        lines=count,
    )


def _errors(kept: Sequence[Line]) -> tuple[Said, ...]:
    log = _texts(kept)
    return tuple(Said(number=kept[at].number, text=excerpt(log[at])) for at in error_lines(log))


def _texts(lines: Sequence[Line]) -> list[str]:
    return [line.text for line in lines]
