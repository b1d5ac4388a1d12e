"""The index: one table made from the record files, so that lists are quick. Delete it and it comes back.

The only module that knows SQL. SQLite beside the records, or the database that ARENA_DATABASE_URL names; that one
serves one home, because rows without a record directory are taken out.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    URL,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    NullPool,
    StaticPool,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, SQLAlchemyError

from inference_arena.errors import ArenaError, StorageError
from inference_arena.record import Record
from inference_arena.store.files import TEMPORARY, make_folder, storage
from inference_arena.store.home import Home
from inference_arena.store.records import (
    RECORD_FILE,
    content_sha256,
    parse_record,
    read_record_json,
    record_ids,
    record_json,
    tidy,
)
from inference_arena.store.row import Row, row_of

_KINDS: dict[str, type[String | Float[float] | Integer | JSON]] = {
    "peak_output_tokens_per_s": Float,
    "lowest_load_ttft_p50_s": Float,
    "doubts": JSON,
    "format": Integer,
}
_METADATA = MetaData()
_RECORDS = Table(
    "records",
    _METADATA,
    *(Column(name, _KINDS.get(name, String), primary_key=name == "id") for name in Row.model_fields),
)


class BadRecord(NamedTuple):
    """A record directory that cannot be read, and why."""

    path: Path
    reason: str


class Reindexed(NamedTuple):
    ok: int
    bad: tuple[BadRecord, ...]


def open_index(home: Home) -> Engine:
    """The database of the index; connects to nothing yet."""
    named = os.environ.get("ARENA_DATABASE_URL")
    try:
        return create_engine(named or _sqlite(home.index_path), poolclass=NullPool)
    except ArgumentError as error:
        raise StorageError("ARENA_DATABASE_URL is not a database URL", why=str(error)) from error
    except ImportError as error:
        advice = "install the database's driver, or unset ARENA_DATABASE_URL"
        raise StorageError("ARENA_DATABASE_URL cannot be used", why=str(error), try_=advice) from error


def _sqlite(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def index_record(engine: Engine, record: Record, *, record_sha256: str | None = None) -> None:
    """Adds or replaces one row. Without it the next list finds the record by itself."""
    row = row_of(record, record_sha256=record_sha256 or content_sha256(record_json(record)))
    with engine.begin() as connection:
        _METADATA.create_all(connection)
        _put(connection, [row])


def remove_from_index(engine: Engine, record_id: str) -> None:
    with engine.begin() as connection:
        _METADATA.create_all(connection)
        _take_out(connection, [record_id])


def _take_out(connection: Connection, ids: Iterable[str]) -> None:
    """One statement an id: a single one may not name more than 32,766."""
    if gone := [{"gone": record_id} for record_id in ids]:
        connection.execute(delete(_RECORDS).where(_RECORDS.c.id == bindparam("gone")), gone)


def _put(connection: Connection, rows: Sequence[Row]) -> None:
    """Deletes before it inserts, so that two processes which found the same record do not collide."""
    if rows:
        _take_out(connection, [row.id for row in rows])
        connection.execute(insert(_RECORDS), [_values(row) for row in rows])


def _values(row: Row) -> dict[str, Any]:
    """PostgreSQL takes no NUL in a text; a record from elsewhere may hold one."""
    values = row.model_dump(mode="json")
    return {k: v.replace("\0", "\ufffd") if isinstance(v, str) else v for k, v in values.items()}


def reindex(home: Home) -> Reindexed:
    """Makes the index anew from the record files; a file that cannot be read is reported and stops nothing."""
    tidy(home)
    rows, bad = _read(home, record_ids(home))
    try:
        _replace_index(home, rows)
    except SQLAlchemyError as error:
        advice = "arena reindex when it is back, or unset ARENA_DATABASE_URL"
        raise StorageError("the index could not be written", why=str(error.args[0]), try_=advice) from error
    return Reindexed(len(rows), tuple(bad))


def _replace_index(home: Home, rows: Sequence[Row]) -> None:
    if os.environ.get("ARENA_DATABASE_URL"):
        with _opened(open_index(home)) as engine:
            _fill(engine, rows)
        return
    make_folder(home.root)
    temporary = home.root / f"{TEMPORARY}{secrets.token_hex(6)}-index.sqlite"
    with storage(f"the index {home.index_path} could not be written"):
        try:
            with _opened(create_engine(_sqlite(temporary), poolclass=NullPool)) as engine:
                _fill(engine, rows)
            _move_into_place(temporary, home.index_path)
        finally:
            temporary.unlink(missing_ok=True)


def _fill(engine: Engine, rows: Sequence[Row]) -> None:
    with engine.begin() as connection:
        _METADATA.drop_all(connection)
        _METADATA.create_all(connection)
        _put(connection, rows)


def _move_into_place(temporary: Path, path: Path) -> None:
    """SQLite would play the rollback journal of a crashed writer into the new file, so that journal goes first."""
    for ending in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    temporary.replace(path)


@contextmanager
def _opened(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()


def _read(home: Home, ids: Iterable[str]) -> tuple[list[Row], list[BadRecord]]:
    rows, bad = [], []
    for record_id in ids:
        try:
            rows.append(_read_row(home, record_id))
        except ArenaError as error:
            why = f" ({error.why})" if error.why else ""
            bad.append(BadRecord(home.records / record_id, f"{error.what}{why}"))
    return rows, bad


def _read_row(home: Home, record_id: str) -> Row:
    file = home.records / record_id / RECORD_FILE
    data = read_record_json(file)
    record = parse_record(data, name=str(file))
    if record.id != record_id:
        raise StorageError(f"{file} is the record {record.id}", why="its directory has another name")
    return row_of(record, record_sha256=content_sha256(data))


def list_records(
    home: Home,
    *,
    limit: int | None = None,
    purpose: str | None = None,
    outcome: str | None = None,
    engine: str | None = None,
    model: str | None = None,
) -> list[Row]:
    """Rows of the home's records, newest first; every filter that is given must match."""
    asked = {"purpose": purpose, "outcome": outcome, "engine": engine, "model": model}
    query = select(_RECORDS).order_by(_RECORDS.c.id.desc()).limit(limit)
    for name, value in asked.items():
        query = query.where(_RECORDS.c[name] == value) if value is not None else query
    with _current(home) as (database, _), database.connect() as connection:
        return [
            Row.model_validate({**row, "doubts": tuple(row["doubts"])}) for row in connection.execute(query).mappings()
        ]


def refresh_index(home: Home) -> tuple[BadRecord, ...]:
    """Brings the index up to date with the record directories; returns those that cannot be read."""
    with _current(home) as (_, bad):
        return bad


@contextmanager
def _current(home: Home) -> Iterator[tuple[Engine, tuple[BadRecord, ...]]]:
    """An index that agrees with the directories: caught up, made anew, or, on a read-only home, in memory."""
    if not record_ids(home):
        engine, bad = _in_memory(home)
    else:
        engine, bad = _caught_up(home) or _remade(home)
    with _opened(engine):
        yield engine, bad


def _caught_up(home: Home) -> tuple[Engine, tuple[BadRecord, ...]] | None:
    """None when the index is missing what it should have: corrupt, of an older shape, or not writable."""
    engine = open_index(home)
    with suppress(DatabaseError, ValueError):
        return engine, _catch_up(engine, home)
    engine.dispose()
    return None


def _catch_up(engine: Engine, home: Home) -> tuple[BadRecord, ...]:
    _METADATA.create_all(engine)
    with engine.connect() as connection:
        # every column is asked for, so that an index of an older shape fails here
        known = {row.id for row in connection.execute(select(_RECORDS))}
    present = set(record_ids(home))
    rows, bad = _read(home, sorted(present - known))
    if rows or known - present:
        with suppress(IntegrityError), engine.begin() as connection:  # another process was as quick
            _take_out(connection, known - present)
            _put(connection, rows)
    return tuple(bad)


def _remade(home: Home) -> tuple[Engine, tuple[BadRecord, ...]]:
    try:
        return open_index(home), reindex(home).bad
    except StorageError:
        if os.environ.get("ARENA_DATABASE_URL"):
            raise
        return _in_memory(home)


def _in_memory(home: Home) -> tuple[Engine, tuple[BadRecord, ...]]:
    rows, bad = _read(home, record_ids(home))
    engine = create_engine("sqlite://", poolclass=StaticPool)
    _fill(engine, rows)
    return engine, tuple(bad)
