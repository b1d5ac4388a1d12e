"""What the machine did meanwhile: each load's cards and energy, and the longest freezes beside the card's state."""

from collections.abc import Iterator, Sequence

from inference_arena import units
from inference_arena.record import DeviceSummary, PointSummary, Record, Stall, StallDevice
from inference_arena.report.blocks import Block, Heading, Pairs, Sentence

_MOST_FREEZES = 3
_SLOWED_FROM_SHARE = 0.01
_USUAL_CLOCK_SHARE = 0.97

Row = tuple[str, str]


def felt(record: Record) -> tuple[Block, ...]:
    """Nothing where no card was sampled and no answer stood still."""
    points = record.summary.points if record.summary else ()
    cards = tuple(row for point in points for row in _cards(point))
    freezes = tuple(_freezes(points))
    blocks: tuple[Block, ...] = ()
    if cards:
        blocks += (Heading(text="The card meanwhile"), Pairs(rows=cards), Sentence(text=_LEGEND, tone="quiet"))
    if freezes:
        blocks += (Heading(text="Longest freezes, and what happened then"), Pairs(rows=freezes))
    return blocks


_LEGEND = "J/token: the whole card's energy per output token; idle power and what other programs draw are in it."


def _cards(point: PointSummary) -> Iterator[Row]:
    label = f"load {point.load.label}"
    for device in point.devices:
        yield label, f"GPU {device.device}: {_card(device, point.window_s)}"
        label = ""
    if point.devices and point.energy is not None:
        yield "", _energy(point)


def _card(device: DeviceSummary, window_s: float | None) -> str:
    if not device.samples:
        return "; ".join(device.reasons) or "not sampled"
    used, total = device.memory_max_bytes, device.memory_total_bytes
    parts = [
        None if device.utilization_mean_share is None else f"{units.percent(device.utilization_mean_share)} busy",
        _mean(device.power_mean_w, most=device.power_max_w, unit="W"),
        None if device.temperature_max_c is None else f"up to {device.temperature_max_c:.0f} °C",
        _clock(device),
        None if used is None else f"memory up to {units.gib(used)}{'' if total is None else f' of {units.gib(total)}'}",
        *_slowed(device, window_s),
        *device.reasons,
    ]
    return ", ".join(part for part in parts if part)


def _mean(value: float | None, *, most: float | None, unit: str) -> str | None:
    if value is None:
        return None
    return f"{value:,.0f} {unit}" + ("" if most is None else f" (up to {most:,.0f})")


def _clock(device: DeviceSummary) -> str | None:
    if device.sm_clock_mean_hz is None:
        return None
    least = device.sm_clock_min_hz
    at_least = "" if least is None else f" (at least {least / 1e6:,.0f})"
    return f"{device.sm_clock_mean_hz / 1e6:,.0f} MHz{at_least}"


def _slowed(device: DeviceSummary, window_s: float | None) -> Iterator[str]:
    for reason, spent_s in device.slowed_s.items():
        if window_s and reason != "idle" and spent_s > _SLOWED_FROM_SHARE * window_s:
            yield f"slowed by {reason} {units.percent(min(1.0, spent_s / window_s))} of the time"


def _energy(point: PointSummary) -> str:
    energy = point.energy
    assert energy is not None
    if energy.energy_j is None:
        return f"energy unknown: {energy.reason}"
    token = energy.joule_per_output_token
    each = f"J/token unknown: {energy.reason}" if token is None else f"{units.number(token)} J/token"
    how = {"counter": "by the card's counter", "power": "from readings of power"}
    sources = {d.energy_from for d in point.devices if d.device in energy.devices and d.energy_from}
    names = "s " if len(energy.devices) > 1 else " "
    cards = f"GPU{names}{', '.join(str(number) for number in energy.devices)}"
    return f"{each}, {units.number(energy.energy_j)} J in all ({cards}; {', '.join(how[s] for s in sorted(sources))})"


def _freezes(points: Sequence[PointSummary]) -> Iterator[Row]:
    found = [(point, stall) for point in points for stall in point.stalls]
    for point, stall in sorted(found, key=lambda pair: -pair[1].gap_s)[:_MOST_FREEZES]:
        times = "" if stall.times_usual is None else f" ({units.number(stall.times_usual, digits=2)} x the usual pause)"
        yield units.seconds(stall.gap_s), f"at load {point.load.label}{times}: {_meanwhile(stall)}"


def _meanwhile(stall: Stall) -> str:
    answers = f"{stall.streams} of {max(stall.streams, stall.in_flight)} answers stood still"
    arrived = "no request arrived" if not stall.arrived else f"{stall.arrived} requests arrived, whose prompts are work"
    swap = stall.swap_growth_bytes or 0
    parts = [
        answers,
        arrived if stall.arrived != 1 else "1 request arrived, whose prompt is work",
        f"{stall.requests_waiting:g} waiting" if stall.requests_waiting else None,
        None if stall.cpu_share is None else f"processor {units.percent(stall.cpu_share)} busy",
        f"swap grew by {units.size(swap)}" if swap > 0 else None,
        *(_card_then(device) for device in stall.devices),
    ]
    return ", ".join(part for part in parts if part)


def _card_then(device: StallDevice) -> str:
    if not device.samples:
        return f"GPU {device.device}: no sample then"
    used, total = device.memory_max_bytes, device.memory_total_bytes
    parts = [
        _clock_then(device),
        None if device.power_mean_w is None else f"{device.power_mean_w:,.0f} W",
        None if device.utilization_mean_share is None else f"{units.percent(device.utilization_mean_share)} busy",
        f"{units.size(max(0, total - used))} free" if used is not None and total is not None else None,
        _slowed_then(device),
    ]
    return f"GPU {device.device}: " + ", ".join(part for part in parts if part)


def _clock_then(device: StallDevice) -> str | None:
    if device.sm_clock_min_hz is None:
        return None
    now, usual = device.sm_clock_min_hz, device.usual_sm_clock_hz
    beside = " as usual" if usual is not None and now >= _USUAL_CLOCK_SHARE * usual else ""
    beside = f" where {usual / 1e6:,.0f} is usual" if usual is not None and not beside else beside
    return f"{now / 1e6:,.0f} MHz{beside}"


def _slowed_then(device: StallDevice) -> str | None:
    if device.slowed_by is None:
        return None
    reasons = [reason for reason in device.slowed_by if reason != "idle"]
    return f"slowed by {' and '.join(reasons)}" if reasons else "not slowed"
