"""Reads the cards that ship with the package. A malformed card is an error that names file and field."""

import difflib
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TypeVar

from pydantic import ValidationError

from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.facts.calibration import Calibration
from inference_arena.facts.engine import Engine
from inference_arena.facts.fact import Fact
from inference_arena.facts.family import Family
from inference_arena.facts.gpu import Form, Gpu
from inference_arena.facts.model import Checkpoint, Model
from inference_arena.facts.overhead import Overhead
from inference_arena.facts.package import Packages
from inference_arena.facts.price import Prices
from inference_arena.facts.processor import Processor
from inference_arena.facts.slo import Slo
from inference_arena.facts.workload import Workload

Card = TypeVar("Card", bound=Fact)

EMBEDDED = "smollm2-135m-instruct-q4_1"

_OFFERED = 8


def read_card(text: str, kind: type[Card], *, name: str) -> Card:
    """One card from TOML text; raises BadFileError with the field that is wrong."""
    try:
        # TOML goes through JSON because strict models take dates and tuples from JSON only
        return kind.model_validate_json(json.dumps(tomllib.loads(text), default=str))
    except tomllib.TOMLDecodeError as error:
        raise BadFileError(f"{name} is not TOML", why=str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadFileError(f"{name}: field {field!r} is wrong", why=first["msg"]) from error


def _cards(folder: str) -> Iterator[Traversable]:
    place = resources.files("inference_arena.facts").joinpath(folder)
    files = place.iterdir() if place.is_dir() else ()
    return iter(sorted((f for f in files if f.name.endswith(".toml")), key=lambda f: f.name))


def _read_all(folder: str, kind: type[Card]) -> dict[str, Card]:
    """The cards of one folder by file name, which is the card's name."""
    return {f.name.removesuffix(".toml"): read_card(f.read_text("utf-8"), kind, name=f.name) for f in _cards(folder)}


@cache
def gpus() -> dict[str, Gpu]:
    return _read_all("gpus", Gpu)


@cache
def models() -> dict[str, Model]:
    return _read_all("models", Model)


@cache
def checkpoints() -> dict[str, Checkpoint]:
    return _read_all("checkpoints", Checkpoint)


@cache
def families() -> dict[str, Family]:
    """Families by the `model_type` that their config.json names."""
    return _read_all("families", Family)


@cache
def engines() -> dict[str, Engine]:
    return _read_all("engines", Engine)


@cache
def packages() -> dict[str, Packages]:
    """How engines are brought by the package index, by engine."""
    return _read_all("packages", Packages)


@cache
def overheads() -> dict[str, Overhead]:
    return _read_all("overheads", Overhead)


@cache
def processors() -> dict[str, Processor]:
    return _read_all("processors", Processor)


@cache
def prices() -> dict[str, Prices]:
    return _read_all("prices", Prices)


@cache
def workloads() -> dict[str, Workload]:
    return _read_all("workloads", Workload)


@cache
def slos() -> dict[str, Slo]:
    return _read_all("slos", Slo)


@cache
def calibrations() -> dict[str, Calibration]:
    return _read_all("calibration", Calibration)


@cache
def calibration(*, engine: str, kind: str, form: Form | None) -> Calibration | None:
    """The factors measured for this engine on such cards, else those of any engine; None for an unknown form."""
    fitting = [one for one in calibrations().values() if one.kind == kind and form in one.forms]
    own = (one for one in fitting if one.engine == engine)
    return next(own, None) or next((one for one in fitting if one.engine is None), None)


def gpu(name: str) -> Gpu:
    return _named(gpus(), name, what="card")


def model(name: str) -> Model:
    return _named(models(), name, what="model")


def checkpoint(name: str) -> Checkpoint:
    return _named(checkpoints(), name, what="checkpoint")


def workload(name: str) -> Workload:
    return _named(workloads(), name, what="workload")


def slo(name: str) -> Slo:
    return _named(slos(), name, what="SLO")


def _named(cards: dict[str, Card], name: str, *, what: str) -> Card:
    if name not in cards:
        raise NotFoundError(f"no {what} is called {name!r}", try_=f"one of: {_near(name, list(cards))}")
    return cards[name]


def _near(name: str, known: list[str]) -> str:
    """Names like it; without any, the first few and how many there are."""
    near = difflib.get_close_matches(name.lower(), known, n=_OFFERED, cutoff=0.5) or known
    more = f" and {len(near) - _OFFERED} more" if len(near) > _OFFERED else ""
    return ", ".join(near[:_OFFERED]) + more


def checkpoint_of_file(sha256: str) -> Checkpoint | None:
    """The checkpoint whose file has this hash; None where the file is not in the catalogue."""
    return next((card for card in checkpoints().values() if card.file and card.file.sha256 == sha256), None)
