"""Processor time of a process and all that it started, watched from outside while it runs."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

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
    over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        for process in self._tree():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            self.used_s[process.pid] = times.user + times.system
        self.samples.append((time.monotonic(), sum(self.used_s.values())))

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
