"""The longest pauses within answers, beside what the machine did meanwhile. Pure.

A pause alone does not say who made it: a card that throttled, memory that ran full, swap, or prompts of others that
the engine worked on. These are the readings of just that time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Final

from inference_arena.metrics.throughput import Window
from inference_arena.record import (
    CounterSample,
    DeviceSample,
    DeviceSummary,
    HostSample,
    RequestTrace,
    Sample,
    Stall,
    StallDevice,
)

MOST_STALLS: Final = 3
STALL_FROM_USUAL: Final = 3.0
ALSO_STOOD_STILL: Final = 0.5
_ROOM_S: Final = 1.0  # machine and counters are sampled once a second: the nearest sample is at most so far off


@dataclass(frozen=True, slots=True)
class _Gap:
    request: int
    from_s: float
    to_s: float

    @property
    def length_s(self) -> float:
        return self.to_s - self.from_s


def stalls(
    ok: Sequence[RequestTrace],
    samples: Sequence[Sample],
    devices: Sequence[DeviceSummary],
    *,
    traces: Sequence[RequestTrace],
    window: Window | None,
) -> tuple[Stall, ...]:
    """The longest pauses of answers that succeeded, over three times the median pause; one at a time.

    They began in the window. `traces` are all requests: those that failed were in flight too.
    """
    gaps = [gap for gap in _gaps(ok) if window and window[0] <= gap.from_s < window[1]]
    if not gaps:
        return ()
    usual_s = median(gap.length_s for gap in gaps)
    long = [gap for gap in gaps if gap.length_s > STALL_FROM_USUAL * usual_s]
    return tuple(
        _stall(gap, gaps, usual_s=usual_s, traces=traces, samples=samples, devices=devices) for gap in _longest(long)
    )


def _gaps(traces: Iterable[RequestTrace]) -> Iterator[_Gap]:
    for trace in traces:
        for before, after in pairwise(trace.read_s):
            yield _Gap(trace.request, before, after)


def _longest(gaps: Sequence[_Gap]) -> list[_Gap]:
    """Streams that stood still together are one event: what overlaps a longer pause is left out."""
    chosen: list[_Gap] = []
    for gap in sorted(gaps, key=lambda gap: (-gap.length_s, gap.from_s, gap.request)):
        if len(chosen) == MOST_STALLS:
            break
        if not any(_overlap_s(gap, other) > 0 for other in chosen):
            chosen.append(gap)
    return chosen


def _overlap_s(one: _Gap, other: _Gap) -> float:
    return min(one.to_s, other.to_s) - max(one.from_s, other.from_s)


def _stall(
    gap: _Gap,
    gaps: Sequence[_Gap],
    *,
    usual_s: float,
    traces: Sequence[RequestTrace],
    samples: Sequence[Sample],
    devices: Sequence[DeviceSummary],
) -> Stall:
    together = {other.request for other in gaps if _overlap_s(gap, other) >= ALSO_STOOD_STILL * gap.length_s}
    host = [s for s in samples if isinstance(s, HostSample) and _near(s.t_s, gap)]
    swap = [s.swap_used_bytes for s in host if s.swap_used_bytes is not None]
    shares = [s.cpu_share for s in host if s.cpu_share is not None]
    waiting = [
        s.values["requests_waiting"]
        for s in samples
        if isinstance(s, CounterSample) and "requests_waiting" in s.values and _near(s.t_s, gap)
    ]
    return Stall(
        request=gap.request,
        from_s=gap.from_s,
        gap_s=gap.length_s,
        times_usual=gap.length_s / usual_s if usual_s > 0 else None,
        streams=len(together),
        in_flight=sum(_in_flight(trace, gap) for trace in traces),
        arrived=sum(t.sent_s is not None and gap.from_s <= t.sent_s < gap.to_s for t in traces),
        swap_growth_bytes=swap[-1] - swap[0] if len(swap) > 1 else None,
        cpu_share=max(shares, default=None),
        requests_waiting=max(waiting, default=None),
        devices=tuple(_device(device, samples, gap) for device in devices),
    )


def _near(t_s: float, gap: _Gap) -> bool:
    return gap.from_s - _ROOM_S <= t_s <= gap.to_s + _ROOM_S


def _in_flight(trace: RequestTrace, gap: _Gap) -> bool:
    return trace.sent_s is not None and trace.sent_s <= gap.from_s and (trace.ended_s or gap.to_s) >= gap.to_s


def _device(device: DeviceSummary, samples: Iterable[Sample], gap: _Gap) -> StallDevice:
    """The samples within the pause and the one on each side of it: ten a second may miss a short one."""
    own = [s for s in samples if isinstance(s, DeviceSample) and s.device == device.device and _near(s.t_s, gap)]
    before = [s for s in own if s.t_s < gap.from_s][-1:]
    after = [s for s in own if s.t_s > gap.to_s][:1]
    during = [*before, *(s for s in own if gap.from_s <= s.t_s <= gap.to_s), *after]
    power = [s.power_w for s in during if s.power_w is not None]
    work = [s.utilization_share for s in during if s.utilization_share is not None]
    told = [s.slowed_by for s in during if s.slowed_by is not None]
    return StallDevice(
        device=device.device,
        samples=len(during),
        sm_clock_min_hz=min((s.sm_clock_hz for s in during if s.sm_clock_hz is not None), default=None),
        usual_sm_clock_hz=device.sm_clock_mean_hz,
        power_mean_w=fmean(power) if power else None,
        utilization_mean_share=fmean(work) if work else None,
        memory_max_bytes=max((s.memory_used_bytes for s in during if s.memory_used_bytes is not None), default=None),
        memory_total_bytes=device.memory_total_bytes,
        temperature_max_c=max((s.temperature_c for s in during if s.temperature_c is not None), default=None),
        slowed_by=tuple(sorted({reason for reasons in told for reason in reasons})) if told else None,
    )
