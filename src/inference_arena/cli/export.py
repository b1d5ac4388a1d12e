"""`arena export`: one record for other people and other tools."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.errors import ArenaError, UsageError
from inference_arena.exchange import (
    csv_table,
    export_archive,
    json_document,
    markdown_table,
    report_csv,
    report_markdown,
)
from inference_arena.record import Record, Reported
from inference_arena.store import (
    LOG_FILE,
    find_record,
    find_report,
    load_record,
    load_report,
    open_home,
    report_json,
    whole_file,
)


class Format(StrEnum):
    ARCHIVE = "archive"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    SVG = "svg"
    PNG = "png"


_TEXTS = {Format.CSV: csv_table, Format.JSON: json_document, Format.MARKDOWN: markdown_table}
_PICTURES = (Format.SVG, Format.PNG)
_REPORT_TEXTS = {
    Format.CSV: report_csv,
    Format.JSON: lambda report: report_json(report).decode(),
    Format.MARKDOWN: report_markdown,
}


def command(
    *,
    reference: Annotated[str, typer.Argument(metavar="RECORD", help="An id, its beginning or end, last, or a path.")],
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.ARCHIVE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; texts go to standard output without it.")
    ] = None,
    with_log: Annotated[bool, typer.Option("--log/--no-log", help="Put the engine's log into the archive.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write one record as an archive (all of it), CSV (a row a load point), JSON, Markdown or a picture of its curve.

    A report that was imported is written as JSON (all of it, to be imported elsewhere), CSV or Markdown.

    For example: `arena export last`, or `arena export last --format csv --output run.csv`.
    """
    home = open_home()
    report_id = find_report(home, reference)
    if report_id is not None:
        _export_report(load_report(home, report_id), form=form, output=output, force=force)
        return
    path = find_record(home, reference)
    record = load_record(path)
    if form in _PICTURES:
        _write_picture(record, form=form, output=output, force=force)
        return
    if form is not Format.ARCHIVE:
        _write_text(_TEXTS[form](record), output=output, force=force)
        return
    archive = output or Path(f"{record.id}.arena.tar.gz")
    export_archive(path, _file_to_write(archive, force=force), with_log=with_log)
    print(archive)
    if with_log and (path / LOG_FILE).exists():
        print(
            "the engine's log is inside and may name folders of this machine; --no-log leaves it out", file=sys.stderr
        )


def _export_report(report: Reported, *, form: Format, output: Path | None, force: bool) -> None:
    """JSON unless another text was asked for: it is all that there is of a report."""
    if form in _PICTURES:
        raise UsageError(f"{report.id} has no load curve of ours", try_=f"arena export {report.id} --format csv")
    chosen = Format.JSON if form is Format.ARCHIVE else form
    _write_text(_REPORT_TEXTS[chosen](report), output=output, force=force)


def _write_picture(record: Record, *, form: Format, output: Path | None, force: bool) -> None:
    from inference_arena.report import load_curve_png, load_curve_svg  # noqa: PLC0415 - start-up stays quick

    path = _file_to_write(output or Path(f"{record.id}.{form.value}"), force=force)
    data = load_curve_png(record) if form is Format.PNG else load_curve_svg(record).encode()
    with whole_file(path) as file:
        file.write(data)
    print(output or path)


def _write_text(text: str, *, output: Path | None, force: bool) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    with whole_file(_file_to_write(output, force=force)) as file:
        file.write(text.encode())
    print(output)


def _file_to_write(path: Path, *, force: bool) -> Path:
    """The regular file behind the name, new or to be replaced: a link stays one, and what it points to is written."""
    if str(path) == "-":
        raise UsageError("--output - names no file", try_="leave --output out: texts go to standard output then")
    if not os.path.lexists(path):
        return path
    if not path.is_file():
        raise ArenaError(
            f"{path} {_what_stands_there(path)}",
            why="an export is written to a regular file, and replaces nothing else",
            try_="--output with the name of a file",
        )
    if not force:
        raise ArenaError(f"{path} exists already", try_="--force to replace it, or another --output")
    return path.resolve()


def _what_stands_there(path: Path) -> str:
    """--force replaces a file's content; anything else that has a name is not ours to remove."""
    if path.is_dir():
        return "is a folder"
    return "is a link to nothing" if not path.exists() else "is no regular file"
