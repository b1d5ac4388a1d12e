"""Files that are whole or absent, and errors of the disk in words. Knows nothing of records or journals."""

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from inference_arena.errors import StorageError

CHUNK_BYTES = 1024 * 1024
TEMPORARY = ".tmp-"
TRASH = ".trash-"
# Longer than any save or import takes, so that another process's work in progress is left alone.
STALE_AFTER_S = 24 * 3600.0

ANOTHER_PLACE = "ARENA_HOME=/some/writable/folder arena ..."
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REASONS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EEXIST: "a file stands where a folder must be",
    errno.ENOTDIR: "a file stands where a folder must be",
}


def reason(error: OSError) -> str:
    """What the operating system said, in words, with the path where it is known."""
    words = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return f"{words}: {error.filename}" if error.filename else words


@contextmanager
def storage(what: str, *, try_: str = ANOTHER_PLACE) -> Iterator[None]:
    """Turns errors of the operating system into StorageError("... could not be ...")."""
    try:
        yield
    except OSError as error:
        advice = f"free some space, or {try_}" if error.errno in _FULL else try_
        raise StorageError(what, why=reason(error), try_=advice) from error


def make_folder(path: Path) -> Path:
    with storage(f"the folder {path} could not be made"):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_durably(path: Path, data: bytes) -> None:
    """Writes a new file and waits for the disk; not atomic by itself."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its name when the block ends well: a reader sees the old content or all of the new."""
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    with storage(f"{path} could not be written", try_="another place for it"):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def copy_hashed(source: Path, target: Path) -> str:
    """Copies and returns the sha256 of what was copied; `sync_tree` waits for the disk."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(path: Path) -> None:
    """Makes a rename inside the folder survive a power cut, on file systems that can."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Waits until the files of one directory are on disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def throw_away(path: Path) -> None:
    """Renames out of sight first, so that nobody ever sees half a folder; a link is removed, not followed."""
    trash = path.with_name(f"{TRASH}{secrets.token_hex(6)}-{path.name}")
    path.rename(trash)
    delete(trash)


def delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Removes what killed processes left behind: trash at once, temporary things when they are old."""
    before = time.time() - STALE_AFTER_S
    with suppress(OSError):
        for path in list(folder.iterdir()):
            old = path.name.startswith(TEMPORARY) and path.lstat().st_mtime < before
            if old or path.name.startswith(TRASH):
                delete(path)
