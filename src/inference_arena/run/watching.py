"""Whose heartbeat it is: of the run that is going on, from its journal; else the machine, by samples of our own.

A run is never sampled twice: two readers of one driver would slow it down and see each other.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from inference_arena.errors import ArenaError
from inference_arena.record import Sample
from inference_arena.store import Follower, Home, is_alive, read_intent, running
from inference_arena.telemetry import Sampler, open_nvml

HOST_EVERY_S: Final = 1.0
LOOK_FOR_RUNS_S: Final = 1.0
MOST_KEPT: Final = 100_000  # nobody looks: what is older is of no use to a view


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run that is going on: its id and what its journal says it means to do."""

    id: str
    intent: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came since the last look. Times are seconds since `zero_unix_s`; `run` is None for the idle machine."""

    run: Running | None
    zero_unix_s: float
    samples: Sequence[Sample] = ()
    events: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()


class Watching:
    """A context manager; `look` again and again, `wait` between."""

    def __init__(self, *, home: Home, every_s: float, nvml: Callable[[], Any] = open_nvml) -> None:
        self._home = home
        self._every_s = every_s
        self._nvml = nvml
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._kept: list[Sample] = []
        self._notes: list[str] = []
        self._sampler: Sampler | None = None
        self._zero_s, self._zero_unix_s = monotonic(), time.time()
        self._follower: Follower | None = None
        self._running: Running | None = None
        self._looked_s: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._rest()

    def look(self) -> Seen:
        """Raises what ended our own sampling, if anything did."""
        self._find_run()
        if self._follower is None or self._running is None:
            return self._own()
        self._rest()
        return Seen(
            run=self._running,
            zero_unix_s=float(self._running.intent["clock_zero_unix_s"]),
            samples=self._follower.samples(),
            events=self._follower.events(),
        )

    def wait(self, seconds: float) -> None:
        """Until something came, or so long."""
        self._news.wait(seconds)
        self._news.clear()

    def _find_run(self) -> None:
        if self._follower is not None and is_alive(self._follower.path):
            return
        self._follower = self._running = None
        if self._looked_s is not None and monotonic() - self._looked_s < LOOK_FOR_RUNS_S:
            return
        self._looked_s = monotonic()
        for path in reversed(running(self._home)):
            try:
                intent = read_intent(path)
                float(intent["clock_zero_unix_s"])
            except (ArenaError, KeyError, TypeError, ValueError):
                continue  # it ends just now, or is of another release
            self._running, self._follower = Running(id=path.name, intent=intent), Follower(path)
            return

    def _own(self) -> Seen:
        if self._sampler is None:
            self._sampler = Sampler(
                sink=self._keep,
                now_s=lambda: round(monotonic() - self._zero_s, 6),
                host_interval_s=max(HOST_EVERY_S, self._every_s),
                device_interval_s=self._every_s,
                link_interval_s=max(HOST_EVERY_S, self._every_s),
                nvml=self._nvml,
                note=self._notes.append,
            )
            self._sampler.start()
        if self._sampler.error is not None:
            raise self._sampler.error
        with self._lock:
            samples, self._kept = self._kept, []
            notes, self._notes[:] = list(self._notes), []
        return Seen(run=None, zero_unix_s=self._zero_unix_s, samples=samples, notes=notes)

    def _rest(self) -> None:
        if self._sampler is not None:
            self._sampler.stop()
        self._sampler, self._kept = None, []

    def _keep(self, samples: Sequence[Sample]) -> None:
        with self._lock:
            self._kept += samples
            del self._kept[:-MOST_KEPT]
        self._news.set()
