"""Before any verb: runs whose arena was killed are saved as records, and the death of a kept server is told once."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from inference_arena.cli.output import complain
from inference_arena.errors import ArenaError

if TYPE_CHECKING:
    from inference_arena.store import Home


# they tell it themselves
TELL_OF_SERVERS: Final = frozenset({"ps", "logs", "down"})


def tell_deaths(verb: str | None) -> None:
    """A server in the background has nobody to tell; the next command does."""
    from inference_arena.store import open_home, servings, write_serving  # noqa: PLC0415

    with suppress(ArenaError):  # the verb complains
        home = open_home()
        for one in servings(home) if verb not in TELL_OF_SERVERS else ():
            if one.ending is not None and one.ending.kind == "died" and not one.told:
                complain(f"{one.name}, which was kept running, died: {one.ending.what}; see: arena ps")
                write_serving(home, one.model_copy(update={"told": True}))


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
