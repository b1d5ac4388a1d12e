"""One record as one file, and back. What comes in is a stranger's: nothing is kept before all of it is checked."""

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from inference_arena.errors import BadFileError, NotFoundError, StorageError
from inference_arena.exchange.unpack import copy_folder, unpack
from inference_arena.record import Evidence, Record
from inference_arena.store import (
    LOG_FILE,
    RECORD_FILE,
    RECORD_FILES,
    REQUESTS_FILE,
    SAMPLES_FILE,
    Home,
    checked_id,
    iter_samples,
    iter_traces,
    load_record,
    new_folder,
    parse_record,
    place_record,
    read_record_json,
    record_ids,
    sha256_of,
    whole_file,
)

LIMIT_BYTES = 1024**3


class Imported(NamedTuple):
    """`is_new` is False when the same record was here already, and nothing was done."""

    record_id: str
    is_new: bool


def export_archive(path: Path, output: Path, *, with_log: bool = True) -> None:
    """Writes the record of a directory as .arena.tar.gz; equal records give equal bytes. Replaces `output`."""
    record_id = checked_id(load_record(path).id)
    names = [name for name in RECORD_FILES if (with_log or name != LOG_FILE) and (path / name).is_file()]
    with (
        whole_file(output) as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        _add_members(tar, path, record_id=record_id, names=names)


def _add_members(tar: tarfile.TarFile, path: Path, *, record_id: str, names: Sequence[str]) -> None:
    for name in names:
        member = tarfile.TarInfo(f"{record_id}/{name}")  # its owner, mode and time are fixed, not the file's
        with (path / name).open("rb") as file:
            member.size = (path / name).stat().st_size
            tar.addfile(member, file)


def import_record(home: Home, source: Path, *, limit_bytes: int = LIMIT_BYTES) -> Imported:
    """Adds the record of an archive or a directory to the home, byte for byte.

    Raises BadFileError for anything that `export_archive` does not write, for raw files whose hash is not the one in
    the record, and for content over `limit_bytes`; StorageError when another record has the id.
    """
    if not source.exists():
        raise NotFoundError(f"there is no file {source}", try_="arena import FILE.arena.tar.gz")
    with new_folder(home) as folder:
        take = copy_folder if source.is_dir() else unpack
        take(source, folder, limit_bytes=limit_bytes)
        record = _checked(folder, source=source, limit_bytes=limit_bytes)
        if _is_here(home, record.id, folder=folder):
            return Imported(record.id, is_new=False)
        place_record(home, folder, record_id=record.id)
    return Imported(record.id, is_new=True)


def _checked(folder: Path, *, source: Path, limit_bytes: int) -> Record:
    """The record of an unpacked directory, when every file is what the record says it is."""
    try:
        record = parse_record(read_record_json(folder / RECORD_FILE), name=RECORD_FILE)
        checked_id(record.id)
        _check_hashes(folder, record.evidence)
        _check_lines(folder, record.evidence, limit_bytes=limit_bytes)
    except BadFileError as error:
        what = error.what.replace(f"{folder}/", "")
        raise BadFileError(f"{source} is refused: {what}", why=error.why, try_=error.try_) from error
    return record


def _check_hashes(folder: Path, evidence: Evidence) -> None:
    """The log may be left out of a shared copy; what is there must be what the record saw."""
    told = {
        REQUESTS_FILE: evidence.requests_sha256,
        SAMPLES_FILE: evidence.samples_sha256,
        LOG_FILE: evidence.log_sha256,
    }
    for name, sha256 in told.items():
        if not (folder / name).is_file():
            if name != LOG_FILE:
                raise BadFileError(f"{name} is missing", why="a record without its raw traces proves nothing")
        elif sha256_of(folder / name) != sha256:
            raise BadFileError(f"{name} is not the file that the record describes", why="its sha256 differs")


def _check_lines(folder: Path, evidence: Evidence, *, limit_bytes: int) -> None:
    requests = sum(1 for _ in iter_traces(folder, limit_bytes=limit_bytes))
    samples = sum(1 for _ in iter_samples(folder, limit_bytes=limit_bytes))
    if (requests, samples) != (evidence.requests_lines, evidence.samples_lines):
        told = f"{evidence.requests_lines} requests and {evidence.samples_lines} samples"
        raise BadFileError(
            "its traces are not complete", why=f"the record tells of {told}; found {requests} and {samples}"
        )


def _is_here(home: Home, record_id: str, *, folder: Path) -> bool:
    """True for the same record; raises StorageError for another one under its id."""
    if record_id not in record_ids(home):
        return False
    if read_record_json(home.records / record_id / RECORD_FILE) == read_record_json(folder / RECORD_FILE):
        return True
    raise StorageError(
        f"the record {record_id} is here already, with different content",
        why="a record is never overwritten, and one of the two was changed after it was measured",
        try_=f"arena rm {record_id}  (if the one to import is right), then import again",
    )
