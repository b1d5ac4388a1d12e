"""Before any verb: runs whose arena was killed are saved as records."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from inference_arena.errors import ArenaError

if TYPE_CHECKING:
    from inference_arena.store import Home


def save_leftovers() -> None:
    """Says what it saved. A place that cannot be read or written is left for the verb itself to complain about."""
    from inference_arena.store import open_home  # noqa: PLC0415  # `arena --help` should not wait for it

    with suppress(ArenaError):  # the verb complains
        _save(open_home())


def _save(home: "Home") -> None:
    try:
        if not home.journals.is_dir() or not any(home.journals.iterdir()):
            return
        from inference_arena.run import salvage  # noqa: PLC0415

        for saved in salvage(home):
            if saved.container:
                print(f"a killed run left a container: {saved.container}", file=sys.stderr)
            if saved.record_id is None:
                print(f"a killed run could not be saved: {saved.why}; it is kept in {saved.journal}", file=sys.stderr)
            else:
                print(f"a killed run was saved as {saved.record_id} ({saved.why})", file=sys.stderr)
    except (ArenaError, OSError) as error:
        print(f"what a killed run left could not be saved: {error}", file=sys.stderr)
