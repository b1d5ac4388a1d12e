"""Processor time of a process and all that it started, watched from outside while it runs.

Also what kept it from running: other programs on its core, and the host, which may take cores from a virtual machine.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from kit.work import Usage

EVERY_S = 0.2


@dataclass
class Watch:
    """The last reading of each process is kept, so that one that ends is not forgotten."""

    root: psutil.Process
    cpus: Sequence[int] | None = None
    used_s: dict[int, float] = field(default_factory=dict)
    samples: list[tuple[float, float]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    steals: list[tuple[float, float]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        for process in self._tree():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            self.used_s[process.pid] = times.user + times.system
        now_s = time.monotonic()
        self.samples.append((now_s, sum(self.used_s.values())))
        note(self.waits, now_s, waited_s(self.root.pid))
        note(self.steals, now_s, getattr(psutil.cpu_times(), "steal", None))

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self.root, *self.root.children(recursive=True)]
        except psutil.Error:
            return []

    def run(self) -> None:
        if self.cpus is not None:
            os.sched_setaffinity(0, self.cpus)  # of this thread alone: what watches must not get in the way
        while not self.over.wait(EVERY_S):
            self.read()

    @property
    def usage(self) -> Usage:
        return Usage(samples=tuple(self.samples))

    @property
    def waited(self) -> Usage:
        """Seconds that the root's main thread was ready to run and another program had its core."""
        return Usage(samples=tuple(self.waits))

    @property
    def stolen(self) -> Usage:
        """Seconds, over all cores, that the host ran something else instead of this virtual machine."""
        return Usage(samples=tuple(self.steals))


def note(samples: list[tuple[float, float]], now_s: float, seconds: float | None) -> None:
    if seconds is not None:
        samples.append((now_s, seconds))


def waited_s(pid: int) -> float | None:
    """None where the kernel does not count it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


@contextmanager
def watched(pid: int, *, cpus: Sequence[int] | None = None) -> Iterator[Watch]:
    watch = Watch(psutil.Process(pid), cpus)
    watch.read()
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.over.set()
        thread.join()
        watch.read()
