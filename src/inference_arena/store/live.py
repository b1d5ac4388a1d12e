"""A run that is going on, read by somebody else from its journal. Takes nothing, waits for nothing, breaks nothing."""

import fcntl
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from inference_arena.record import SAMPLE, Sample
from inference_arena.store.home import Home
from inference_arena.store.journal import EVENTS_FILE, LOCK_FILE, SAMPLES_LINES

# Somebody who comes later sees the last minutes, not the whole of a long run
_FIRST_BYTES = 512 * 1024
_MOST_BYTES = 4 * 1024**2
Parsed = TypeVar("Parsed")


def running(home: Home) -> list[Path]:
    """Journals whose run lives, the oldest first."""
    try:
        paths = sorted(path for path in home.journals.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in paths if is_alive(path)]


def is_alive(path: Path) -> bool:
    """Whether the run holds its lock. Makes no file: the run may be removing the folder just now."""
    try:
        handle = os.open(path / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class Follower:
    """What a journal gained since the last look. A line that is no sample or no event is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at: dict[str, int] = {}

    def samples(self) -> list[Sample]:
        return self._new(SAMPLES_LINES, SAMPLE.validate_json)

    def events(self) -> list[dict[str, Any]]:
        return [event for event in self._new(EVENTS_FILE, json.loads) if isinstance(event, dict)]

    def _new(self, name: str, parse: Callable[[bytes], Parsed]) -> list[Parsed]:
        found = []
        for line in self._lines(name):
            with suppress(ValidationError, ValueError):
                found.append(parse(line))
        return found

    def _lines(self, name: str) -> list[bytes]:
        """Whole lines only: what is being written now comes next time."""
        try:
            with (self.path / name).open("rb") as file:
                first = name not in self._at
                if first:
                    self._at[name] = max(0, os.fstat(file.fileno()).st_size - _FIRST_BYTES)
                file.seek(self._at[name])
                data = file.read(_MOST_BYTES)
        except OSError:
            return []
        whole = data.rpartition(b"\n")[0]
        self._at[name] += len(whole) + 1 if whole else 0
        # the first look may begin amid a line; such a one does not parse
        return whole.split(b"\n") if whole else []
