"""What the accelerators did during one steady window, and how sure that is. Pure: numbers, or reasons for none."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from inference_arena.metrics.energy import energy_between
from inference_arena.metrics.statistics import mean
from inference_arena.metrics.throughput import Window
from inference_arena.record import DeviceLinkSample, DeviceSample, DeviceSummary, Sample

LONGEST_GAP_S: Final = 3.0


def device_summaries(samples: Iterable[Sample], *, window: Window | None) -> tuple[DeviceSummary, ...]:
    """One for each device that was ever sampled; also for one that is silent in this window."""
    if window is None:
        return ()
    fast: dict[int, list[DeviceSample]] = {}
    links: dict[int, list[DeviceLinkSample]] = {}
    for sample in samples:
        if isinstance(sample, DeviceSample):
            fast.setdefault(sample.device, []).append(sample)
        elif isinstance(sample, DeviceLinkSample):
            links.setdefault(sample.device, []).append(sample)
    return tuple(
        _summary(device, sorted(fast[device], key=_time), links.get(device, []), window=window)
        for device in sorted(fast)
    )


def _time(sample: DeviceSample) -> float:
    return sample.t_s


def _summary(
    device: int, samples: Sequence[DeviceSample], links: Sequence[DeviceLinkSample], *, window: Window
) -> DeviceSummary:
    inside = [sample for sample in samples if window[0] <= sample.t_s < window[1]]
    slow = [sample for sample in links if window[0] <= sample.t_s < window[1]]
    gap_s = _longest_gap_s(inside, window)
    energy = energy_between(samples, window, longest_gap_s=LONGEST_GAP_S)
    clock, power = _known(inside, lambda s: s.sm_clock_hz), _known(inside, lambda s: s.power_w)
    memory, heat = _known(inside, lambda s: s.memory_used_bytes), _known(inside, lambda s: s.temperature_c)
    memory_mean = mean(memory)
    return DeviceSummary(
        device=device,
        samples=len(inside),
        longest_gap_s=gap_s,
        memory_mean_bytes=None if memory_mean is None else round(memory_mean),
        memory_max_bytes=_most_bytes(memory),
        memory_total_bytes=_most_bytes(_known(inside, lambda s: s.memory_total_bytes)),
        others_max_bytes=_others_bytes(slow),
        utilization_mean_share=mean(_known(inside, lambda s: s.utilization_share)),
        power_mean_w=mean(power),
        power_max_w=max(power, default=None),
        temperature_mean_c=mean(heat),
        temperature_max_c=max(heat, default=None),
        sm_clock_mean_hz=mean(clock),
        sm_clock_min_hz=min(clock, default=None),
        memory_clock_mean_hz=mean(_known(inside, lambda s: s.memory_clock_hz)),
        slowed_s=_slowed_s(inside, window),
        pcie_rx_mean_bytes_per_s=mean([s.pcie_rx_bytes_per_s for s in slow if s.pcie_rx_bytes_per_s is not None]),
        pcie_tx_mean_bytes_per_s=mean([s.pcie_tx_bytes_per_s for s in slow if s.pcie_tx_bytes_per_s is not None]),
        energy_j=energy.joule,
        energy_from=energy.source,
        used_by_engine=_used_by_engine(slow),
        reasons=(*_gap_reasons(inside, gap_s), *energy.reasons),
    )


def _known(samples: Iterable[DeviceSample], number: Callable[[DeviceSample], float | None]) -> list[float]:
    return [value for sample in samples if (value := number(sample)) is not None]


def _most_bytes(values: Sequence[float]) -> int | None:
    return round(max(values)) if values else None


def _longest_gap_s(inside: Sequence[DeviceSample], window: Window) -> float | None:
    """The longest time without a sample, its edges included; None without any."""
    if not inside:
        return None
    times = [window[0], *(sample.t_s for sample in inside), window[1]]
    return max(after - before for before, after in pairwise(times))


def _gap_reasons(inside: Sequence[DeviceSample], gap_s: float | None) -> tuple[str, ...]:
    if not inside:
        return ("no samples in the window",)
    return (f"no samples for {gap_s:.1f} s of the window",) if gap_s is not None and gap_s > LONGEST_GAP_S else ()


def _slowed_s(inside: Sequence[DeviceSample], window: Window) -> dict[str, float]:
    """Each sample stands for the time up to the next, but for no more than a gap may last."""
    spent: defaultdict[str, float] = defaultdict(float)
    ends = [*(sample.t_s for sample in inside[1:]), window[1]]
    for sample, end_s in zip(inside, ends, strict=False):
        for reason in sample.slowed_by or ():
            spent[reason] += min(end_s - sample.t_s, LONGEST_GAP_S)
    return dict(sorted(spent.items()))


def _others_bytes(slow: Sequence[DeviceLinkSample]) -> int | None:
    """Only where the list names the engine too: in a container the driver's numbers of processes may be others."""
    return _most_bytes([s.others_bytes for s in slow if s.engine_processes and s.others_bytes is not None])


def _used_by_engine(slow: Sequence[DeviceLinkSample]) -> bool | None:
    """By the engine's processes on the card, where the driver's numbers are known here; else unknown."""
    told = [sample.engine_processes for sample in slow if sample.engine_processes is not None]
    return any(told) if told else None
