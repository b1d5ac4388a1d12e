"""One at a time through the event loop's turns.

When a hundred answers end in the same millisecond, a hundred next requests want to be sent and a hundred ended ones
written down. Done in one go, that would hold up the clock readings of every other answer for milliseconds. Here each
turn of the loop, which begins with reading sockets, does one thing: answers' ends first, writing down after.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Turnstile:
    """Wakes waiters and runs chores, one a turn."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._chores: deque[Callable[[], None]] = deque()
        self._turning = False

    def wake(self, waiter: asyncio.Future[None]) -> None:
        self._waiters.append(waiter)
        self._turn()

    def later(self, chore: Callable[[], None]) -> None:
        self._chores.append(chore)
        self._turn()

    def finish_chores(self) -> None:
        while self._chores:
            self._chores.popleft()()

    def _turn(self) -> None:
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        self._turning = False
        if self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
        elif self._chores:
            self._chores.popleft()()
        if self._waiters or self._chores:
            self._turn()
