"""Files that people bring: recorded arrivals (a trace) and prompts of their own. Read and judged here, line by line.

A trace is CSV with a header line, or JSON lines, with `at_s` and, where known, `input_tokens` and `output_tokens`.
Prompts are JSON lines with `prompt` or `messages`, and `output_tokens` where an answer's length is to be asked for.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn

from inference_arena.errors import BadFileError

MOST_TOKENS: Final = 10_000_000
MOST_LINES: Final = 5_000_000
ROLES: Final = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of a trace."""

    at_s: float
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of a file of prompts."""

    messages: tuple[dict[str, str], ...]
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in which file, for what is said of it."""

    path: str
    line: int

    def refuse(self, why: str, *, field: str | None = None) -> NoReturn:
        at = f"line {self.line}" if field is None else f"line {self.line}, field {field!r}"
        raise BadFileError(
            f"{Path(self.path).name} cannot be used", why=f"{at}: {why}", try_="see docs/concepts/load.md"
        )


@lru_cache(maxsize=4)
def read_replay(path: str) -> tuple[Arrival, ...]:
    """Arrivals in the order of their times; raises BadFileError with file, line and field."""
    rows = _csv(path) if path.lower().endswith(".csv") else _json_lines(path)
    arrivals = tuple(_arrival(place, fields) for place, fields in rows)
    if len(arrivals) < 2:
        raise BadFileError(f"{Path(path).name} cannot be used", why="a trace needs at least two arrivals")
    return tuple(sorted(arrivals, key=lambda arrival: arrival.at_s))


@lru_cache(maxsize=4)
def read_prompts(path: str) -> tuple[Prompt, ...]:
    """Prompts in the order of the file; raises BadFileError with file, line and field."""
    prompts = tuple(_prompt(place, fields) for place, fields in _json_lines(path))
    if not prompts:
        raise BadFileError(f"{Path(path).name} cannot be used", why="it holds no prompt")
    return prompts


def _lines(path: str) -> Iterator[tuple[_Place, str]]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(file, start=1):
                if number > MOST_LINES:
                    _Place(path, number).refuse(f"more than {MOST_LINES:,} lines")
                yield _Place(path, number), line
    except OSError as error:
        raise BadFileError(f"{path} cannot be read", why=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise BadFileError(f"{Path(path).name} cannot be used", why=f"it is no UTF-8 text: {error.reason}") from error


def _json_lines(path: str) -> Iterator[tuple[_Place, Mapping[str, Any]]]:
    for place, line in _lines(path):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            place.refuse(f"no JSON ({error})")
        if not isinstance(fields, dict):
            place.refuse("no JSON object")
        yield place, fields


def _csv(path: str) -> Iterator[tuple[_Place, Mapping[str, Any]]]:
    lines = _lines(path)
    header: list[str] = []
    for place, line in lines:
        try:
            cells = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            place.refuse(f"no CSV ({error})")
        if not header:
            header = [cell.strip() for cell in cells]
            if "at_s" not in header:
                place.refuse(f"the first line must name the columns, at_s among them; it says {line.strip()[:60]!r}")
        elif cells:
            if len(cells) != len(header):
                place.refuse(f"{len(cells)} cells under {len(header)} columns")
            yield place, {name: _number_in(cell) for name, cell in zip(header, cells, strict=True) if cell.strip()}


def _number_in(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _arrival(place: _Place, fields: Mapping[str, Any]) -> Arrival:
    at_s = fields.get("at_s")
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not math.isfinite(at_s) or at_s < 0:
        place.refuse(f"must be a number of seconds from 0 on, not {_shown(at_s)}", field="at_s")
    return Arrival(float(at_s), _tokens(place, fields, "input_tokens"), _tokens(place, fields, "output_tokens"))


def _tokens(place: _Place, fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_TOKENS:
        place.refuse(f"must be a whole number from 1 on, not {_shown(value)}", field=name)
    return value


def _prompt(place: _Place, fields: Mapping[str, Any]) -> Prompt:
    known: Mapping[str, Callable[..., tuple[dict[str, str], ...]]] = {"prompt": _one_message, "messages": _messages}
    given = [name for name in known if name in fields]
    if len(given) != 1:
        place.refuse("must hold either 'prompt' or 'messages'")
    return Prompt(known[given[0]](place, fields[given[0]]), _tokens(place, fields, "output_tokens"))


def _one_message(place: _Place, text: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(text, str) or not text.strip():
        place.refuse(f"must be text, not {_shown(text)}", field="prompt")
    return ({"role": "user", "content": text},)


def _messages(place: _Place, given: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(given, list) or not given:
        place.refuse("must be a list of messages", field="messages")
    for number, message in enumerate(given):
        field = f"messages[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            place.refuse(f"must have a role, one of {', '.join(ROLES)}", field=field)
        if not isinstance(message.get("content"), str):
            place.refuse("must have text as content", field=field)
    if given[-1]["role"] != "user" or not given[-1]["content"].strip():
        place.refuse("the last message must be the user's", field="messages")
    return tuple({"role": message["role"], "content": message["content"]} for message in given)


def _shown(value: Any) -> str:
    """What stood there, short; never a whole prompt."""
    if isinstance(value, str):
        return f"{value[:20]!r}" if len(value) <= 20 else f"a text of {len(value)} characters"
    return "nothing" if value is None else f"{value!r}"[:40]
