"""Why the state of accelerators and memory may make a number mislead: one function a doubt. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from inference_arena import units
from inference_arena.metrics.energy import devices_used
from inference_arena.record import DeviceSummary, Doubt, PointSummary

HEAT_SHARE: Final = 0.01
POWER_SHARE: Final = 0.1
FULL_BYTES: Final = 256 * units.MIB
RAM_FULL_BYTES: Final = 512 * units.MIB
OTHERS_BYTES: Final = 512 * units.MIB
SWAP_BYTES: Final = 16 * units.MIB
HEAT: Final = ("heat-software", "heat-hardware", "hardware", "power-brake")
Seen = tuple[PointSummary, DeviceSummary]


def find_device_doubts(points: Sequence[PointSummary]) -> tuple[Doubt, ...]:
    """Of the cards that the engine used; where nobody knows which, of all."""
    seen = [(point, device) for point in points for device in _of_engine(point)]
    return (
        *_swapped(points),
        *_device_gone(seen),
        *_throttled(seen),
        *_ram_almost_full(points),
        *_memory_almost_full(seen),
        *_others_on_gpu(seen),
        *_power_limited(seen),
    )


def _of_engine(point: PointSummary) -> Sequence[DeviceSummary]:
    used, _ = devices_used(point.devices)
    return used or point.devices


def _at(seen: Sequence[Seen]) -> str:
    return "at " + ", ".join(dict.fromkeys(point.load.label for point, _ in seen))


def _share(point: PointSummary, device: DeviceSummary, reasons: Sequence[str]) -> float:
    """The longest of the reasons: one event often has several of them at once."""
    return max(device.slowed_s.get(reason, 0.0) for reason in reasons) / point.window_s if point.window_s else 0.0


def _device_gone(seen: Sequence[Seen]) -> Iterator[Doubt]:
    bad = [(point, device) for point, device in seen if any("no samples" in reason for reason in device.reasons)]
    if bad:
        which = ", ".join(f"GPU {number}" for number in sorted({device.device for _, device in bad}))
        yield Doubt(
            code="device-silent",
            weight="serious",
            evidence=f"{which} did not answer its driver's library for a while {_at(bad)}",
            advice="the card may have been lost: look for Xid in the kernel's log (dmesg), then run again",
        )


def _throttled(seen: Sequence[Seen]) -> Iterator[Doubt]:
    bad = [(point, device) for point, device in seen if _share(point, device, HEAT) > HEAT_SHARE]
    if bad:
        share = max(_share(point, device, HEAT) for point, device in bad)
        reasons = sorted({reason for _, device in bad for reason in HEAT if device.slowed_s.get(reason)})
        hottest = max((device.temperature_max_c for _, device in bad if device.temperature_max_c), default=None)
        heat = "" if hottest is None else f" at up to {hottest:.0f} °C"
        yield Doubt(
            code="thermal-throttle",
            weight="caution",
            evidence=f"the card lowered its clocks ({', '.join(reasons)}) for {units.percent(share)} of the time{heat} "
            f"{_at(bad)}",
            advice="better cooling or a lower power limit; until then numbers fall the longer a run takes",
        )


def _power_limited(seen: Sequence[Seen]) -> Iterator[Doubt]:
    bad = [(point, device) for point, device in seen if _share(point, device, ("power-cap",)) > POWER_SHARE]
    if bad:
        share = max(_share(point, device, ("power-cap",)) for point, device in bad)
        yield Doubt(
            code="power-limited",
            weight="note",
            evidence=f"the card's power limit held its clocks back for {units.percent(share)} of the time {_at(bad)}",
            advice="compare with cards at the same power limit only; nvidia-smi -q -d POWER shows it",
        )


def _memory_almost_full(seen: Sequence[Seen]) -> Iterator[Doubt]:
    def left(device: DeviceSummary) -> int | None:
        if device.memory_total_bytes is None or device.memory_max_bytes is None:
            return None
        return device.memory_total_bytes - device.memory_max_bytes

    bad = [(point, device) for point, device in seen if (free := left(device)) is not None and free < FULL_BYTES]
    if bad:
        least = min(free for _, device in bad if (free := left(device)) is not None)
        yield Doubt(
            code="memory-almost-full",
            weight="caution",
            evidence=f"only {units.size(max(0, least))} of the card's memory were free at the fullest {_at(bad)}",
            advice="a longer prompt may end the engine: leave it less memory, or close what else is on the card",
        )


def _swapped(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = [point for point in points if (point.host.swap_growth_bytes or 0) > SWAP_BYTES]
    if bad:
        grown = max(point.host.swap_growth_bytes or 0 for point in bad)
        yield Doubt(
            code="swapped",
            weight="serious",
            evidence=f"swap grew by {units.size(grown)} at {', '.join(point.load.label for point in bad)}",
            advice="use a smaller model, a shorter context or fewer slots",
        )


def _ram_almost_full(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = [p for p in points if (left := p.host.ram_available_min_bytes) is not None and left < RAM_FULL_BYTES]
    if bad:
        least = min(p.host.ram_available_min_bytes or 0 for p in bad)
        labels = ", ".join(p.load.label for p in bad)
        yield Doubt(
            code="ram-almost-full",
            weight="caution",
            evidence=f"only {units.size(least)} of the machine's memory were available at {labels}",
            advice="close other programs, or use a smaller model or a shorter context",
        )


def _others_on_gpu(seen: Sequence[Seen]) -> Iterator[Doubt]:
    bad = [(point, device) for point, device in seen if (device.others_max_bytes or 0) > OTHERS_BYTES]
    if bad:
        held = max(device.others_max_bytes or 0 for _, device in bad)
        yield Doubt(
            code="other-process-on-gpu",
            weight="caution",
            evidence=f"other programs held {units.size(held)} of the card's memory {_at(bad)}",
            advice="nvidia-smi names them: end them and run again, they may have taken speed too",
        )
