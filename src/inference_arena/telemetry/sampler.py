"""Samples at fixed times in the background, and hands them on. Knows no file and no engine.

Each kind of sample has a thread of its own, so that an engine which keeps its counters to itself for two seconds
does not delay the host's. Due times are absolute: a late sample makes none after it late.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from inference_arena.record import Sample
from inference_arena.telemetry.counters import Counters, read_counters
from inference_arena.telemetry.devices import Devices
from inference_arena.telemetry.links import Links
from inference_arena.telemetry.machine import EnginePid, Machine
from inference_arena.telemetry.nvidia import open_nvml

# Longer than a fetch of counters may take; a thread that hangs beyond it is left behind, and writes no more
_JOIN_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    interval_s: float
    read: Callable[[], Sequence[Sample]]
    close: Callable[[], None] = lambda: None


class Sampler:
    """Samples from `start` to `stop`. After `stop` has returned the sink is not called again.

    `now_s` is the run's clock; every sample carries its time. Where the sink raises (a full disk) sampling ends and
    `error` holds what it raised. A kind whose interval is None is left out. `note` is told what a reader of the samples
    must know: a device that is gone.
    """

    def __init__(
        self,
        *,
        sink: Callable[[Sequence[Sample]], None],
        now_s: Callable[[], float],
        engine_pid: EnginePid = lambda: None,
        counters: Counters | None = None,
        host_interval_s: float | None = 1.0,
        device_interval_s: float | None = 0.1,
        link_interval_s: float | None = 1.0,
        counters_interval_s: float = 1.0,
        nvml: Callable[[], Any] = open_nvml,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.error: Exception | None = None
        self._sink = sink
        self._stopping = threading.Event()
        self._handing_on = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._makers: list[Callable[[], _Kind | None]] = []
        if host_interval_s is not None:
            self._makers += [partial(_host_kind, engine_pid=engine_pid, now_s=now_s, interval_s=host_interval_s)]
        if device_interval_s is not None:
            self._makers += [partial(_device_kind, nvml=nvml, now_s=now_s, interval_s=device_interval_s, note=note)]
        if link_interval_s is not None:
            link = partial(_link_kind, nvml=nvml, now_s=now_s, interval_s=link_interval_s, engine_pid=engine_pid)
            self._makers += [link]
        if counters is not None and counters.names:
            self._makers += [partial(_counters_kind, counters=counters, now_s=now_s, interval_s=counters_interval_s)]

    def start(self) -> None:
        """Begin; a second call changes nothing."""
        if self._threads or self._stopping.is_set():
            return
        self._threads = [threading.Thread(target=self._run, args=(make,), daemon=True) for make in self._makers]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and wait for samples that are being taken; a second call changes nothing."""
        with self._handing_on:
            self._stopping.set()
        give_up_at_s = monotonic() + _JOIN_LIMIT_S
        for thread in self._threads:
            thread.join(max(0.0, give_up_at_s - monotonic()))

    def _run(self, make: Callable[[], _Kind | None]) -> None:
        """One kind of samples until the end. Whatever goes wrong is kept in `error`: threads have no caller."""
        try:
            kind = make()
            if kind is not None:
                self._sample_until_stopped(kind)
        except Exception as error:  # noqa: BLE001 - see above
            self._fail(error)

    def _sample_until_stopped(self, kind: _Kind) -> None:
        try:
            for due_s in _due_times(kind.interval_s, now_s=monotonic):
                if self._stopping.wait(max(0.0, due_s - monotonic())):
                    return
                self._hand_on(kind.read())
        finally:
            kind.close()

    def _hand_on(self, samples: Sequence[Sample]) -> None:
        with self._handing_on:
            if samples and not self._stopping.is_set():
                self._sink(samples)

    def _fail(self, error: Exception) -> None:
        self.error = self.error or error
        self._stopping.set()


def _due_times(interval_s: float, *, now_s: Callable[[], float]) -> Iterator[float]:
    """now, now + interval, ...; times that have passed meanwhile are left out."""
    first_s, count = now_s(), 0
    while True:
        yield first_s + count * interval_s
        count = max(count + 1, int((now_s() - first_s) / interval_s) + 1)


def _host_kind(*, engine_pid: EnginePid, now_s: Callable[[], float], interval_s: float) -> _Kind:
    machine = Machine(engine_pid=engine_pid, now_s=now_s)
    return _Kind(interval_s=interval_s, read=machine.read)


def _device_kind(
    *, nvml: Callable[[], Any], now_s: Callable[[], float], interval_s: float, note: Callable[[str], None]
) -> _Kind | None:
    return _of_devices(Devices(open_nvml=nvml, now_s=now_s, note=note), interval_s=interval_s)


def _link_kind(
    *, nvml: Callable[[], Any], now_s: Callable[[], float], interval_s: float, engine_pid: EnginePid
) -> _Kind | None:
    return _of_devices(Links(open_nvml=nvml, now_s=now_s, engine_pid=engine_pid), interval_s=interval_s)


def _of_devices(devices: Devices | Links, *, interval_s: float) -> _Kind | None:
    if not len(devices):
        devices.close()
        return None
    return _Kind(interval_s=interval_s, read=devices.read, close=devices.close)


def _counters_kind(*, counters: Counters, now_s: Callable[[], float], interval_s: float) -> _Kind:
    read = partial(read_counters, counters, now_s=now_s)
    return _Kind(interval_s=interval_s, read=read)
