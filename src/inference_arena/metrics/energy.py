"""Energy: of one accelerator between two times, and of those that an engine used, for each token. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from inference_arena.metrics.throughput import Window
from inference_arena.record import DeviceSample, DeviceSummary, EnergySummary

WORKS_FROM_SHARE: Final = 0.05
Reading = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joule and where they come from; or why there are none."""

    joule: float | None = None
    source: Literal["counter", "power"] | None = None
    reasons: tuple[str, ...] = ()


def energy_between(samples: Sequence[DeviceSample], window: Window, *, longest_gap_s: float) -> Energy:
    """By the driver's counter, read off between samples at the window's edges; else power, as a sum of trapezoids.

    `samples` are of one device, in order of time. None with a reason where samples are further apart than the limit.
    """
    counter = [(s.t_s, s.energy_j) for s in samples if s.energy_j is not None]
    said: tuple[str, ...] = ()
    if counter:
        found = _by_counter(counter, window, longest_gap_s=longest_gap_s)
        if found.joule is not None:
            return found
        said = found.reasons
    power = [(s.t_s, s.power_w) for s in samples if s.power_w is not None]
    if not power:
        return Energy(reasons=said or ("the driver tells neither energy nor power",))
    said = said or ("the driver has no counter of energy: its readings of power were added up",)
    covered = _within(power, window, longest_gap_s=longest_gap_s)
    if covered is None:
        return Energy(reasons=(*said, f"readings of power are over {longest_gap_s:g} s apart"))
    joule = sum((after[0] - before[0]) * (before[1] + after[1]) / 2 for before, after in pairwise(covered))
    return Energy(joule=joule * _stretch(covered, window), source="power", reasons=said)


def _by_counter(counter: Sequence[Reading], window: Window, *, longest_gap_s: float) -> Energy:
    covered = _within(counter, window, longest_gap_s=longest_gap_s)
    if covered is None:
        return Energy(reasons=(f"readings of the energy counter are over {longest_gap_s:g} s apart",))
    if any(after[1] < before[1] for before, after in pairwise(covered)):
        return Energy(reasons=("the energy counter went backwards",))
    joule = covered[-1][1] - covered[0][1]
    if joule <= 0:
        return Energy(reasons=("the energy counter stood still",))
    return Energy(joule=joule * _stretch(covered, window), source="counter")


def _within(readings: Sequence[Reading], window: Window, *, longest_gap_s: float) -> list[Reading] | None:
    """Readings inside the window, with one made at each edge between its neighbours; None where they leave a gap."""
    inside = [reading for reading in readings if window[0] <= reading[0] <= window[1]]
    before = [reading for reading in readings if reading[0] < window[0]][-1:]
    after = [reading for reading in readings if reading[0] > window[1]][:1]
    used = [*before, *inside, *after]
    times = [window[0], *(t for t, _ in inside), window[1]]
    if len(used) < 2 or any(b - a > longest_gap_s for a, b in pairwise(times)):
        return None
    first = [_between(before[0], used[1], window[0])] if before else []
    last = [_between(used[-2], after[0], window[1])] if after else []
    return [*first, *inside, *last]


def _between(before: Reading, after: Reading, t_s: float) -> Reading:
    share = (t_s - before[0]) / (after[0] - before[0])
    return t_s, before[1] + share * (after[1] - before[1])


def _stretch(covered: Sequence[Reading], window: Window) -> float:
    """Where readings begin or end inside the window, their mean stands for the rest."""
    seen_s = covered[-1][0] - covered[0][0]
    return (window[1] - window[0]) / seen_s if seen_s > 0 else 1.0


def energy_summary(
    devices: Sequence[DeviceSummary], *, window: Window | None, output_tokens_per_s: float | None
) -> EnergySummary:
    """Of the cards that the engine used. A number that cannot be told has a reason."""
    if window is None:
        return EnergySummary(reason="there is no steady window")
    if not devices:
        return EnergySummary(reason="no device was sampled")
    used, source = devices_used(devices)
    if not used:
        return EnergySummary(devices_from=source, reason="no device is seen to work for the engine")
    numbers = tuple(device.device for device in used)
    known = [device.energy_j for device in used if device.energy_j is not None]
    if len(known) < len(used):
        silent = next(device for device in used if device.energy_j is None)
        why = silent.reasons[-1] if silent.reasons else "its energy is unknown"
        return EnergySummary(devices=numbers, devices_from=source, reason=f"device {silent.device}: {why}")
    window_s, joule = window[1] - window[0], sum(known)
    tokens = (output_tokens_per_s or 0.0) * window_s
    return EnergySummary(
        devices=numbers,
        devices_from=source,
        energy_j=joule,
        joule_per_output_token=joule / tokens if tokens > 0 else None,
        mean_power_w=joule / window_s,
        reason=None if tokens > 0 else "the rate of output tokens is unknown",
    )


def devices_used(
    devices: Sequence[DeviceSummary],
) -> tuple[list[DeviceSummary], Literal["processes", "work", "only-one"]]:
    """By the engine's processes on the cards; where those cannot be told, the only card, or those that worked."""
    if any(device.used_by_engine for device in devices):
        return [device for device in devices if device.used_by_engine], "processes"
    worked = [device for device in devices if (device.utilization_mean_share or 0.0) >= WORKS_FROM_SHARE]
    return worked, "only-one" if len(devices) == 1 else "work"
