"""Who holds a card's memory at this moment, for a person who waits for it. Never kept: records name no processes."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import psutil

from inference_arena.hardware.nvidia import open_nvml

Answer = TypeVar("Answer")
OURS = "inference_arena"


class Holder(NamedTuple):
    """One program on one card. What cannot be seen from here is None.

    `since`: the time of day at which it started. `by_arena`: another arena started it.
    """

    device: int
    pid: int
    memory_bytes: int | None
    name: str | None = None
    since: str | None = None
    by_arena: bool = False


def holders(
    *, named: bool = True, nvml: Callable[[], Any] = open_nvml, own_pid: int | None = None
) -> tuple[Holder, ...]:
    """The programs on NVIDIA's cards beside our own, the largest first.

    `named` False: in a container the driver tells the numbers that processes have outside of it, which are others here.
    """
    library = _ask(nvml)
    if library is None:
        return ()
    own = os.getpid() if own_pid is None else own_pid
    try:
        count = _ask(lambda: int(library.nvmlDeviceGetCount())) or 0
        found = [one for index in range(count) for one in _on(library, index) if one.pid != own]
    finally:
        _ask(library.nvmlShutdown)
    shown = [_named(one) if named else one for one in found]
    return tuple(sorted(shown, key=lambda one: -(one.memory_bytes or 0)))


def _on(library: Any, index: int) -> Iterator[Holder]:
    """A program that computes and draws is one."""
    handle = _ask(lambda: library.nvmlDeviceGetHandleByIndex(index))
    computing: Any = _ask(lambda: list(library.nvmlDeviceGetComputeRunningProcesses(handle))) or []
    drawing: Any = _ask(lambda: list(library.nvmlDeviceGetGraphicsRunningProcesses(handle))) or []
    held: dict[int, int | None] = {}
    for process in (*computing, *drawing):
        sizes = [size for size in (held.get(process.pid), process.usedGpuMemory) if size is not None]
        held[process.pid] = max(map(int, sizes), default=None)
    for pid, size in held.items():
        yield Holder(device=index, pid=pid, memory_bytes=size)


def _named(holder: Holder) -> Holder:
    process = _ask(lambda: psutil.Process(holder.pid))
    if process is None:
        return holder
    began = _ask(process.create_time)
    since = None if began is None else time.strftime("%H:%M", time.localtime(began))
    above = _ask(process.parents) or []
    lines = [_ask(one.cmdline) or [] for one in (process, *above)]
    by_arena = any(OURS in word for line in lines for word in line)
    return holder._replace(name=_ask(process.name), since=since, by_arena=by_arena)


def _ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers and systems fail in many ways, and each means: unknown
        return None
