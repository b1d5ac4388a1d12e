# ruff: noqa: ARG001  # an attached server has no command and shows no log
"""Any server that speaks OpenAI's HTTP interface, reached by its URL: it is running already and stays as it is."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines.adapter import Command, Diagnosis, FactValue, Lack, last_words
from inference_arena.engines.dials import Dial
from inference_arena.errors import UsageError
from inference_arena.plan import Settings

NAME: Final = "openai"
TITLE: Final = "the server"
MILESTONES: Final[tuple[tuple[str, str], ...]] = ()
FORMAT: Final = "any"
REDUCED: Final[tuple[Lack, ...]] = ()
DUMMY: Final[tuple[str, ...]] = ()
OWN_FLAGS: Final[Mapping[str, str]] = MappingProxyType({})
HEALTH_PATH: Final = "/v1/models"
METRICS_PATH: Final = None
COUNTERS: Final[Mapping[str, str]] = MappingProxyType({})
PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"ignore_eos": True})
ASKED_AS: Final = "alias"
WITHOUT_CACHE: Final[Mapping[str, Any]] = MappingProxyType({})
EMPTY_CACHE_PATH: Final[str | None] = None
IN_OTHER_UNITS: Final[tuple[str, ...]] = ()
DIALS: Final[tuple[Dial, ...]] = ()
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType({})

# how servers sign the entries of their model list
_OWNERS: Final[Mapping[str, str]] = MappingProxyType(
    {"llamacpp": "llamacpp", "vllm": "vllm", "sglang": "sglang", "library": "ollama"}
)


def _entries(models: Any) -> list[dict[str, Any]]:
    """What a model list holds, whatever else it may be that was sent."""
    entries = models.get("data") if isinstance(models, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def identify(models: Any) -> str:
    """The engine behind a model list, by what it says of itself; "openai" when it does not say."""
    owners = [entry.get("owned_by") for entry in _entries(models)]
    return next((_OWNERS[owner] for owner in owners if isinstance(owner, str) and owner in _OWNERS), NAME)


def model_ids(models: Any) -> tuple[str, ...]:
    ids = [entry.get("id") for entry in _entries(models)]
    return tuple(name for name in ids if isinstance(name, str) and name)


def read_flags(flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]:
    return Settings(), tuple(flags)


def command(
    *,
    program: Sequence[str],
    model: str,
    alias: str,
    settings: Settings,
    host: str,
    port: int,
    release: str | None,
    dummy: bool = False,
) -> Command:
    raise UsageError("a server reached by --url is not started by the arena", try_="leave out the engine's settings")


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    return {}


def diagnose(log: Sequence[str], *, exit_code: int | None) -> Diagnosis:
    return Diagnosis(
        cause="unknown",
        what="the server did not work",
        why="it is not ours to look into",
        advice="look at the server's own log",
        evidence=last_words(log),
    )
