"""The machine's processor and memory, and what the engine's processes take of them, through psutil.

A share is a difference of counters that the kernel tells in whole ticks of its clock. Over an interval that is not
long against the ticks it may be wrong by, it is no number: then there is none, and the interval goes on.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

from inference_arena.record import HostSample

Answer = TypeVar("Answer")

# A share may be wrong by a tick for each counter in it; the interval is at least so many times that
_TICKS_PER_COUNTER = 10
_TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 1 / 64

# What reading a process that ends just now may raise
_GONE = (psutil.Error, OSError)


EnginePid = Callable[[], int | None]


class EngineTree:
    """The engine's processes. Which engine that is may change: there is none yet, or a second program is tried."""

    def __init__(self, pid: EnginePid) -> None:
        self._pid = pid
        self._last: int | None = None
        self._engine: psutil.Process | None = None

    def processes(self) -> list[psutil.Process]:
        """Empty where there is no engine of ours now."""
        pid = self._pid()
        if pid != self._last:
            self._last, self._engine = pid, None if pid is None else _ask(partial(psutil.Process, pid))
        return process_tree(self._engine)


class Machine:
    """Reads one sample at a time. It remembers the last reading, because shares are differences of counters."""

    def __init__(self, *, engine_pid: EnginePid, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._engine = EngineTree(engine_pid)
        self._last_busy: tuple[float, float] | None = None
        self._last_engine: tuple[float, float] | None = None

    def read(self) -> Sequence[HostSample]:
        """One sample. Shares are since the last sample that told one, so the first has none."""
        processes = self._engine.processes()
        ram, swap = _ask(psutil.virtual_memory), _ask(psutil.swap_memory)
        sample = HostSample(
            t_s=self._now_s(),
            cpu_share=self._cpu_share(),
            ram_available_bytes=None if ram is None else ram.available,
            ram_total_bytes=None if ram is None else ram.total,
            swap_used_bytes=None if swap is None else swap.used,
            swap_total_bytes=None if swap is None else swap.total,
            engine_cpu_share=self._engine_cpu_share(processes),
            engine_rss_bytes=_rss_bytes(processes),
        )
        return (sample,)

    def _cpu_share(self) -> float | None:
        before, now = self._last_busy, _ask(_busy_s)
        if before is not None and now is not None and now[1] - before[1] < _shortest_s(psutil.cpu_count() or 1):
            return None
        self._last_busy = now
        if before is None or now is None:
            return None
        return min(1.0, max(0.0, (now[0] - before[0]) / (now[1] - before[1])))

    def _engine_cpu_share(self, processes: Sequence[psutil.Process]) -> float | None:
        """Processor time of the tree per second since the last share; None where it cannot be told."""
        used_s = _engine_cpu_s(processes)
        if used_s is None:
            self._last_engine = None
            return None
        before, now = self._last_engine, (self._now_s(), used_s)
        if before is not None and now[0] - before[0] < _shortest_s(len(processes)):
            return None
        self._last_engine = now
        if before is None or now[1] < before[1]:
            # A process that left without its parent's waiting took its time with it: then the difference is no share
            return None
        return (now[1] - before[1]) / (now[0] - before[0])


def engine_cpu_share_of(engine_pid: Callable[[], int | None]) -> Callable[[], float | None]:
    """Asked again and again: how many cores the engine's processes kept busy since it was asked before."""
    machine = Machine(engine_pid=engine_pid, now_s=time.monotonic)

    def share() -> float | None:
        (sample,) = machine.read()
        return sample.engine_cpu_share

    share()
    return share


def _shortest_s(counters: int) -> float:
    return counters * _TICKS_PER_COUNTER * _TICK_S


def process_tree(engine: psutil.Process | None) -> list[psutil.Process]:
    """The process and its descendants; empty where it has ended, also when its number has gone to another."""
    if engine is None or not _ask(engine.is_running) or _ask(engine.status) == psutil.STATUS_ZOMBIE:
        return []
    found, waiting = [engine], _child_pids(engine)
    while waiting:
        with suppress(*_GONE):
            process = psutil.Process(waiting.pop())
            found.append(process)
            waiting += _child_pids(process)
    return found


def _child_pids(process: psutil.Process) -> list[int]:
    """From the kernel's own lists where it keeps them: psutil reads every process of the machine for that."""
    lists = list(Path(f"/proc/{process.pid}/task").glob("*/children"))
    if not lists:
        return [child.pid for child in _ask(process.children) or []]
    texts = (_ask(one.read_text) for one in lists)
    return [int(word) for text in texts for word in (text or "").split()]


def _engine_cpu_s(processes: Sequence[psutil.Process]) -> float | None:
    """Of all of them, or of none: one that ends while being read is in no sum now and in its parent's later."""
    used_s = [_ask(partial(_cpu_s, process)) for process in processes]
    read_s = [seconds for seconds in used_s if seconds is not None]
    return sum(read_s) if processes and len(read_s) == len(processes) else None


def _cpu_s(process: psutil.Process) -> float:
    """Own time and that of children already waited for: what an ended child used stays in the sum of its tree."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _rss_bytes(processes: Sequence[psutil.Process]) -> int | None:
    """Resident memory of all processes; pages that several share count in each. None where nothing was read."""
    read = [rss for process in processes if (rss := _ask(partial(_rss, process))) is not None]
    return sum(read) if read else None


def _rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _busy_s() -> tuple[float, float]:
    """Seconds that all cores together worked, and that they had, since the machine started."""
    times = psutil.cpu_times()._asdict()
    # The kernel counts guests' time within user and nice already
    all_s = sum(seconds for name, seconds in times.items() if not name.startswith("guest"))
    return all_s - times["idle"] - times.get("iowait", 0.0), all_s


def _ask(call: Callable[[], Answer]) -> Answer | None:
    with suppress(*_GONE):
        return call()
    return None
