"""Records on disk: one directory each, whole or absent, never changed afterwards. Knows nothing of the index."""

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from inference_arena.errors import BadFileError, NotFoundError, StorageError
from inference_arena.record import FORMAT, Record
from inference_arena.store.files import (
    TEMPORARY,
    copy_hashed,
    make_folder,
    reason,
    storage,
    sweep,
    sync_folder,
    sync_tree,
    throw_away,
)
from inference_arena.store.home import Home
from inference_arena.store.traces import REQUESTS_FILE, SAMPLES_FILE, first_message, wrong_field

RECORD_FILE = "record.json"
LOG_FILE = "engine.log.gz"
RECORD_FILES = (RECORD_FILE, REQUESTS_FILE, SAMPLES_FILE, LOG_FILE)
RECORD_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def new_record_id(now: datetime, *, random_hex: str) -> str:
    """`20261123-120102-a1b2c3`: sorts by time, and its end is short enough to type."""
    return checked_id(f"{now:%Y%m%d-%H%M%S}-{random_hex}")


def checked_id(text: str) -> str:
    """The text, when it has the form of a record id; so it can never name a path elsewhere."""
    if not RECORD_ID.fullmatch(text):
        raise BadFileError(f"not a record id: {text!r}", why="an id looks like 20261123-120102-a1b2c3")
    return text


def record_json(record: Record) -> bytes:
    return record.model_dump_json(indent=2).encode() + b"\n"


def save_record(home: Home, record: Record, *, requests_gz: Path, samples_gz: Path, log_gz: Path | None) -> Path:
    """Copies the raw files beside a new record.json; the directory appears when all of it is on disk.

    Raises StorageError (disk full, read-only, no permission, id taken); then nothing has changed. The caller's files
    are left where they are.
    """
    evidence = record.evidence
    raw = [(requests_gz, REQUESTS_FILE, evidence.requests_sha256), (samples_gz, SAMPLES_FILE, evidence.samples_sha256)]
    raw += [(log_gz, LOG_FILE, evidence.log_sha256 or "")] if log_gz is not None else []
    _refuse_taken(home.records / checked_id(record.id))
    with new_folder(home) as folder:
        for source, name, sha256 in raw:
            _copy_checked(source, folder / name, sha256=sha256)
        (folder / RECORD_FILE).write_bytes(record_json(record))
        return place_record(home, folder, record_id=record.id)


def _copy_checked(source: Path, target: Path, *, sha256: str) -> None:
    if copy_hashed(source, target) != sha256:
        raise BadFileError(f"{source} is not the file that the record describes", why="its sha256 differs")


@contextmanager
def new_folder(home: Home) -> Iterator[Path]:
    """A hidden directory beside the records to assemble one in; gone when the block ends, unless it was placed."""
    make_folder(home.records)
    folder = home.records / f"{TEMPORARY}{secrets.token_hex(6)}"
    with storage("the record could not be saved"):
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def place_record(home: Home, folder: Path, *, record_id: str) -> Path:
    """Makes an assembled directory a record, in one step that a reader sees whole or not at all."""
    target = home.records / checked_id(record_id)
    with storage(f"the record {record_id} could not be saved"):
        sync_tree(folder)
        _refuse_taken(target)
        folder.rename(target)
        sync_folder(home.records)
    return target


def _refuse_taken(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise StorageError(f"the record {target.name} exists already", why="a record is never overwritten")


def load_record(path: Path) -> Record:
    """The record of a directory (or of its record.json); raises BadFileError that names file and field."""
    file = path if path.name == RECORD_FILE else path / RECORD_FILE
    return parse_record(read_record_json(file), name=str(file))


def read_record_json(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadFileError(f"{file} is missing", why="a record is a directory that holds this file") from error
    except OSError as error:
        raise StorageError(f"{file} could not be read", why=reason(error)) from error


def parse_record(data: bytes, *, name: str) -> Record:
    """A record from its JSON; raises BadFileError, and says so when a newer arena wrote it."""
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        _refuse_newer(data, name=name)
        raise BadFileError(f"{name}: {wrong_field(error)}", why=first_message(error)) from error


def _refuse_newer(data: bytes, *, name: str) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise BadFileError(
            f"{name} was written by a newer arena",
            why=f"its format is {found}; this arena reads up to {FORMAT}",
            try_="pip install --upgrade inference-arena",
        )


def content_sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record_ids(home: Home) -> list[str]:
    """The ids of all record directories, oldest first, by their names alone."""
    try:
        return sorted(e.name for e in home.records.iterdir() if RECORD_ID.fullmatch(e.name) and e.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{home.records} could not be read", why=reason(error)) from error


def remove_record(home: Home, record_id: str) -> None:
    """Removes one record; a link in the records folder is removed itself, what it points to stays."""
    path = home.records / checked_id(record_id)
    with storage(f"the record {record_id} could not be removed"):
        try:
            throw_away(path)
        except FileNotFoundError as error:
            raise NotFoundError(f"no record is called {record_id}", try_="arena list") from error


def tidy(home: Home) -> None:
    """Removes what killed saves, imports and removals left in the records folder."""
    sweep(home.records)
