"""Asks one JSON object for its fields, by name and within bounds. A wrong one is a BadFileError with file and field.

Knows JSON and nothing of models. Whatever a hostile file holds, no number comes out that is not a number in its bounds.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from inference_arena.errors import BadFileError

MAX_JSON_BYTES: Final = 32 * 1024**2
_MOST: Final = 2**32
_MAX_LIST = 65_536
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """One object of a JSON file. `file` and `path` are for messages; `defaults` stand in for fields that are absent."""

    file: str
    values: dict[str, Any]
    path: str = ""
    defaults: dict[str, int | float | bool | str]

    def has(self, name: str) -> bool:
        return self._get(name) is not None

    def first(self, *names: str) -> str | None:
        """The first of several spellings that the object has."""
        return next((name for name in names if self.has(name)), None)

    def integer(self, *names: str, least: int = 1, most: int = _MOST) -> int:
        """The number under the first of the names that is there; an error where none is."""
        found = self.maybe(*names, least=least, most=most)
        if found is None:
            self.refuse(names[0], expected=f"a whole number from {least:,} to {most:,}")
        return found

    def maybe(self, *names: str, least: int = 1, most: int = _MOST) -> int | None:
        """As `integer`, and None where none of the names is there."""
        name = self.first(*names)
        if name is None:
            return None
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, expected=f"a whole number from {least:,} to {most:,}")
        return value

    def number(self, name: str, *, least: float = 0.0, most: float = 1e6) -> float | None:
        """A finite number within bounds; None where there is none."""
        value = self._get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.refuse(name, expected=f"a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, expected="true or false")
        return value

    def text(self, *names: str) -> str | None:
        name = self.first(*names)
        if name is None:
            return None
        value = self._get(name)
        if not isinstance(value, str) or not value or len(value) > 1000:
            self.refuse(name, expected="a short text")
        return value

    def section(self, name: str) -> "Fields | None":
        """An object inside this one; None where there is none."""
        value = self._get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(name, expected="an object")
        return Fields(file=self.file, values=value, path=f"{self._name(name)}.", defaults=self.defaults)

    def items(self, name: str, *, kind: type[Any], most: int = _MAX_LIST) -> Sequence[Any] | None:
        """A list whose members are all of one kind; None where there is none."""
        value = self._get(name)
        if value is None:
            return None
        right = isinstance(value, list) and len(value) <= most
        if not right or any(not isinstance(one, kind) or (kind is int and isinstance(one, bool)) for one in value):
            self.refuse(name, expected=f"a list of at most {most:,} values of type {kind.__name__}")
        return tuple(value)

    def flags(self, name: str, *, count: int) -> tuple[bool, ...]:
        """The first `count` of a list of 0 and 1, one for each layer."""
        found = self.items(name, kind=int)
        if found is None or len(found) < count:
            self.refuse(name, expected=f"a 0 or 1 for each of {count:,} layers")
        return tuple(bool(one) for one in found[:count])

    def with_defaults(self, defaults: dict[str, int | float | bool | str]) -> "Fields":
        return Fields(file=self.file, values=self.values, path=self.path, defaults=defaults)

    def refuse(self, name: str, *, expected: str) -> NoReturn:
        """The field is not what it must be; a missing one is said to be missing."""
        value = self.values.get(name)
        shown = "missing" if value is None else _short(value)
        raise BadFileError(
            f"{self.file}: field {self._name(name)!r} is {'missing' if value is None else 'wrong'}",
            why=f"{expected} is expected" + ("" if value is None else f"; it is {shown}"),
            try_="the config.json that the model's publisher has on the hub",
        )

    def _get(self, name: str) -> Any:
        value = self.values.get(name)
        return self.defaults.get(name) if value is None else value

    def _name(self, name: str) -> str:
        return f"{self.path}{name}"


def parse_json(data: bytes, *, file: str) -> Fields:
    """One JSON object out of a file's bytes; deep nests are refused.

    Infinity is let in, since published files hold it among numbers that nobody asks for here; `number` refuses it.
    """
    try:
        if len(data) > MAX_JSON_BYTES:
            raise ValueError(f"it has {len(data):,} bytes; the most is {MAX_JSON_BYTES:,}")  # noqa: TRY301 - one exit
        value = json.loads(data)
    except RecursionError as error:
        raise BadFileError(f"{file} cannot be read", why="it is nested too deeply") from error
    except ValueError as error:
        raise BadFileError(f"{file} is not JSON", why=str(error)[:200]) from error
    if not isinstance(value, dict):
        raise BadFileError(f"{file} is not a model's config", why=f"it holds {_short(value)}; an object is expected")
    return Fields(file=file, values=value, defaults={})


def _short(value: Any) -> str:
    """A value in few characters; only its kind where it is large."""
    if isinstance(value, dict | list):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    if isinstance(value, int) and abs(value) > 10**_SHOWN:
        return "a number of more than 60 digits"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
