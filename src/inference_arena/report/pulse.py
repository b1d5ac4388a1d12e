"""The last minute of samples, kept for the eye: what was read last, and how it went. Knows no terminal.

Samples come from threads of a sampler, or from a run's journal; `now` may be asked from another thread.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from inference_arena.metrics import full_in_s
from inference_arena.record import CounterSample, DeviceLinkSample, DeviceSample, HostSample, Sample
from inference_arena.units import MIB

KEPT_S: Final = 60.0
GONE_AFTER_S: Final = 3.0
Kind = TypeVar("Kind", DeviceSample, HostSample)
Reading = tuple[float, float]

# Memory that comes and goes by itself: less is no trend
_DEVICE_NOISE_BYTES: Final = 64 * MIB
_RAM_NOISE_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBeat:
    """One device now and in the last minute. `link` is None until it was read."""

    samples: tuple[DeviceSample, ...]
    link: DeviceLinkSample | None = None

    @property
    def last(self) -> DeviceSample:
        return self.samples[-1]

    @property
    def full_in_s(self) -> float | None:
        total = self.last.memory_total_bytes
        if total is None:
            return None
        used = readings(self.samples, lambda s: s.memory_used_bytes)
        return full_in_s(used, limit=total, noise=_DEVICE_NOISE_BYTES)

    @property
    def slowed_by(self) -> frozenset[str]:
        """In the last three seconds: a card that throttles does so in short pushes."""
        recent = (s.slowed_by or () for s in self.samples if s.t_s >= self.last.t_s - GONE_AFTER_S)
        return frozenset(reason for reasons in recent for reason in reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Everything now. `t_s` is the time of the newest sample of any kind."""

    t_s: float
    devices: tuple[DeviceBeat, ...] = ()
    host: tuple[HostSample, ...] = ()
    counters: CounterSample | None = None

    def is_gone(self, device: DeviceBeat) -> bool:
        """Others were sampled meanwhile, this one was not."""
        return self.t_s - device.last.t_s > GONE_AFTER_S

    @property
    def swap_growth_bytes(self) -> int:
        used = [s.swap_used_bytes for s in self.host if s.swap_used_bytes is not None]
        return used[-1] - used[0] if used else 0

    @property
    def ram_full_in_s(self) -> float | None:
        told = [s for s in self.host if s.ram_total_bytes is not None and s.ram_available_bytes is not None]
        if not told or told[-1].ram_total_bytes is None:
            return None
        used = readings(told, lambda s: (s.ram_total_bytes or 0) - (s.ram_available_bytes or 0))
        total = told[-1].ram_total_bytes
        return full_in_s(used, limit=total, noise=_RAM_NOISE_SHARE * total)


def readings(samples: Iterable[Kind], number: Callable[[Kind], float | None]) -> list[Reading]:
    """Times and values of those that have one."""
    return [(sample.t_s, float(value)) for sample in samples if (value := number(sample)) is not None]


class Pulse:
    """Collects samples. Nothing else is done with them until somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all: another clock begins."""
        with self._lock:
            self._devices: dict[int, deque[DeviceSample]] = {}
            self._links: dict[int, DeviceLinkSample] = {}
            self._host: deque[HostSample] = deque()
            self._counters: CounterSample | None = None
            self._t_s: float | None = None

    def add(self, samples: Sequence[Sample]) -> None:
        with self._lock:
            for sample in samples:
                self._add(sample)

    def now(self) -> Beat | None:
        """None until there was a sample."""
        with self._lock:
            if self._t_s is None:
                return None
            devices = tuple(
                DeviceBeat(samples=tuple(kept), link=self._links.get(device))
                for device, kept in sorted(self._devices.items())
            )
            return Beat(t_s=self._t_s, devices=devices, host=tuple(self._host), counters=self._counters)

    def _add(self, sample: Sample) -> None:
        match sample:
            case DeviceSample():
                _keep(self._devices.setdefault(sample.device, deque()), sample)
            case HostSample():
                _keep(self._host, sample)
            case DeviceLinkSample():
                self._links[sample.device] = sample
            case CounterSample():
                self._counters = sample
            case _:
                return
        self._t_s = max(self._t_s or 0.0, sample.t_s)


def _keep(kept: "deque[Kind]", sample: Kind) -> None:
    kept.append(sample)
    while kept[0].t_s < sample.t_s - KEPT_S:
        kept.popleft()
