"""A log that never takes more than its limit, whatever is written. Imports nothing of ours: the supervisor uses it."""

# ruff: noqa: PTH105, PTH108 - importing pathlib would double the supervisor's start-up time
import os
from contextlib import suppress


class BoundedLog:
    """The first half of the limit stays in FILE; the newest of the rest is in FILE.tail.1 and then FILE.tail.

    A tail begins with a line that says from which byte of the output it goes on. A full disk loses output, never the
    engine: a marker follows in the same file when there is room again.
    """

    def __init__(self, path: str, *, limit_bytes: int) -> None:
        self._tail, self._older_tail = path + ".tail", path + ".tail.1"
        self._tail_bytes = limit_bytes // 4
        self._room_bytes = limit_bytes // 2
        self._seen_bytes = self._lost_bytes = 0
        self._tail_started = False
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for leftover in (self._tail, self._older_tail):
            with suppress(FileNotFoundError):
                os.unlink(leftover)

    def write(self, chunk: bytes) -> None:
        while chunk:
            if not self._ready():
                self._drop(len(chunk))
                return
            piece = chunk[: self._room_bytes]
            written_bytes = self._append(piece)
            self._seen_bytes += written_bytes
            chunk = chunk[written_bytes:]
            if written_bytes < len(piece):
                self._drop(len(chunk))
                return

    def _ready(self) -> bool:
        if not self._room_bytes:
            return self._turn()
        return not self._lost_bytes or self._mark()

    def _mark(self) -> bool:
        marker = b"\n[arena: %d bytes dropped, could not be written]\n" % self._lost_bytes
        if len(marker) >= self._room_bytes:
            return self._turn()
        if self._append(marker) < len(marker):
            return False
        self._lost_bytes = 0
        return True

    def _drop(self, count: int) -> None:
        self._seen_bytes += count
        self._lost_bytes += count

    def _append(self, data: bytes) -> int:
        written_bytes = 0
        with suppress(OSError):
            while written_bytes < len(data):
                written_bytes += os.write(self._fd, data[written_bytes:])
        self._room_bytes -= written_bytes
        return written_bytes

    def _turn(self) -> bool:
        """Begins a new tail; False when the disk does not let us, and then the old ones stay as they are."""
        try:
            if self._tail_started:
                os.replace(self._tail, self._older_tail)
                self._tail_started = False
            fresh = os.open(self._tail, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError:
            return False
        os.close(self._fd)
        self._fd, self._room_bytes = fresh, self._tail_bytes
        header = b"[arena: output from byte %d on]\n" % self._seen_bytes
        self._tail_started = self._append(header) == len(header)
        if not self._tail_started:
            self._room_bytes = 0
            return False
        self._lost_bytes = 0  # the header tells it
        return True
