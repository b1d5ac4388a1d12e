"""Whether a process noted earlier still is that process, and how it is told to end. Knows nothing of engines."""

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from inference_arena.store import Process

LOOK_S: Final = 0.05
_PROC: Final = Path("/proc/self/stat")


def identify_process(pid: int) -> Process:
    return Process(pid=pid, started=_started(pid))


def is_alive(process: Process | None) -> bool:
    """It runs, and is no later process with the same number. One that has ended and was not collected is not alive."""
    if process is None:
        return False
    started = _started(process.pid)
    return started is not None and started == process.started


def wait_for_end(process: Process, *, timeout_s: float) -> bool:
    """Whether it ended within so long; the kernel tells where it can, else it is looked at now and then."""
    deadline_s = time.monotonic() + timeout_s
    handle = _handle(process.pid)
    try:
        while is_alive(process) and (left_s := deadline_s - time.monotonic()) > 0:
            if handle is None:
                time.sleep(min(LOOK_S, left_s))
            else:
                select.select([handle], [], [], left_s)
        return not is_alive(process)
    finally:
        if handle is not None:
            os.close(handle)


def tell(process: Process, number: signal.Signals) -> None:
    """The signal, if it still is that process; where the kernel has handles, never to a later one."""
    handle = _handle(process.pid)
    try:
        if not is_alive(process):
            return
        with suppress(ProcessLookupError):
            if handle is None or not hasattr(signal, "pidfd_send_signal"):
                os.kill(process.pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
    finally:
        if handle is not None:
            os.close(handle)


def _handle(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    with suppress(OSError):  # no such process, or a kernel without handles
        return os.pidfd_open(pid)
    return None


def _started(pid: int) -> float | None:
    """When it began: on Linux in ticks since the machine did, which no setting of the clock moves. None: it is gone."""
    if not _PROC.exists():
        with suppress(psutil.Error):
            found = psutil.Process(pid)
            return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else float(fields[19])
