"""Tables of facts: releases, what each supports, and drivers. Each row has its source; a bad row is named."""

import csv
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, TypeVar, get_origin

from pydantic import TypeAdapter, ValidationError

from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.facts.engine import (
    ArchitectureSupport,
    CudaToolkit,
    EngineRelease,
    FlagSupport,
    ImageBuild,
    ImageCheck,
    Kernel,
    QuantizationSupport,
)
from inference_arena.facts.fact import Fact
from inference_arena.facts.versions import at_least, is_within, numbers, version_key

Row = TypeVar("Row", bound=Fact)


def read_table(text: str, kind: type[Row], *, name: str) -> tuple[Row, ...]:
    """The rows of CSV text. An empty cell is unknown, lists are parted by blanks, `yes` is true.

    Raises BadFileError with the line and the column that is wrong.
    """
    cells = [_row(line, kind) for line in csv.DictReader(text.splitlines(), strict=True)]
    try:
        # through JSON, because strict types take dates and lists from JSON only
        return tuple(TypeAdapter(list[kind]).validate_json(json.dumps(cells)))  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors()[0]
        line, *column = first["loc"]
        where = ".".join(str(part) for part in column)
        raise BadFileError(f"{name}, line {int(line) + 2}: {where!r} is wrong", why=first["msg"]) from error


def _row(cells: Mapping[str | None, Any], kind: type[Fact]) -> dict[str, Any]:
    return {str(name): _value(str(name), text, kind) for name, text in cells.items() if text}


def _value(name: str, text: Any, kind: type[Fact]) -> Any:
    field = kind.model_fields.get(name)
    if field is not None and get_origin(field.annotation) is tuple:
        return text.split()
    return text == "yes" if field is not None and field.annotation is bool else text


def _read(folder: str, name: str, kind: type[Row]) -> tuple[Row, ...]:
    file = resources.files("inference_arena.facts").joinpath(folder, name)
    return read_table(file.read_text("utf-8"), kind, name=name)


@cache
def _releases() -> Mapping[str, tuple[EngineRelease, ...]]:
    by_engine: dict[str, list[EngineRelease]] = {}
    for row in _read("engines", "releases.csv", EngineRelease):
        by_engine.setdefault(row.engine, []).append(row)
    return MappingProxyType(
        {engine: tuple(sorted(rows, key=lambda row: version_key(row.version))) for engine, rows in by_engine.items()}
    )


def releases(engine: str) -> tuple[EngineRelease, ...]:
    """The releases that were read, oldest first; raises NotFoundError for an engine that is not in the table."""
    if engine not in _releases():
        raise NotFoundError(f"no engine is called {engine!r}", try_="one of: " + ", ".join(_releases()))
    return _releases()[engine]


def release(engine: str, version: str) -> EngineRelease:
    """This release, or the facts of the nearest earlier one that was read, which `sampled` then names.

    Raises UsageError for what is no version and NotFoundError for one before the first that was read.
    """
    key, known = version_key(version), releases(engine)
    earlier = [row for row in known if version_key(row.version) <= key]
    if not earlier:
        oldest = known[0].version
        raise NotFoundError(
            f"nothing is known of {engine} {version}", try_=f"{oldest}, the first that was read, or later"
        )
    nearest = earlier[-1]
    same = version_key(nearest.version) == key
    return nearest if same else nearest.model_copy(update={"version": version, "sampled": nearest.version})


@cache
def _architectures() -> Mapping[str, Mapping[str, ArchitectureSupport]]:
    by_name: dict[str, dict[str, ArchitectureSupport]] = {}
    for row in _read("engines", "architectures.csv", ArchitectureSupport):
        by_name.setdefault(row.architecture, {})[row.engine] = row
        if row.gguf_architecture is not None:
            by_name.setdefault(row.gguf_architecture, {}).setdefault(row.engine, row)
    return by_name


def architecture_support(architecture: str) -> Mapping[str, ArchitectureSupport]:
    """By engine, for a class that a config.json names or an architecture that a GGUF file names; else empty.

    `transformers` stands among the engines: what it has is no help to an engine, but people ask.
    """
    return MappingProxyType(_architectures().get(architecture, {}))


@cache
def _quantization() -> tuple[QuantizationSupport, ...]:
    return _read("engines", "quantization.csv", QuantizationSupport)


@cache
def quantization_support(engine: str, version: str, method: str) -> QuantizationSupport | None:
    """What the release asks of a card for this method, by the engine's name for it; None: it does not have it."""
    rows = (row for row in _quantization() if row.engine == engine and row.method == method)
    return next((row for row in rows if is_within(version, first=row.first, last=row.last)), None)


def quantization_history(engine: str, method: str) -> tuple[QuantizationSupport, ...]:
    """All that was ever asked for this method, oldest first."""
    rows = (row for row in _quantization() if row.engine == engine and row.method == method)
    return tuple(sorted(rows, key=lambda row: version_key(row.first)))


@cache
def _flags() -> Mapping[str, Mapping[str, tuple[FlagSupport, ...]]]:
    by_engine: dict[str, dict[str, tuple[FlagSupport, ...]]] = {}
    for row in sorted(_read("engines", "flags.csv", FlagSupport), key=lambda row: version_key(row.first)):
        rows = by_engine.setdefault(row.engine, {})
        rows[row.flag] = (*rows.get(row.flag, ()), row)
    return by_engine


def flag_support(engine: str) -> Mapping[str, tuple[FlagSupport, ...]]:
    """Every flag the engine ever had, with its stretches of releases; empty for an engine whose flags nobody read."""
    return MappingProxyType(_flags().get(engine, {}))


@cache
def has_flag(engine: str, version: str, flag: str) -> bool:
    """Whether that release has the flag."""
    return any(is_within(version, first=row.first, last=row.last) for row in flag_support(engine).get(flag, ()))


@cache
def kernels(engine: str) -> tuple[Kernel, ...]:
    return tuple(row for row in _read("engines", "kernels.csv", Kernel) if row.engine == engine)


@cache
def image_builds(engine: str) -> tuple[ImageBuild, ...]:
    rows = (row for row in _read("engines", "images.csv", ImageBuild) if row.engine == engine)
    return tuple(sorted(rows, key=lambda row: version_key(row.version)))


@cache
def toolkits() -> tuple[CudaToolkit, ...]:
    """Oldest first."""
    return tuple(sorted(_read("drivers", "toolkits.csv", CudaToolkit), key=lambda row: numbers(row.version)))


@cache
def _image_checks() -> Mapping[str, ImageCheck]:
    return {row.cuda: row for row in _read("drivers", "image_checks.csv", ImageCheck)}


def image_check(cuda: str) -> ImageCheck | None:
    """What images with this toolkit (12.8 or 12.8.1) ask for beyond its CUDA version; None: nobody read it."""
    return _image_checks().get(".".join(cuda.split(".")[:2]))


@lru_cache(maxsize=256)
@cache
def driver_cuda(driver: str) -> str | None:
    """The CUDA version that a Linux driver offers, as major.minor: that of its branch. None: older than the table.

    All drivers of a branch (the first number) offer the version that the branch came with, so 550.40 and 550.54.15
    both offer 12.4.
    """
    branch = driver.split(".", maxsplit=1)[0]
    offered = [kit for kit in toolkits() if kit.linux_driver and at_least(branch, kit.linux_driver.split(".")[0])]
    return ".".join(offered[-1].version.split(".")[:2]) if offered else None
