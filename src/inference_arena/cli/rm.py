"""`arena rm`: removes records of this home, and reports that were imported."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.errors import ArenaError, UsageError
from inference_arena.store import (
    Home,
    find_record,
    find_report,
    open_home,
    remove_record,
    remove_report,
    report_ids,
)


def command(
    *,
    references: Annotated[
        list[str], typer.Argument(metavar="RECORD...", help="Ids, their beginnings or ends, last, or last-failed.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove records or reports for good; asks first.

    For example: `arena rm a1b2c3`, or `arena rm last-failed --yes`.
    """
    home = open_home()
    ids = list(dict.fromkeys(find_report(home, name) or _own_id(home, name) for name in references))
    if not yes:
        _ask(ids)
    for name in ids:
        remove = remove_report if name in report_ids(home) else remove_record
        remove(home, name)
        print(name)


def _own_id(home: Home, reference: str) -> str:
    """A path may name a record anywhere; only those of this home are removed."""
    path = find_record(home, reference)
    if not _same(path.absolute().parent, home.records):
        raise UsageError(
            f"{path} is not in {home.records}", why="arena removes its own records only", try_=f"rm -r {path}"
        )
    return path.name


def _same(left: Path, right: Path) -> bool:
    return left.resolve() == right.resolve()


def _ask(ids: list[str]) -> None:
    """Anything but yes ends the command; so does the end of the input, when nobody is there to answer."""
    for record_id in ids:
        print(f"  {record_id}", file=sys.stderr)
    what = "this record" if len(ids) == 1 else f"these {len(ids)} records"
    # not typer.confirm: it writes to standard output, where the removed ids go
    print(f"remove {what} for good? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ArenaError("nothing was removed", why="the answer was not yes", try_="arena rm --yes ...")
