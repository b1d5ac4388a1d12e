"""An engine's log while it grows: the new lines only, in bounded memory, also of an engine that prints gigabytes."""

from pathlib import Path
from typing import Final

from inference_arena.run.process import TAIL_HEADER

MOST_BYTES: Final = 256 * 1024  # of one look; what is between is skipped
HEADER_BYTES: Final = 64


class Followed:
    """Remembers how much of the output it has seen. The newest lines are in FILE, later in FILE.tail."""

    def __init__(self, log_path: Path) -> None:
        self._path = log_path
        self._tail = log_path.with_name(log_path.name + ".tail")
        self._seen_bytes = 0
        self._rest = b""

    def lines(self) -> tuple[str, ...]:
        """Whole lines that came since the last look; empty lines are left out."""
        *whole, self._rest = (self._rest + self._new()).split(b"\n")
        if len(self._rest) > MOST_BYTES:  # a line that never ends
            whole, self._rest = [*whole, self._rest], b""
        texts = (line.decode(errors="replace").rstrip("\r") for line in whole)
        return tuple(text for text in texts if text.strip())

    def _new(self) -> bytes:
        start, skip = self._newest_part()
        path = self._tail if skip else self._path
        try:
            with path.open("rb") as file:
                end = start + file.seek(0, 2) - skip
                begin = max(self._seen_bytes, start, end - MOST_BYTES)
                if begin > self._seen_bytes:
                    self._rest = b""  # the line's other half was skipped
                file.seek(skip + begin - start)
                data = file.read(MOST_BYTES)
        except OSError:  # not there yet, or just being replaced
            return b""
        self._seen_bytes = begin + len(data)
        return data

    def _newest_part(self) -> tuple[int, int]:
        """The byte of the output that the newest part begins at, and the length of its header; none for the first."""
        try:
            with self._tail.open("rb") as file:
                header = file.readline(HEADER_BYTES)
        except OSError:
            return 0, 0
        found = TAIL_HEADER.fullmatch(header.rstrip(b"\n"))
        return (int(found[1]), len(header)) if found else (0, 0)
