"""`arena show`: a record's report again."""

from typing import Annotated

import typer

from inference_arena.cli.run import show
from inference_arena.store import find_record, load_record, open_home


def command(
    record: Annotated[
        str, typer.Argument(help="An id, its beginning or end, `last`, `last-failed`, or a folder.")
    ] = "last",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as one JSON document.")] = False,
) -> None:
    """Show a record as `arena run` showed it.

    For example: `arena show`, or `arena show 20261123-1201 --json`.
    """
    path = find_record(open_home(), record)
    show(load_record(path), path, as_json=as_json)
