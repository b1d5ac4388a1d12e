"""`arena explain`: what an engine's log says of why it did not start, or of how it did."""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from inference_arena.engines import CONTAINER, READERS, STAGES, Diagnosis, Explanation, FactValue, explain
from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.units import gib

_CHUNK: Final = 1024 * 1024
_LOOK: Final = 8192
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}
_ENDS: Final = re.compile(r"\r\n|\n|\r")
_SHOWN: Final = 300


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Engine(StrEnum):
    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    TRANSFORMERS = "transformers"


def command(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A log, also as .gz, or - for standard input.")],
    engine: Annotated[Engine | None, typer.Option(help="Whose log it is, where it does not say so itself.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say what happened in an engine's log: why it did not start, or what it said about itself when it did.

    Exit code 1 when nothing known is in it. For example: `arena explain server.log`, or
    `docker logs my-vllm 2>&1 | arena explain -`.
    """
    with _opened(file) as stream:
        it = explain(_lines(stream, name=file), readers=READERS, engine=engine)
    if not it.lines:
        raise BadFileError(f"{_named(file)} is empty", try_="vLLM and SGLang write to standard error too: 2>&1")
    print(json.dumps(it.model_dump(mode="json"), indent=2, ensure_ascii=False) if as_json else _page(it))
    return 1 if it.outcome == "unknown" else 0


# reading


def _named(file: str) -> str:
    return "standard input" if file == "-" else file


@contextmanager
def _opened(file: str) -> Iterator[Readable]:
    """The file's bytes; unpacked where they are packed as records keep them."""
    with _stream(file) as stream:
        first = b""
        with suppress(OSError):  # the next reading says it in words
            first = stream.peek(2)
        if not first.startswith(b"\x1f\x8b"):
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield unpacked


def _stream(file: str) -> io.BufferedReader:
    if file == "-":
        return open(0, "rb", closefd=False)  # sys.stdin is None where it was closed
    path = Path(file)
    if path.is_dir():
        raise BadFileError(f"{file} is a folder", try_="the name of a log in it")
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {file}", try_="correct the name, or - for standard input") from error
    except OSError as error:
        raise BadFileError(f"{file} cannot be read", why=error.strerror or str(error), try_="another file") from error


def _lines(stream: Readable, *, name: str) -> Iterator[str]:
    """Lines of a file of any size, a piece at a time. A line that never ends is given out in pieces."""
    first = _read(stream, name=name)
    _refuse_binary(first, name=name)
    encoding = next((form for mark, form in _MARKS.items() if first.startswith(mark)), "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest, chunk = "", first
    while chunk:
        *whole, rest = _ENDS.split(rest + decoder.decode(chunk))
        yield from whole
        if len(rest) > _CHUNK:
            yield rest
            rest = ""
        chunk = _read(stream, name=name)
    if rest:
        yield rest


def _read(stream: Readable, *, name: str) -> bytes:
    try:
        return stream.read(_CHUNK)
    except (OSError, EOFError, zlib.error) as error:
        raise BadFileError(f"{_named(name)} cannot be read", why=str(error), try_="a whole copy of it") from error


def _refuse_binary(first: bytes, *, name: str) -> None:
    if first.startswith((b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh", b"\xfd7zXZ")):
        raise BadFileError(
            f"{_named(name)} is packed", try_="unpack it first, for instance: xzcat FILE | arena explain -"
        )
    if not first.startswith(tuple(_MARKS)) and b"\0" in first[:_LOOK]:
        raise BadFileError(f"{_named(name)} is no text", why="it holds zero bytes", try_="the engine's log as text")


# telling


def _page(it: Explanation) -> str:
    if it.diagnosis is not None:
        return _failure(it, it.diagnosis)
    if it.outcome == "started":
        return "\n".join([f"{_title(it)} started and took requests. What it says about itself:", *_table(it.facts)])
    return _unknown(it)


def _title(it: Explanation) -> str:
    assert it.engine is not None
    if it.engine == CONTAINER:
        return "The container engine"
    version = it.facts.get("engine_version")
    return READERS[it.engine].TITLE + (f" {version}" if version else "")


def _failure(it: Explanation, found: Diagnosis) -> str:
    title = _title(it) if it.engine else "The log does not say whose it is"
    if it.engine and found.stage and found.cause != "never-ready":  # which says so itself
        title += f", while {STAGES[found.stage]}"
    where = "" if found.line is None else f"line {found.line}: "
    lines = [f"{title}: {found.what}", f"  why  {where}{_short(found.why)}", f"  try  {found.advice}"]
    if not found.reproduced:
        lines.append("  note this failure is known from others' reports: the advice is untested")
    return "\n".join([*lines, f"  name {found.cause}"])


def _unknown(it: Explanation) -> str:
    whose = "The log does not say whose it is" if it.engine is None else f"This is a log of {_title(it)}"
    if not it.errors:
        return f"{whose}, and nothing known is in it, nor anything that looks like an error."
    said = [f"  line {error.number}: {_short(error.text)}" for error in it.errors]
    return "\n".join([f"{whose}, and no known failure is in it. Its last lines that look like errors:", *said])


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN].rstrip()}…"


def _table(facts: Mapping[str, FactValue]) -> list[str]:
    width = max(map(len, facts), default=0)
    return [f"  {name:{width}}  {_value(name, value)}" for name, value in facts.items()]


def _value(name: str, value: FactValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_bytes") and isinstance(value, int):
        return gib(value)
    if name.endswith("_s"):
        return f"{value:g} s"
    return f"{value:,}" if isinstance(value, int) else str(value)
