"""The journal of a run in progress: what a killed arena leaves behind for the next command to save.

Holds `intent.json`, `events.jsonl`, `samples.jsonl` and `lock`; `point-N.raw` and `engine.log` are written by others.
The lock is held as long as the run lives, and the kernel frees it however the run ends.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from inference_arena.errors import BadFileError, StorageError
from inference_arena.record import SAMPLE, Sample
from inference_arena.store.files import (
    TEMPORARY,
    make_folder,
    reason,
    storage,
    sweep,
    sync_folder,
    throw_away,
    write_durably,
)
from inference_arena.store.home import Home
from inference_arena.store.lock import take_lock
from inference_arena.store.records import checked_id

INTENT_FILE = "intent.json"
EVENTS_FILE = "events.jsonl"
SAMPLES_LINES = "samples.jsonl"
ENGINE_LOG = "engine.log"
LOCK_FILE = "lock"


class Journal:
    """One run's open journal. Every line is handed to the kernel at once, whole or not at all."""

    def __init__(self, path: Path, *, lock: int) -> None:
        """Takes over the lock's handle; use `open_journal`."""
        self.path = path
        self._handles = {"lock": lock}
        for name in (EVENTS_FILE, SAMPLES_LINES):
            self._handles[name] = os.open(path / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def event(self, kind: str, **fields: Any) -> None:
        """Appends {"kind": ..., **fields}; fields are JSON values, times are the caller's."""
        line = json.dumps({"kind": kind, **fields}, ensure_ascii=False, allow_nan=False)
        self._append(EVENTS_FILE, line.encode() + b"\n")

    def samples(self, lines: Iterable[str]) -> None:
        """Appends samples, each one JSON document without line breaks."""
        self._append(SAMPLES_LINES, b"".join(line.rstrip("\n").encode() + b"\n" for line in lines))

    def close(self) -> None:
        """Frees the lock; the directory stays until `discard`."""
        while self._handles:
            os.close(self._handles.popitem()[1])

    def _append(self, name: str, data: bytes) -> None:
        with storage(f"the run's journal {self.path / name} could not be written"):
            _append_whole(self._handles[name], data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _append_whole(handle: int, data: bytes) -> None:
    """A full disk may take half a line; that half is cut off again, so the next line does not stick to it."""
    start = os.fstat(handle).st_size
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError:
        os.ftruncate(handle, start)
        raise


def open_journal(home: Home, record_id: str, intent: dict[str, Any]) -> Journal:
    """A new journal with its intent on disk and its lock held before anybody else can see it."""
    make_folder(home.journals)
    sweep(home.journals)
    path = home.journals / checked_id(record_id)
    hidden = home.journals / f"{TEMPORARY}{secrets.token_hex(6)}-{record_id}"
    with storage(f"the run's journal {path} could not be made"):
        if path.exists():
            raise StorageError(f"the journal {path} exists already", why="a run with this id is going on or was killed")
        hidden.mkdir()
        try:
            return _fill(hidden, path, intent=intent)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise


def _fill(hidden: Path, path: Path, *, intent: dict[str, Any]) -> Journal:
    text = json.dumps(intent, ensure_ascii=False, allow_nan=False, indent=2)
    write_durably(hidden / INTENT_FILE, text.encode() + b"\n")
    lock = take_lock(hidden / LOCK_FILE)
    assert lock is not None, "nobody else knows the hidden name"
    try:
        hidden.rename(path)
        sync_folder(path.parent)
        return Journal(path, lock=lock)
    except BaseException:
        os.close(lock)
        raise


def orphans(home: Home) -> list[Path]:
    """Journals whose run is gone, oldest first. A running one holds its lock; one without a lock has no run."""
    try:
        paths = sorted(p for p in home.journals.iterdir() if not p.name.startswith(".") and p.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{home.journals} could not be read", why=reason(error)) from error
    return [path for path in paths if _is_orphan(path)]


def _is_orphan(path: Path) -> bool:
    with claim(path) as claimed:
        return claimed


@contextmanager
def claim(path: Path) -> Iterator[bool]:
    """True, and the journal is held, unless its run lives, another process salvages it, or it cannot be written."""
    try:
        handle = take_lock(path / LOCK_FILE)
    except OSError:
        handle = None
    try:
        # whoever held it before may have saved and discarded it meanwhile
        yield handle is not None and (path / LOCK_FILE).exists()
    finally:
        if handle is not None:
            os.close(handle)


def read_intent(path: Path) -> dict[str, Any]:
    """What the run meant to do; raises BadFileError when that was never written."""
    try:
        document = json.loads((path / INTENT_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise BadFileError(f"{path / INTENT_FILE} cannot be read", why=str(error)) from error
    if not isinstance(document, dict):
        raise BadFileError(f"{path / INTENT_FILE} is not a JSON object")
    return document


def read_events(path: Path) -> list[dict[str, Any]]:
    """The events of a journal's directory. A last line that was cut off is left out; any other is a BadFileError."""
    events = []
    for number, line, is_last in _journal_lines(path / EVENTS_FILE):
        try:
            events.append(dict(json.loads(line)))
        except (ValueError, TypeError) as error:
            if not is_last:
                raise BadFileError(f"{path / EVENTS_FILE}, line {number} is damaged", why=str(error)) from error
    return events


def read_samples(path: Path) -> Iterator[Sample]:
    """The samples of a journal's directory, with the same mercy on the last line."""
    for number, line, is_last in _journal_lines(path / SAMPLES_LINES):
        try:
            yield SAMPLE.validate_json(line)
        except ValidationError as error:
            if not is_last:
                raise BadFileError(f"{path / SAMPLES_LINES}, line {number} is damaged", why=str(error)) from error


def _journal_lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Number, line, whether it is the last; a file that was never made has no lines."""
    try:
        with path.open("rb") as file:
            number, held = 0, b""
            for number, line in enumerate(file, start=1):
                if held:
                    yield number - 1, held, False
                held = line
    except FileNotFoundError:
        return
    if held.endswith(b"\n"):
        yield number, held, True


def discard(path: Path) -> None:
    """Removes a journal, when its record is saved or when there is nothing in it to save."""
    with storage(f"the journal {path} could not be removed"):
        throw_away(path)
