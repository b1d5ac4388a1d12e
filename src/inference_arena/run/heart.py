"""The heartbeat of a run: samples of machine and devices from launch to self-test, of the engine's counters under load.

They go to the journal and to whoever shows them. A disk that fills, or a card that is lost, ends samples, not the run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Protocol, Self

from inference_arena.engines import READERS
from inference_arena.errors import StorageError
from inference_arena.record import Sample
from inference_arena.run.server import Server
from inference_arena.store import Journal
from inference_arena.telemetry import Counters, Sampler, open_nvml, read_counters

LINK_EVERY_S: Final = 1.0


class Show(Protocol):
    """Whoever shows samples while they come."""

    def __call__(self, samples: Sequence[Sample]) -> None: ...


class Heart:
    """A context manager. `engine_pid` is set once there is an engine, and again when another program is tried.

    Without an interval for devices there are none: those of this machine say nothing of a server elsewhere.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        now_s: Callable[[], float],
        show: Show,
        device_interval_s: float | None,
        nvml: Callable[[], Any] = open_nvml,
    ) -> None:
        self.engine_pid: int | None = None
        self._journal = journal
        self._now_s = now_s
        self._show = show
        self._sampler = Sampler(
            sink=self._keep,
            now_s=now_s,
            engine_pid=lambda: self.engine_pid,
            device_interval_s=device_interval_s,
            link_interval_s=None if device_interval_s is None else LINK_EVERY_S,
            nvml=nvml,
            note=partial(journal_note, journal),
        )

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop(self._sampler, what="the machine")

    @contextmanager
    def counting(self, server: Server, engine_name: str) -> Iterator[None]:
        """Inside, the engine's own counters are read too, where it tells any."""
        counters = counters_of(server, engine_name, now_s=self._now_s)
        sampler = Sampler(
            sink=self._keep,
            now_s=self._now_s,
            counters=counters,
            host_interval_s=None,
            device_interval_s=None,
            link_interval_s=None,
        )
        sampler.start()
        try:
            yield
        finally:
            self._stop(sampler, what="the engine's counters")

    def _keep(self, samples: Sequence[Sample]) -> None:
        self._journal.samples([sample.model_dump_json(exclude_none=True) for sample in samples])
        self._show(samples)

    def _stop(self, sampler: Sampler, *, what: str) -> None:
        sampler.stop()
        if sampler.error is not None:
            journal_note(self._journal, f"samples of {what} end early: {sampler.error}")


def journal_note(journal: Journal, text: str) -> None:
    with suppress(StorageError):
        journal.event("note", text=text)


def counters_of(server: Server, engine_name: str, *, now_s: Callable[[], float]) -> Counters | None:
    """Where the engine tells its counters. A server of others is asked once before it is asked again and again."""
    engine = READERS.get(engine_name) if server.process is None else server.engine
    if engine is None or engine.METRICS_PATH is None:
        return None
    counters = Counters(url=server.root + engine.METRICS_PATH, names=engine.COUNTERS)
    return counters if server.process is not None or read_counters(counters, now_s=now_s) else None
