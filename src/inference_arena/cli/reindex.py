"""`arena reindex`: makes the index anew from the record files."""

import sys

from inference_arena.errors import BadFileError
from inference_arena.store import open_home


def command() -> None:
    """Make the index of records anew from their files, and say which files cannot be read.

    The index makes itself when it is missing or damaged; this is for looking at every record again.

    For example: `arena reindex`.
    """
    from inference_arena.store import reindex  # noqa: PLC0415 - brings SQLAlchemy

    done = reindex(open_home())
    print(f"{done.ok} {'record' if done.ok == 1 else 'records'} indexed")
    for path, reason in done.bad:
        print(f"not indexed: {path}: {reason}", file=sys.stderr)
    if done.bad:
        what = "1 record" if len(done.bad) == 1 else f"{len(done.bad)} records"
        raise BadFileError(
            f"{what} could not be read", why="they are named above", try_="arena rm ID, or import them again"
        )
