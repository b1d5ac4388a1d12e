"""`arena import`: records of others, checked before anything is kept."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.exchange import import_record
from inference_arena.store import open_home


def command(
    *,
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Archives, or directories of records.")],
) -> None:
    """Add records from archives that `arena export` wrote, or from directories.

    Hashes and formats are checked; a record that is here already is left as it is.

    For example: `arena import 20261123-120102-a1b2c3.arena.tar.gz`.
    """
    home = open_home()
    for source in sources:
        imported = import_record(home, source)
        print(imported.record_id)
        if not imported.is_new:
            print(f"{imported.record_id} was here already; nothing changed", file=sys.stderr)
