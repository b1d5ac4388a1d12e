"""Files of other tools, recognised by what is in them, as `Reported` values. Nothing is kept before all is read."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from inference_arena.errors import BadFileError, NotFoundError, StorageError
from inference_arena.exchange.from_aiperf import is_aiperf, is_aiperf_line, read_aiperf
from inference_arena.exchange.from_first_arena import is_first_arena, read_first_arena
from inference_arena.exchange.from_guidellm import is_guidellm, read_guidellm
from inference_arena.exchange.from_serve import is_serve, read_serve
from inference_arena.exchange.reading import Place, parse
from inference_arena.exchange.report_doubts import recomputed, report_doubts
from inference_arena.exchange.told import Told
from inference_arena.metrics import explained
from inference_arena.record import Figure, Reported, ReportedPoint
from inference_arena.store import Home, parse_report, save_report

LIMIT_BYTES: Final = 256 * 1024**2
AIPERF_FILES: Final = ("profile_export_aiperf.json", "profile_export.jsonl")
KNOWN: Final = "GuideLLM, AIPerf, vllm bench serve, SGLang bench_serving, the first Inference Arena, arena export"
Reader = Callable[[Place], Told]
_READERS: Final[tuple[tuple[Callable[[Place], bool], Reader], ...]] = (
    (is_guidellm, read_guidellm),
    (is_aiperf, lambda document: read_aiperf(document, ())),
    (is_first_arena, read_first_arena),
    (is_serve, read_serve),
)


class Kept(NamedTuple):
    """`is_new` is False when the same file was imported before, and nothing was done."""

    report: Reported
    is_new: bool


def is_report(source: Path) -> bool:
    """A file that is no archive, or a folder that AIPerf wrote: the rest is for records."""
    if source.is_dir():
        return (source / AIPERF_FILES[0]).is_file()
    try:
        with source.open("rb") as file:
            return file.read(2) != b"\x1f\x8b"
    except OSError:
        return False


def import_reports(home: Home, source: Path, *, limit_bytes: int = LIMIT_BYTES) -> list[Kept]:
    """Adds the reports of one file to the home. Raises BadFileError, with file and field, for all that is not one."""
    reports = read_reports(source, limit_bytes=limit_bytes)
    return [Kept(report, save_report(home, report)) for report in reports]


def read_reports(source: Path, *, limit_bytes: int = LIMIT_BYTES) -> list[Reported]:
    """The reports of a file or of AIPerf's folder; a list or lines of results are one report each."""
    files = [source / name for name in AIPERF_FILES] if source.is_dir() else [source]
    data = {path: _read(path, limit_bytes=limit_bytes) for path in files if path == files[0] or path.exists()}
    if source.is_dir() or source.name == AIPERF_FILES[0]:
        beside = source.parent / AIPERF_FILES[1]
        if not source.is_dir() and beside.is_file():
            data[beside] = _read(beside, limit_bytes=limit_bytes)
    return _documents(data)


def _read(path: Path, *, limit_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            advice = "have the tool keep fewer requests, for instance GuideLLM's --metrics sample_size"
            raise BadFileError(f"{path} is too large", why=f"a report may have {limit_bytes:,} bytes", try_=advice)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", try_="arena import FILE") from error
    except PermissionError as error:
        raise StorageError(f"{path} could not be read", why="no permission") from error


def _documents(data: dict[Path, bytes]) -> list[Reported]:
    (first, content), *rest = data.items()
    digest = hashlib.sha256(b"".join(data.values())).hexdigest()
    size = sum(map(len, data.values()))
    text = _text(content, file=first)
    if not text.strip():
        raise BadFileError(f"{first} is empty", why="a report is one JSON document, or one a line")
    if rest:
        lines = _lines(_text(rest[0][1], file=rest[0][0]), file=str(rest[0][0]))
        return [_made(read_aiperf(parse(text, file=str(first)), lines), digest=digest, size=size)]
    whole = _whole(text, file=first)
    if isinstance(whole, Reported):
        return [whole]
    many = len(whole) > 1
    return [_made(told, digest=_one_of(digest, i) if many else digest, size=size) for i, told in enumerate(whole)]


def _one_of(digest: str, index: int) -> str:
    """The same file, the same place in it: the same id."""
    return hashlib.sha256(f"{digest}/{index}".encode()).hexdigest()


def _text(content: bytes, *, file: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFileError(
            f"{file} is no text", why=f"byte {error.start} is not UTF-8", try_=f"known: {KNOWN}"
        ) from error


def _whole(text: str, *, file: Path) -> Reported | list[Told]:
    """One document, a list of them, or lines of them."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _is_document(lines[0]) and _is_document(lines[1]):
        return _of_lines(_lines(text, file=str(file)))
    document = parse(text, file=str(file))
    if isinstance(document.value, dict) and document.value.get("kind") == "reported":
        return parse_report(text.encode(), name=str(file))
    places = list(document.items()) if isinstance(document.value, list) else [document]
    if not places:
        document.refuse("is an empty list")
    return _of_lines(places)


def _is_document(line: str) -> bool:
    return line.lstrip().startswith("{") and line.rstrip().endswith("}")


def _lines(text: str, *, file: str) -> list[Place]:
    return [parse(line, file=file, line=i) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _of_lines(places: Sequence[Place]) -> list[Told]:
    if is_aiperf_line(places[0]):
        return [read_aiperf(Place({}, places[0].file), places)]
    return [_reader(place)(place) for place in places]


def _reader(document: Place) -> Reader:
    for recognised, reader in _READERS:
        if recognised(document):
            return reader
    found = ", ".join(list(document.value)[:5]) if isinstance(document.value, dict) else type(document.value).__name__
    raise BadFileError(
        f"{document.file} is no report that this arena reads",
        why=f"known are {KNOWN}; it begins with {found!r}",
        try_="arena import FILE.arena.tar.gz for records of others",
    )


def _made(told: Told, *, digest: str, size: int) -> Reported:
    """With its id, its doubts, and each figure's meaning; figures that are missing are made from the requests."""
    points = tuple(point.model_copy(update={"figures": tuple(_meant(told, point))}) for point in told.points)
    report = Reported(
        id=f"{told.tool}-{digest[:12]}",
        tool=told.tool,
        tool_version=told.tool_version,
        tool_format=told.tool_format,
        source_sha256=digest,
        source_bytes=size,
        started_at=_when(told.started_unix_s),
        model=told.model,
        engine=told.engine,
        engine_version=told.engine_version,
        hardware=told.hardware,
        facts=told.facts,
        points=points,
        requests=told.requests,
        clock=told.clock,
        doubts=report_doubts(told),
    )
    return _checked(report)


def _meant(told: Told, point: ReportedPoint) -> Iterator[Figure]:
    for figure in point.figures or recomputed(told, point.index):
        yield figure if figure.differs is not None else explained(told.tool, figure)


def _checked(report: Reported) -> Reported:
    """What pydantic did not see while it was copied, such as a sum that became infinite."""
    try:
        return Reported.model_validate_json(report.model_dump_json())
    except ValidationError as error:
        raise BadFileError("the report cannot be kept", why=error.errors(include_input=False)[0]["msg"]) from error


def _when(unix_s: float | None) -> str | None:
    try:
        return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return None
