"""What a killed arena left behind becomes a record; the next command sees to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from inference_arena.errors import ArenaError, StorageError
from inference_arena.run.assemble import save
from inference_arena.run.container import remove_left
from inference_arena.store import Home, claim, discard, orphans


class Salvaged(NamedTuple):
    """One journal that was taken care of. `record_id` is None when it held nothing to keep, and `why` says so.

    `container`: what became of a container that it left; empty where it left none.
    """

    journal: Path
    record_id: str | None
    why: str
    container: str = ""


def salvage(home: Home) -> Iterator[Salvaged]:
    """Turn every orphaned journal into a record. One that cannot be read is set aside, never deleted."""
    for path in orphans(home):
        with claim(path) as mine:
            if mine:
                container = remove_left(path)
                yield _salvage(home, path)._replace(container=container)


def _salvage(home: Home, path: Path) -> Salvaged:
    if (home.records / path.name).exists():  # the arena was killed between saving and clearing up
        discard(path)
        return Salvaged(path, path.name, "it had been saved")
    try:
        record, _ = save(home, path, salvaged=True)
    except StorageError as error:  # there may be room for it the next time
        return Salvaged(path, None, f"{error.what}: {error.why}")
    except (ArenaError, ValueError, LookupError, TypeError) as error:
        aside = path.with_name(f".unreadable-{path.name}")
        path.rename(aside)
        return Salvaged(aside, None, str(error).splitlines()[0])
    discard(path)
    return Salvaged(path, record.id, record.outcome.kind)
