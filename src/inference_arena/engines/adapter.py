"""What every engine module offers. Translation only: no I/O, no clock, no environment."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Protocol

from inference_arena.engines.dials import Dial
from inference_arena.facts import EngineRelease, Fact
from inference_arena.plan import Settings

FactValue = str | int | float | bool
Format = Literal["safetensors", "gguf", "any"]
LISTENS: Final = MappingProxyType(
    {
        "--port": "arena run --port N",
        "--host": "leave it out: the engine listens on this machine only",
    }
)


class Command(Fact):
    """A program to start and what its environment must hold beyond the arena's own."""

    argv: tuple[str, ...]
    env: dict[str, str]


class Diagnosis(Fact):
    """Why an engine did not work, told from its log: a closed name, a sentence, the line that shows it, a way out.

    `stage`: how far it had come, a name of `STAGES`; None where the log does not tell. `flags`: the advice in the
    engine's own flags, where it comes to that; `drops`: flags to leave out. `reproduced`: whether such a failure was
    seen for real; else its words are from others' reports, and the advice is untested. `line`: the line that shows
    it, from 1; None if none does.
    """

    cause: str
    what: str
    why: str
    advice: str
    evidence: tuple[str, ...] = ()
    stage: str | None = None
    flags: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    reproduced: bool = True
    line: int | None = None


class Lack(NamedTuple):
    """Something of an engine's own that a run did without: a start-up fact that is one of `values`; `said` names it."""

    fact: str
    values: frozenset[FactValue]
    said: str


class Engine(Protocol):
    """An engine is a module with these names. Constants are read-only properties so that modules satisfy it.

    `MILESTONES`: a name of `STAGES` and the words that tell that it is there, in order; none where they are not known.
    `FORMAT`: the kind of weight files that it reads. `DUMMY`: flags that let it fill the network with random numbers
    instead of reading weights; none where it cannot. `REDUCED`: what it may run without, though it is its own.
    `OWN_FLAGS`: flags that the arena sets itself, and what to write instead. `PARAMETERS`: what a request carries
    beyond the standard, so that its answer has the length that was asked for. `ASKED_AS`: whether requests name the
    model by the alias that `command` gave it, or by where it lies. `WITHOUT_CACHE`: what a request carries so
    that no prefix cache serves it. `EMPTY_CACHE_PATH`: where a post empties that cache; None where nothing does.
    `IN_OTHER_UNITS`: settings beside its dials that `command` converts. In `command`, `release` is the program's own
    version, None where it does not tell.
    """

    @property
    def NAME(self) -> str: ...  # noqa: N802

    @property
    def TITLE(self) -> str: ...  # noqa: N802

    @property
    def MILESTONES(self) -> Sequence[tuple[str, str]]: ...  # noqa: N802

    @property
    def FORMAT(self) -> Format: ...  # noqa: N802

    @property
    def DUMMY(self) -> tuple[str, ...]: ...  # noqa: N802

    @property
    def REDUCED(self) -> Sequence[Lack]: ...  # noqa: N802

    @property
    def OWN_FLAGS(self) -> Mapping[str, str]: ...  # noqa: N802

    @property
    def HEALTH_PATH(self) -> str: ...  # noqa: N802

    @property
    def METRICS_PATH(self) -> str | None: ...  # noqa: N802

    @property
    def COUNTERS(self) -> Mapping[str, str]: ...  # noqa: N802  # our name -> its metric

    @property
    def PARAMETERS(self) -> Mapping[str, Any]: ...  # noqa: N802

    @property
    def ASKED_AS(self) -> Literal["alias", "location"]: ...  # noqa: N802

    @property
    def WITHOUT_CACHE(self) -> Mapping[str, Any]: ...  # noqa: N802

    @property
    def EMPTY_CACHE_PATH(self) -> str | None: ...  # noqa: N802

    @property
    def DIALS(self) -> Sequence[Dial]: ...  # noqa: N802

    @property
    def IN_OTHER_UNITS(self) -> Sequence[str]: ...  # noqa: N802

    @property
    def NOT_HERE(self) -> Mapping[str, str]: ...  # noqa: N802

    def read_flags(self, flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]: ...

    def command(
        self,
        *,
        program: Sequence[str],
        model: str,
        alias: str,
        settings: Settings,
        host: str,
        port: int,
        release: str | None,
        dummy: bool = False,
    ) -> Command: ...

    def startup(self, log: Sequence[str]) -> Mapping[str, FactValue]: ...

    def diagnose(self, log: Sequence[str], *, exit_code: int | None) -> Diagnosis: ...


class Readable(Protocol):
    """An engine whose log and counters can be read, whoever started it; a module with these names.

    Patterns: `SIGNATURE` is in lines that no other engine writes, `BEGINS` in one that each start writes early.
    `started`: it took requests, and nothing says that it died since.
    """

    @property
    def NAME(self) -> str: ...  # noqa: N802

    @property
    def TITLE(self) -> str: ...  # noqa: N802

    @property
    def METRICS_PATH(self) -> str | None: ...  # noqa: N802

    @property
    def COUNTERS(self) -> Mapping[str, str]: ...  # noqa: N802

    @property
    def SIGNATURE(self) -> str: ...  # noqa: N802

    @property
    def BEGINS(self) -> str: ...  # noqa: N802

    def started(self, log: Sequence[str]) -> bool: ...

    def startup(self, log: Sequence[str]) -> Mapping[str, FactValue]: ...

    def diagnose(self, log: Sequence[str], *, exit_code: int | None) -> Diagnosis: ...


class Dialect(Protocol):
    """How an engine's command line is spoken, whether or not the arena starts it by itself; a module with these names.

    `NOT_HERE` says why a setting, or a flag that another engine has, has no counterpart.
    """

    @property
    def NAME(self) -> str: ...  # noqa: N802

    @property
    def PROGRAM(self) -> Sequence[str]: ...  # noqa: N802

    @property
    def DIALS(self) -> Sequence[Dial]: ...  # noqa: N802

    @property
    def NOT_HERE(self) -> Mapping[str, str]: ...  # noqa: N802

    def flags(self, settings: Settings, *, release: str) -> tuple[str, ...]: ...

    def unspoken(self, settings: Settings, *, release: str) -> tuple[str, ...]: ...

    def read_flags(self, flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]: ...

    def launch(
        self, *, release: EngineRelease, model: str, alias: str, settings: Settings, host: str, port: int
    ) -> Command: ...

    def container(
        self, *, release: EngineRelease, model: str, alias: str, settings: Settings, models_folder: str, port: int
    ) -> Command: ...


def lacking(engine: Engine, facts: Mapping[str, FactValue]) -> tuple[str, ...]:
    """What the engine told that it runs without."""
    return tuple(lack.said.format(facts[lack.fact]) for lack in engine.REDUCED if facts.get(lack.fact) in lack.values)


def last_words(log: Sequence[str], *, lines: int = 3) -> tuple[str, ...]:
    """The last lines that say anything."""
    return tuple(line.strip() for line in log if line.strip())[-lines:]
