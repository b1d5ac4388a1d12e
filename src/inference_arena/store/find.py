"""From what a person types to one record's directory."""

import difflib
from pathlib import Path

from inference_arena.errors import ArenaError, NotFoundError
from inference_arena.record import Failed
from inference_arena.store.home import Home
from inference_arena.store.records import RECORD_FILE, load_record, record_ids
from inference_arena.store.reports import find_report

_SHOWN = 5


def find_record(home: Home, reference: str) -> Path:
    """The directory of a full id, a unique beginning or end of one, `last`, `last-failed`, or a path.

    Raises NotFoundError with candidates when nothing, or more than one record, is meant.
    """
    ids = record_ids(home)
    if reference in ids:
        return home.records / reference
    if reference in ("last", "last-failed"):
        return _newest(home, ids, failed=reference == "last-failed")
    if _is_record(Path(reference).expanduser()):
        return _directory(Path(reference).expanduser())
    _refuse_report(home, reference)
    return home.records / _only(ids, reference)


def _refuse_report(home: Home, reference: str) -> None:
    """What another tool reported is shown and exported; nothing of ours is compared with it as with an equal."""
    report_id = find_report(home, reference)
    if report_id is not None:
        raise NotFoundError(
            f"{report_id} is a report of another tool, not a record",
            why="its machine is unknown and its numbers are defined otherwise, so they stand beside no record",
            try_="arena crosscheck RECORD, or arena show RECORD --view for a record of yours in its definitions",
        )


def _is_record(path: Path) -> bool:
    """A bare word is a path only when it names a record, so that a folder called `last` hides nothing."""
    try:
        return (path / RECORD_FILE).is_file() or (path.name == RECORD_FILE and path.is_file())
    except (OSError, ValueError):
        return False


def _directory(path: Path) -> Path:
    return path.parent if path.name == RECORD_FILE and path.is_file() else path


def _newest(home: Home, ids: list[str], *, failed: bool) -> Path:
    for record_id in reversed(ids):
        if not failed or _has_failed(home.records / record_id):
            return home.records / record_id
    what = "no record of a failed run" if failed else "no records yet"
    raise NotFoundError(what, why=f"looked in {home.records}", try_="arena list" if failed else "arena run")


def _has_failed(path: Path) -> bool:
    try:
        return isinstance(load_record(path).outcome, Failed)
    except ArenaError:
        return False


def _only(ids: list[str], reference: str) -> str:
    starting = [i for i in ids if reference and i.startswith(reference)]
    matches = starting or [i for i in ids if reference and i.endswith(reference)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NotFoundError(f"{reference!r} means more than one record", try_="one of: " + _some(matches))
    near = difflib.get_close_matches(reference, ids, n=_SHOWN, cutoff=0.5)
    raise NotFoundError(
        f"no record is called {reference!r}",
        try_="one of: " + _some(near) if near else "arena list",
    )


def _some(ids: list[str]) -> str:
    """The newest few; all of them would not help."""
    shown = sorted(ids, reverse=True)[:_SHOWN]
    return ", ".join(shown) + (" ..." if len(ids) > _SHOWN else "")
