"""Servers that are kept running: one small file each, written by its keeper while that lives. Knows no processes."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import ValidationError

from inference_arena.errors import UsageError
from inference_arena.facts import Fact
from inference_arena.plan import Settings
from inference_arena.store.files import make_folder, storage, whole_file
from inference_arena.store.home import Home
from inference_arena.store.lock import take_lock

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Ending(Fact):
    """How it ended. stopped: somebody wanted it. failed: it was never ready. died: it was, and ended by itself."""

    kind: Literal["stopped", "failed", "died"]
    at: str | None
    cause: str
    what: str
    why: str = ""
    advice: str = ""
    evidence: tuple[str, ...] = ()


class Process(Fact):
    """One process of this machine. `started` tells it from a later one with the same number."""

    pid: int
    started: float | None


class Serving(Fact):
    """One server, as its keeper last wrote it; `ending` is None while the keeper knows of none.

    `asked_as`: what requests name the model, where that is known. `reasons`: for each choice, why it was made.
    `record`: the measurement that the settings come from. `told`: somebody was told of its death; who tells it writes
    that, when the keeper is gone.
    """

    format: Literal[1] = 1
    name: str
    state: Literal["starting", "ready", "ended"]
    keeper: Process
    engine_process: Process | None = None
    url: str | None = None
    model: str
    asked_as: str | None = None
    checkpoint: str | None = None
    engine: str
    release: str | None = None
    program: str | None = None
    settings: Settings
    command: tuple[str, ...] = ()
    reasons: Mapping[str, str]
    record: str | None = None
    since: str
    ready_s: float | None = None
    log_path: str
    notes: tuple[str, ...] = ()
    ending: Ending | None = None
    told: bool = False


def checked_name(text: str) -> str:
    """The text, when it can name a server; so it can never name a file elsewhere."""
    if _NAME.fullmatch(text):
        return text
    raise UsageError(
        f"a server cannot be called {text!r}",
        why="a name holds letters, digits, dots, dashes and underscores, and begins with a letter or a digit",
        try_="--name my-model",
    )


def name_for(model: str) -> str:
    """A server's name made of a model's."""
    made = re.sub(r"[^A-Za-z0-9._-]+", "-", model.rpartition("/")[2]).lstrip("-._")[:80]
    return made or "server"


def serving_path(home: Home, name: str) -> Path:
    return home.servers / f"{checked_name(name)}.json"


def serving_log(home: Home, name: str) -> Path:
    return home.servers / f"{checked_name(name)}.log"


def keeper_log(home: Home, name: str) -> Path:
    return home.servers / f"{checked_name(name)}.keeper.log"


def open_keeper_log(home: Home, name: str) -> BinaryIO:
    """Where a keeper says what it cannot write anywhere else. Raises StorageError."""
    make_folder(home.servers)
    path = keeper_log(home, name)
    with storage(f"{path} could not be written"):
        return path.open("wb")


def write_serving(home: Home, serving: Serving) -> None:
    make_folder(home.servers)
    with whole_file(serving_path(home, serving.name)) as file:
        file.write(serving.model_dump_json(indent=2).encode() + b"\n")


def read_serving(home: Home, name: str) -> Serving | None:
    """None where there is none, or what is there cannot be understood (another version of the arena wrote it)."""
    path = serving_path(home, name)
    with storage(f"{path} could not be read"):
        try:
            return Serving.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None


def servings(home: Home) -> tuple[Serving, ...]:
    """All that are known, the oldest first."""
    with storage(f"{home.servers} could not be read"):
        try:
            names = [
                path.stem for path in home.servers.iterdir() if path.suffix == ".json" and _NAME.fullmatch(path.stem)
            ]
        except FileNotFoundError:
            return ()
    found = (read_serving(home, name) for name in names)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.since, one.name)))


def forget_serving(home: Home, name: str) -> None:
    """Its file and its logs; the lock's file stays, since another may be waiting at it."""
    log = serving_log(home, name)
    paths = (log, log.with_name(f"{log.name}.tail"), log.with_name(f"{log.name}.tail.1"), keeper_log(home, name))
    for path in (*paths, serving_path(home, name)):
        with suppress(FileNotFoundError), storage(f"{path} could not be removed"):
            path.unlink(missing_ok=True)


@contextmanager
def name_lock(home: Home, name: str) -> Iterator[bool]:
    """Held by a keeper as long as it lives; False where another holds it."""
    make_folder(home.servers)
    path = home.servers / f"{checked_name(name)}.lock"
    with storage(f"{path} could not be locked"):
        handle = take_lock(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)
