"""Waiting until a moment, more finely than the event loop can.

uvloop and epoll round to whole milliseconds; an arrival of an open load must not. Linux's timerfd wakes the loop
within tens of microseconds. Elsewhere the loop's own timers serve, and the schedule lag in the record shows it.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
from functools import cache
from time import monotonic

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_NANOSECONDS = 1_000_000_000


class _TimerSpec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Timer:
    """One waiter at a time; close it when done."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._fd = _open_timerfd()
        if self._fd is not None:
            self._loop.add_reader(self._fd, self._fired)

    async def until(self, deadline: float) -> None:
        """Return at the monotonic time `deadline`, or at once when it has passed."""
        wait_s = deadline - monotonic()
        if wait_s <= 0:
            return
        if self._fd is None:
            await asyncio.sleep(wait_s)
            return
        self._waiter = self._loop.create_future()
        _arm(self._fd, deadline)
        await self._waiter

    def close(self) -> None:
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _fired(self) -> None:
        assert self._fd is not None
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 8)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _open_timerfd() -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    fd = _libc().timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    return None if fd < 0 else int(fd)


def _arm(fd: int, deadline: float) -> None:
    whole, rest = divmod(int(deadline * _NANOSECONDS), _NANOSECONDS)
    spec = _TimerSpec(0, 0, whole, rest)
    _libc().timerfd_settime(fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None)
