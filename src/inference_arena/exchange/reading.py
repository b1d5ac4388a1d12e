"""Reading a stranger's JSON: each value with its path, so that an error names file and field. Knows no format."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from inference_arena.errors import BadFileError

LONGEST_TEXT = 500
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Place:
    """A value somewhere in a document. `at` and the typed readers raise BadFileError; `maybe` gives None."""

    value: Any
    file: str
    path: str = ""

    def at(self, key: str | int) -> "Place":
        found = self.maybe(key)
        if found is None:
            self.refuse(f"has no {key!r}")
        return found

    def maybe(self, key: str | int) -> "Place | None":
        """The value under a key; None where it is missing or null."""
        if isinstance(key, int):
            there = isinstance(self.value, list) and key < len(self.value)
        else:
            there = isinstance(self.value, dict) and key in self.value
        if not there or self.value[key] is None:
            return None
        return Place(self.value[key], self.file, f"{self.path}.{key}" if self.path else str(key))

    def items(self) -> Iterator["Place"]:
        if not isinstance(self.value, list):
            self.refuse("must be a list")
        for i, value in enumerate(self.value):
            yield Place(value, self.file, f"{self.path}.{i}")

    def object(self) -> "Mapping[str, Any]":
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        found: Mapping[str, Any] = self.value
        return found

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.refuse("must be a number")
        if not abs(self.value) < LARGEST:  # also what is not a number at all
            self.refuse("is no finite number" if not _finite(self.value) else "is too large a number")
        return float(self.value)

    def number_of_ns(self) -> int:
        """A time of the day in nanoseconds, exact."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 0 <= self.value < 2**63:
            self.refuse("must be a time in nanoseconds")
        return self.value

    def count(self) -> int:
        value = self.number()
        if value < 0 or value != math.floor(value):
            self.refuse("must be a whole number, 0 or more")
        return int(value)

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.refuse("must be a text")
        return readable(self.value)

    def refuse(self, why: str) -> NoReturn:
        raise BadFileError(f"{self.file}: field {self.path or '(the whole document)'} {why}")


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def readable(text: str) -> str:
    """Cut to what a field may hold; halves of characters, which JSON can spell and no file can, are replaced."""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode()


def number(place: Place, key: str) -> float | None:
    found = place.maybe(key)
    return None if found is None else found.number()


def count(place: Place, key: str) -> int | None:
    found = place.maybe(key)
    return None if found is None else found.count()


def text(place: Place, key: str) -> str | None:
    found = place.maybe(key)
    return None if found is None else found.text()


def scalars(place: Place, keys: Mapping[str, str]) -> dict[str, str | int | float | bool]:
    """The plain values under some dotted paths, by the names they get; what is missing or not plain is left out."""
    found: dict[str, str | int | float | bool] = {}
    for path, name in keys.items():
        at: Place | None = place
        for key in path.split("."):
            at = None if at is None else at.maybe(key)
        if at is not None and isinstance(at.value, str | int | float | bool):
            found[name] = _plain(at)
    return found


def _plain(place: Place) -> str | int | float | bool:
    if isinstance(place.value, bool):
        return place.value
    if isinstance(place.value, str):
        return place.text()
    if isinstance(place.value, float) and math.isinf(place.value):
        return "inf"  # a request rate without a limit
    value = place.number()
    return place.value if isinstance(place.value, int) else value


def parse(data: str, *, file: str, line: int | None = None) -> Place:
    """One JSON document, or one of its lines; raises BadFileError with the place where it stops being JSON."""
    name = file if line is None else f"{file}, line {line}"
    try:
        return Place(json.loads(data), name)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno if line is None else line}, column {error.colno}"
        raise BadFileError(f"{file}, {where}: this is not valid JSON", why=error.msg) from error
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
        raise BadFileError(f"{name}: this is not valid JSON", why=why) from error
