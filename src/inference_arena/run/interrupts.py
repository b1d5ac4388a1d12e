"""Ctrl-C, termination and a closed terminal. The first ends the run in good order; further ones only hurry it.

After the first, nothing raises any more: stopping the engine and saving the record are never cut in half.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final, Literal, Self

By = Literal["ctrl-c", "terminated", "terminal-closed", "killed"]

_SIGNALS: Final[dict[int, By]] = {
    signal.SIGINT: "ctrl-c",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "terminal-closed",
}


class Ended(KeyboardInterrupt):
    """Somebody ended the run."""

    def __init__(self, by: By) -> None:
        super().__init__(by)
        self.by = by


class Interrupts:
    """While open, owns the three signals of this process."""

    def __init__(self) -> None:
        self.by: By | None = None
        self._held = self._raised = False
        self._hurry: list[Callable[[], None]] = []
        self._before: dict[int, object] = {}
        self._terminals: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        self._terminals = _terminals()
        self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            # after an interrupt only the way out is left, and a further one must not cut it short with a traceback
            signal.signal(number, signal.SIG_IGN if self.by is not None else handler)  # type: ignore[arg-type]

    def hold(self) -> None:
        """From now on nothing raises outside of `heard`: what goes on is bounded and must not be cut in half."""
        self._held = True

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Inside, the first interrupt raises Ended, also one that came while they were held."""
        self._held = False
        try:
            if self.by is not None:
                self._raise_once(self.by)
            yield
        finally:
            self._held = True

    def when_hurried(self, action: Callable[[], None]) -> None:
        """What a second interrupt does; it must be quick and must not raise."""
        self._hurry.append(action)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        by = _SIGNALS[number]
        if by == "terminal-closed":
            _forget(self._terminals)
        first = self.by is None
        self.by = self.by or by
        if not self._held:
            self._raise_once(by)
        if not first:
            for action in self._hurry:
                action()

    def _raise_once(self, by: By) -> None:
        if not self._raised:
            self._raised = True
            raise Ended(by)


def _terminals() -> tuple[int, ...]:
    """Asked for beforehand: one that is gone no longer says that it was one."""
    return tuple(stream.fileno() for stream in (sys.stdout, sys.stderr) if stream is not None and stream.isatty())


def _forget(terminals: tuple[int, ...]) -> None:
    """Writing to a terminal that is gone fails; what is still printed goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for terminal in terminals:
        os.dup2(nowhere, terminal)
    os.close(nowhere)
