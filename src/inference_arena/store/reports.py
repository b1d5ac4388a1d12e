"""Reports of other tools on disk: one file each beside the records, never among them, never changed afterwards."""

import json
import re
from pathlib import Path

from pydantic import ValidationError

from inference_arena.errors import BadFileError, NotFoundError, StorageError
from inference_arena.record import REPORTED_FORMAT, Reported
from inference_arena.store.files import make_folder, reason, storage, whole_file
from inference_arena.store.home import Home
from inference_arena.store.traces import first_message, wrong_field

REPORT_ID = re.compile(r"(?:guidellm|aiperf|vllm|sglang|first-arena)-[0-9a-f]{12}")


def report_json(report: Reported) -> bytes:
    return report.model_dump_json(indent=2).encode() + b"\n"


def parse_report(data: bytes, *, name: str) -> Reported:
    """A report from its JSON; raises BadFileError, and says so when a newer arena wrote it."""
    try:
        report = Reported.model_validate_json(data)
    except ValidationError as error:
        _refuse_newer(data, name=name)
        raise BadFileError(f"{name}: {wrong_field(error)}", why=first_message(error)) from error
    if not REPORT_ID.fullmatch(report.id):
        raise BadFileError(f"{name}: field 'id' is wrong", why=f"{report.id!r} is no id of a report")
    return report


def _refuse_newer(data: bytes, *, name: str) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, int) and found > REPORTED_FORMAT:
        why = f"its format is {found}; this arena reads up to {REPORTED_FORMAT}"
        raise BadFileError(
            f"{name} was written by a newer arena", why=why, try_="pip install --upgrade inference-arena"
        )


def save_report(home: Home, report: Reported) -> bool:
    """Keeps it, whole or not at all; False when the same one is here. Raises StorageError for another one of its id."""
    path = _path(home, report.id)
    data = report_json(report)
    if path.exists():
        if parse_report(_bytes(path), name=str(path)).source_sha256 == report.source_sha256:
            return False
        raise StorageError(
            f"the report {report.id} is here already, with different content", try_=f"arena rm {report.id}"
        )
    make_folder(home.reports)
    with whole_file(path) as file:
        file.write(data)
    return True


def _path(home: Home, report_id: str) -> Path:
    return home.reports / f"{report_id}.json"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} could not be read", why=reason(error)) from error


def report_ids(home: Home) -> list[str]:
    """By name."""
    try:
        names = [path.stem for path in home.reports.iterdir() if path.suffix == ".json"]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{home.reports} could not be read", why=reason(error)) from error
    return sorted(name for name in names if REPORT_ID.fullmatch(name))


def find_report(home: Home, reference: str) -> str | None:
    """The id that a full one, or a unique beginning or end of one, means; None when it means no report."""
    ids = report_ids(home)
    if reference in ids:
        return reference
    short = [name for name in ids if reference and (name.startswith(reference) or name.endswith(reference))]
    return short[0] if len(short) == 1 else None


def load_report(home: Home, report_id: str) -> Reported:
    path = _path(home, report_id)
    return parse_report(_bytes(path), name=str(path))


def remove_report(home: Home, report_id: str) -> None:
    with storage(f"the report {report_id} could not be removed"):
        try:
            _path(home, report_id).unlink()
        except FileNotFoundError as error:
            raise NotFoundError(f"no report is called {report_id}", try_="arena list") from error
