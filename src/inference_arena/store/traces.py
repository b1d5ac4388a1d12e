"""Raw traces as gzipped JSON lines: written with equal bytes for equal content, read one line at a time."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from inference_arena.errors import BadFileError
from inference_arena.facts import Fact
from inference_arena.record import SAMPLE, RequestTrace, Sample
from inference_arena.store.files import sha256_of, storage

LINE_LIMIT_BYTES = 16 * 1024**2
REQUESTS_FILE = "requests.jsonl.gz"
SAMPLES_FILE = "samples.jsonl.gz"

Parsed = TypeVar("Parsed")


class Written(NamedTuple):
    """What the record's evidence says of one raw file."""

    sha256: str
    lines: int


def write_jsonl_gz(path: Path, models: Iterable[Fact]) -> Written:
    """Writes one line a model; the file's bytes depend on the content alone, not on the time or the name."""
    lines = 0
    with storage(f"{path} could not be written"), path.open("wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
            for lines, model in enumerate(models, start=1):  # noqa: B007 - the last number is the count
                packed.write(model.model_dump_json().encode() + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    return Written(sha256_of(path), lines)


def iter_traces(path: Path, *, limit_bytes: int | None = None) -> Iterator[RequestTrace]:
    """The requests of a record's directory; raises BadFileError with the line, or past `limit_bytes` unpacked."""
    return _parsed(path / REQUESTS_FILE, parse=RequestTrace.model_validate_json, limit_bytes=limit_bytes)


def iter_samples(path: Path, *, limit_bytes: int | None = None) -> Iterator[Sample]:
    """The samples of a record's directory; raises BadFileError with the line, or past `limit_bytes` unpacked."""
    return _parsed(path / SAMPLES_FILE, parse=SAMPLE.validate_json, limit_bytes=limit_bytes)


def _parsed(path: Path, *, parse: Callable[[bytes], Parsed], limit_bytes: int | None) -> Iterator[Parsed]:
    for number, line in _lines(path, limit_bytes=limit_bytes):
        try:
            yield parse(line)
        except ValidationError as error:
            raise BadFileError(f"{path}, line {number}: {wrong_field(error)}", why=first_message(error)) from error


def wrong_field(error: ValidationError) -> str:
    """The field that is wrong, by its path in the document; a text that is no JSON has none."""
    field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
    return f"field {field!r} is wrong" if field else "this is not valid JSON"


def first_message(error: ValidationError) -> str:
    return error.errors(include_input=False)[0]["msg"]


def _lines(path: Path, *, limit_bytes: int | None) -> Iterator[tuple[int, bytes]]:
    """Numbered lines in bounded memory, whatever the file holds."""
    number, seen_bytes = 0, 0
    try:
        with gzip.open(path, "rb") as file:
            for number in count(1):
                line = file.readline(LINE_LIMIT_BYTES + 1)
                if not line:
                    return
                seen_bytes += len(line)
                _check_size(path, number=number, line=line, seen_bytes=seen_bytes, limit_bytes=limit_bytes)
                yield number, line
    except FileNotFoundError as error:
        raise BadFileError(f"{path} is missing", why="the record is incomplete") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadFileError(f"{path}, line {number}: damaged or cut off", why=str(error)) from error


def _check_size(path: Path, *, number: int, line: bytes, seen_bytes: int, limit_bytes: int | None) -> None:
    if len(line) > LINE_LIMIT_BYTES:
        raise BadFileError(f"{path}, line {number}: too long", why=f"a line may have {LINE_LIMIT_BYTES:,} bytes")
    if limit_bytes is not None and seen_bytes > limit_bytes:
        raise BadFileError(f"{path}, line {number}: too much", why=f"unpacked it is over {limit_bytes:,} bytes")
