"""Strangers' bytes into an empty directory: only the files of a record, only plain ones, only so many bytes."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from inference_arena.errors import BadFileError, StorageError
from inference_arena.store import RECORD_FILE, RECORD_FILES

RECORD_LIMIT_BYTES = 8 * 1024**2
_BLOCK_BYTES = 512
_CHUNK_BYTES = 1024**2
_MEMBER = re.compile(r"(?P<id>\d{8}-\d{6}-[0-9a-f]{6})/(?P<name>[a-z.]*)")


class _Bounded:
    """A stream that refuses to give more bytes than the limit, whatever the headers promise."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, *, limit_bytes: int) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes

    def read(self, count: int) -> bytes:
        data = self._stream.read(count)
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise BadFileError("it is too large", why=f"unpacked it is over {self._limit_bytes:,} bytes")
        return data

    def pieces(self, count: int) -> Iterator[bytes]:
        """Exactly so many bytes, a piece at a time."""
        while count > 0:
            piece = self.read(min(count, _CHUNK_BYTES))
            if not piece:
                raise EOFError("it ends too early")
            count -= len(piece)
            yield piece


def unpack(archive: Path, folder: Path, *, limit_bytes: int) -> None:
    """The members of an archive, as `export_archive` writes them; raises BadFileError for everything else.

    Reads the tar format's plain headers only: its extensions can name other paths, links, devices, and sizes that
    a general reader believes.
    """
    try:
        with archive.open("rb") as packed, gzip.open(packed, "rb") as stream:
            _unpack_stream(_Bounded(stream, limit_bytes=limit_bytes), folder)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
        raise BadFileError(f"{archive} is no archive of a record", why=str(error) or "it is damaged") from error
    except BadFileError as error:
        raise BadFileError(f"{archive} is refused: {error.what}", why=error.why) from error
    except PermissionError as error:
        raise StorageError(f"{archive} could not be read", why="no permission") from error


def _unpack_stream(stream: _Bounded, folder: Path) -> None:
    owner: str | None = None
    while (header := stream.read(_BLOCK_BYTES)) != bytes(_BLOCK_BYTES):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        record_id, name = _checked_member(member)
        if owner not in (None, record_id):
            raise BadFileError("it holds more than one record", why=f"{owner} and {record_id}")
        owner = record_id
        _write_new(folder / name, stream.pieces(member.size))
        list(stream.pieces(-member.size % _BLOCK_BYTES))
    _refuse_rest(stream)


def _checked_member(member: tarfile.TarInfo) -> tuple[str, str]:
    """The record id and the file name, of a plain file that a record may have."""
    match = _MEMBER.fullmatch(member.name)
    if not member.isreg() or member.size < 0:
        raise BadFileError(f"its member {member.name!r} is no plain file", why="links, folders and devices are refused")
    if match is None or match["name"] not in RECORD_FILES:
        raise BadFileError(f"its member {member.name!r} is no file of a record", why=f"only {', '.join(RECORD_FILES)}")
    _refuse_large(match["name"], member.size)
    return match["id"], match["name"]


def _refuse_large(name: str, size_bytes: int) -> None:
    if name == RECORD_FILE and size_bytes > RECORD_LIMIT_BYTES:
        raise BadFileError(f"its {RECORD_FILE} is too large", why=f"it may have {RECORD_LIMIT_BYTES:,} bytes")


def _write_new(path: Path, pieces: Iterator[bytes]) -> None:
    if path.exists():
        raise BadFileError(f"its member {path.name!r} comes twice")
    with path.open("xb") as file:
        file.writelines(pieces)


def _refuse_rest(stream: _Bounded) -> None:
    """Reads to the end, so that the checksum of the whole stream is looked at."""
    while rest := stream.read(_CHUNK_BYTES):
        if rest.strip(b"\0"):
            raise BadFileError("something follows after its end")


def copy_folder(source: Path, folder: Path, *, limit_bytes: int) -> None:
    """The files of a record's directory; raises BadFileError for links, unknown files and too many bytes."""
    try:
        for path, size_bytes in _checked_files(source, limit_bytes=limit_bytes):
            _copy_file(path, folder / path.name, size_bytes=size_bytes)
    except BadFileError as error:
        raise BadFileError(f"{source} is refused: {error.what}", why=error.why) from error
    except EOFError as error:
        raise BadFileError(f"{source} is refused: it became shorter while it was read") from error
    except PermissionError as error:
        raise StorageError(f"{source} could not be read", why="no permission") from error


def _checked_files(source: Path, *, limit_bytes: int) -> list[tuple[Path, int]]:
    """Paths and sizes, when all of them may be copied."""
    paths = sorted(source.iterdir())
    for path in paths:
        _check_file(path)
    sizes = [path.stat().st_size for path in paths]
    if sum(sizes) > limit_bytes:
        raise BadFileError("it is too large", why=f"its files are over {limit_bytes:,} bytes")
    return list(zip(paths, sizes, strict=True))


def _check_file(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise BadFileError(f"its {path.name!r} is no plain file", why="links, folders and devices are refused")
    if path.name not in RECORD_FILES:
        raise BadFileError(f"its {path.name!r} is no file of a record", why=f"only {', '.join(RECORD_FILES)}")
    _refuse_large(path.name, path.stat().st_size)


def _copy_file(source: Path, target: Path, *, size_bytes: int) -> None:
    with source.open("rb") as file:
        _write_new(target, _Bounded(file, limit_bytes=size_bytes).pieces(size_bytes))
