"""A suite file: tables of options of `arena run`, and every combination of them. Knows the file, starts nothing.

Each table of `models`, `engines`, `settings` and `loads` holds options by their long names; an item is one of each,
`defaults` first. Later tables win; flags add up.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any, Final

from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.facts import Fact

TABLES: Final = ("models", "engines", "settings", "loads")
KEYS: Final = frozenset({"title", "about", "launches", "defaults", "skip", *TABLES})
MOST_LAUNCHES: Final = 100
MOST_ITEMS: Final = 10_000
Words = Mapping[str, Any]


class Item(Fact):
    """One combination. `argv` is the command line behind `arena run`; its hash is the item's id."""

    label: str
    argv: tuple[str, ...]

    @property
    def id(self) -> str:
        return hashlib.sha256(json.dumps(self.argv).encode()).hexdigest()[:12]


class Suite(Fact):
    """`launches`: fresh starts of every item, taken in turn: all items once, then all again."""

    name: str
    title: str
    about: str = ""
    launches: int = 1
    items: tuple[Item, ...]


def shipped() -> dict[str, str]:
    """The suites that come with the arena, name -> title."""
    return {name: read_suite(name).title for name in _shipped_names()}


def read_suite(name: str) -> Suite:
    """A file, or a suite that ships, by its name. Raises NotFoundError, or BadFileError that names line and field."""
    path = Path(name).expanduser()
    if path.is_file():
        try:
            return parse_suite(path.read_text("utf-8"), name=path.stem, file=path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise BadFileError(f"{path} cannot be read", why=str(error)) from error
    if name not in _shipped_names():
        raise NotFoundError(f"no suite is called {name!r}", try_="a file, or one of: " + ", ".join(_shipped_names()))
    text = resources.files("inference_arena.run").joinpath("suites", f"{name}.toml").read_text("utf-8")
    return parse_suite(text, name=name, file=f"{name}.toml")


def _shipped_names() -> list[str]:
    folder = resources.files("inference_arena.run").joinpath("suites")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def parse_suite(text: str, *, name: str, file: str) -> Suite:
    """The suite in TOML text. Raises BadFileError with file, line and field."""
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFileError(f"{file} is not TOML", why=str(error)) from error
    _check(whole, text=text, file=file)
    combined = list(_items(whole))
    if not combined:
        raise BadFileError(f"{file} names nothing to run", why="every combination is skipped, or there is no model")
    return Suite(
        name=name,
        title=whole.get("title", name),
        about=whole.get("about", ""),
        launches=whole.get("launches", 1),
        items=tuple(combined),
    )


def _items(whole: Words) -> Iterator[Item]:
    groups = [whole.get(table) or [{}] for table in TABLES]
    seen: set[str] = set()
    for parts in product(*groups):
        merged = _merged([whole.get("defaults", {}), *parts])
        if any(_matches(merged, skip) for skip in whole.get("skip", [])):
            continue
        label = ", ".join(filter(None, (_label(part) for part in parts))) or "as it is"
        item = Item(label=label, argv=argv_of(merged))
        if item.id not in seen:
            seen.add(item.id)
            yield item


def _merged(parts: Sequence[Words]) -> dict[str, Any]:
    flags = [flag for part in parts for flag in _listed(part.get("flag", []))]
    whole = {key: value for part in parts for key, value in part.items() if key not in {"label", "flag"}}
    return {**whole, **({"flag": flags} if flags else {})}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _matches(merged: Words, skip: Words) -> bool:
    return all(merged.get(key) == value for key, value in skip.items())


def _label(part: Words) -> str:
    named = part.get("label") or part.get("model") or part.get("engine") or part.get("workload")
    return str(named or "")


def argv_of(words: Words) -> tuple[str, ...]:
    """As typed behind `arena run`: the model first, switches without a value, lists as the option takes them."""
    argv = [str(words["model"])] if "model" in words else []
    for key, value in words.items():
        if key == "model" or value is False:
            continue
        if value is True:
            argv.append(f"--{key}")
        elif key == "flag":
            argv += [f"--flag={flag}" for flag in value]
        else:
            said = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            argv.append(f"--{key}={said}")
    return tuple(argv)


def _check(whole: Words, *, text: str, file: str) -> None:
    for key in whole:
        if key not in KEYS:
            raise _wrong(file, text, key, f"no such table or field; there are {', '.join(sorted(KEYS))}")
    if not isinstance(whole.get("launches", 1), int) or not 1 <= whole.get("launches", 1) <= MOST_LAUNCHES:
        raise _wrong(file, text, "launches", f"a whole number from 1 to {MOST_LAUNCHES} is meant")
    for key in ("title", "about"):
        if not isinstance(whole.get(key, ""), str):
            raise _wrong(file, text, key, "a text is meant")
    if not isinstance(whole.get("defaults", {}), dict):
        raise _wrong(file, text, "defaults", "a table is meant: [defaults]")
    count = 1
    for table in (*TABLES, "skip"):
        rows = whole.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _wrong(file, text, table, f"tables are meant: [[{table}]]")
        count *= len(rows) or 1 if table != "skip" else 1
        for row in rows:
            _check_row(row, text=text, file=file)
    _check_row(whole.get("defaults", {}), text=text, file=file)
    if count > MOST_ITEMS:
        raise BadFileError(f"{file} makes {count:,} combinations", why=f"at most {MOST_ITEMS:,} can be meant")


def _check_row(row: Words, *, text: str, file: str) -> None:
    for key, value in row.items():
        plain = isinstance(value, str | int | float | bool)
        listed = isinstance(value, list) and all(isinstance(each, str | int | float) for each in value)
        if not (plain or listed):
            raise _wrong(file, text, key, "a text, a number, true, false or a list is meant")


def _wrong(file: str, text: str, key: str, why: str) -> BadFileError:
    line = next((number for number, line in enumerate(text.splitlines(), 1) if key in line), None)
    where = f"{file}, line {line}" if line is not None else file
    return BadFileError(f"{where}: field {key!r} is wrong", why=why)
