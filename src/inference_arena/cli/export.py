"""`arena export`: one record for other people and other tools."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.errors import ArenaError, UsageError
from inference_arena.exchange import csv_table, export_archive, json_document, markdown_table
from inference_arena.store import LOG_FILE, find_record, load_record, open_home, whole_file


class Format(StrEnum):
    ARCHIVE = "archive"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"


_TEXTS = {Format.CSV: csv_table, Format.JSON: json_document, Format.MARKDOWN: markdown_table}


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
    """Write one record as an archive (all of it), CSV (a row a load point), JSON or Markdown.

    For example: `arena export last`, or `arena export last --format csv --output run.csv`.
    """
    path = find_record(open_home(), reference)
    record = load_record(path)
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
