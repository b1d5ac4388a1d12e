"""The heartbeat as lines: each card, its memory as planned and as used, the machine, and what to worry about. Pure.

The same lines stand in `arena watch` and below the running load of `arena run`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from inference_arena import units
from inference_arena.plan import MemoryBudget
from inference_arena.record import HostSample
from inference_arena.report import memory_bar, words
from inference_arena.report.pulse import KEPT_S, Beat, DeviceBeat, Kind, Reading, readings
from inference_arena.report.scene import sparkline

Line = tuple[str, str]

_LABEL: Final = 10
_VALUE: Final = 22
_MOST_COLUMNS: Final = 60
_BESIDE_BAR: Final = 40  # "  123.4 of 141.0 GiB, 100 % of the plan"
_RAM_LOW_BYTES: Final = 512 * units.MIB
_SWAP_BYTES: Final = 16 * units.MIB
_FULL_SHARE: Final = 0.98

# What the driver's reasons mean; the others are everyday: nothing to do, or somebody set it so
_WORRIES: Final = {
    "heat-software": "is too hot: its clocks are lowered",
    "heat-hardware": "is too hot: its hardware lowers the clocks",
    "hardware": "is slowed down by its hardware",
    "power-brake": "is slowed down by the power supply",
    "power-cap": "is at its power limit: clocks are held back",
}


def brief_lines(beat: Beat, *, budget: MemoryBudget | None, width: int, ascii_only: bool) -> list[Line]:
    """A line or three a card and one for the machine: what fits below a running load."""
    lines: list[Line] = []
    for device in beat.devices:
        lines += [(f"  {device_words(beat, device)}", "")]
        lines += [(f"    {line}", style) for line, style in _bars(device, budget, width - 4, ascii_only=ascii_only)]
    lines += [(f"  {machine_words(beat)}", "")] if beat.host else []
    lines += [(f"  {text}", "bold yellow") for text in warnings(beat)]
    return [(words.plain(text, ascii_only=ascii_only), style) for text, style in lines]


def full_lines(
    beat: Beat, *, budget: MemoryBudget | None, names: Sequence[str | None], width: int, ascii_only: bool
) -> list[Line]:
    """Everything, each number with its last minute."""
    lines: list[Line] = []
    for device in beat.devices:
        number = device.last.device
        name = names[number] if number < len(names) else None
        gone = "   does not answer" if beat.is_gone(device) else ""
        lines += [(f"GPU {number}  {name or ''}".rstrip() + gone, "bold red" if gone else "bold")]
        lines += _device_rows(beat, device, width, ascii_only=ascii_only)
        lines += [(f"  {line}", style) for line, style in _bars(device, budget, width - 2, ascii_only=ascii_only)]
        lines += [(f"  {text}", "dim") for text in _link_words(device)]
    lines += [("Machine", "bold"), *_machine_rows(beat, width, ascii_only=ascii_only)] if beat.host else []
    lines += [(text, "bold yellow") for text in warnings(beat)]
    return [(words.plain(text, ascii_only=ascii_only), style) for text, style in lines]


def plain_lines(beat: Beat) -> list[str]:
    """For pipes and logs: a line a card, one for the machine, and the warnings."""
    lines = [device_words(beat, device) for device in beat.devices]
    lines += [machine_words(beat)] if beat.host else []
    return [words.plain(line, ascii_only=True) for line in (*lines, *(f"warning: {text}" for text in warnings(beat)))]


def device_words(beat: Beat, device: DeviceBeat) -> str:
    """GPU 0: 96 % busy, 21.3 of 23.7 GiB, 312 W, 71 °C, 1,980 MHz."""
    last = device.last
    if beat.is_gone(device):
        return f"GPU {last.device}: does not answer"
    parts = [
        None if last.utilization_share is None else f"{last.utilization_share * 100:.0f} % busy",
        _of(last.memory_used_bytes, last.memory_total_bytes),
        None if last.power_w is None else f"{last.power_w:.0f} W",
        None if last.temperature_c is None else f"{last.temperature_c:.0f} °C",
        None if last.sm_clock_hz is None else f"{last.sm_clock_hz / 1e6:,.0f} MHz",
    ]
    return f"GPU {last.device}: " + (", ".join(part for part in parts if part) or "tells nothing")


def machine_words(beat: Beat) -> str:
    last = beat.host[-1]
    busy = next((s.cpu_share for s in reversed(beat.host) if s.cpu_share is not None), None)
    parts = [
        f"processor {units.DASH if busy is None else f'{busy * 100:.0f} %'}",
        f"RAM {_of(_ram_used(last), last.ram_total_bytes) or units.DASH}",
        f"swap {units.size(last.swap_used_bytes)}",
    ]
    return "machine: " + ", ".join(parts)


def warnings(beat: Beat) -> list[str]:
    """What may spoil a measurement, or end it."""
    return [*_device_warnings(beat), *_machine_warnings(beat)]


def _device_warnings(beat: Beat) -> Iterator[str]:
    for device in beat.devices:
        name = f"GPU {device.last.device}"
        if beat.is_gone(device):
            yield f"{name} has not answered for {beat.t_s - device.last.t_s:.0f} s"
            continue
        reason = next((reason for reason in _WORRIES if reason in device.slowed_by), None)
        if reason is not None:
            yield f"{name} {_WORRIES[reason]}"
        if device.full_in_s is not None:
            yield f"{name}: at this slope memory is full in {_soon(device.full_in_s)}"


def _machine_warnings(beat: Beat) -> Iterator[str]:
    if beat.swap_growth_bytes > _SWAP_BYTES:
        yield f"the machine is swapping: {units.size(beat.swap_growth_bytes)} more within a minute"
    available = beat.host[-1].ram_available_bytes if beat.host else None
    if available is not None and available < _RAM_LOW_BYTES:
        yield f"only {units.size(available)} of RAM are left"
    if beat.ram_full_in_s is not None:
        yield f"at this slope RAM is full in {_soon(beat.ram_full_in_s)}"


def _soon(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _of(used: int | None, total: int | None) -> str | None:
    if used is None:
        return None
    return units.gib(used) if total is None else f"{used / units.GIB:.1f} of {total / units.GIB:.1f} GiB"


def _ram_used(sample: HostSample) -> int | None:
    if sample.ram_total_bytes is None or sample.ram_available_bytes is None:
        return None
    return sample.ram_total_bytes - sample.ram_available_bytes


# rows with a sparkline


def _device_rows(beat: Beat, device: DeviceBeat, width: int, *, ascii_only: bool) -> Iterator[Line]:
    last = device.last
    row = _row_of(beat.t_s, device.samples, width, ascii_only=ascii_only)
    busy = None if last.utilization_share is None else f"{last.utilization_share * 100:.0f} %"
    yield from row("busy", busy, lambda s: s.utilization_share, 1.0)
    memory = _of(last.memory_used_bytes, last.memory_total_bytes)
    yield from row("memory", memory, lambda s: s.memory_used_bytes, last.memory_total_bytes)
    yield from row("power", None if last.power_w is None else f"{last.power_w:.0f} W", lambda s: s.power_w, None)
    clock = None if last.sm_clock_hz is None else f"{last.sm_clock_hz / 1e6:,.0f} MHz"
    yield from row("clock", clock, lambda s: s.sm_clock_hz, None)
    heat = None if last.temperature_c is None else f"{last.temperature_c:.0f} °C"
    yield from row("heat", heat, lambda s: s.temperature_c, 100.0)


def _machine_rows(beat: Beat, width: int, *, ascii_only: bool) -> Iterator[Line]:
    last = beat.host[-1]
    row = _row_of(beat.t_s, beat.host, width, ascii_only=ascii_only)
    busy = next((s.cpu_share for s in reversed(beat.host) if s.cpu_share is not None), None)
    yield from row("processor", None if busy is None else f"{busy * 100:.0f} %", lambda s: s.cpu_share, 1.0)
    yield from row("RAM", _of(_ram_used(last), last.ram_total_bytes), _ram_used, last.ram_total_bytes)
    swap = last.swap_used_bytes
    yield from row("swap", None if swap is None else units.size(swap), lambda s: s.swap_used_bytes, None)


Row = Callable[..., Iterator[Line]]


def _row_of(t_s: float, samples: Sequence[Kind], width: int, *, ascii_only: bool) -> Row:
    columns = max(10, min(_MOST_COLUMNS, width - 2 - _LABEL - _VALUE))

    def row(label: str, value: str | None, number: Callable[[Kind], float | None], top: float | None) -> Iterator[Line]:
        """Nothing for what is not told."""
        if value is not None:
            drawn = minute(readings(samples, number), now_s=t_s, columns=columns, top=top, ascii_only=ascii_only)
            yield f"  {label:<{_LABEL}}{value:<{_VALUE}}{drawn}", "cyan" if drawn.strip() else ""

    return row


def minute(values: Sequence[Reading], *, now_s: float, columns: int, top: float | None, ascii_only: bool) -> str:
    """The last minute in so many columns, the newest on the right; blank where nothing was read."""
    bins: list[list[float]] = [[] for _ in range(columns)]
    for t_s, value in values:
        place = columns - 1 - int((now_s - t_s) / KEPT_S * columns)
        if 0 <= place < columns:
            bins[place].append(value)
    means = [sum(found) / len(found) if found else None for found in bins]
    highest = top or max((mean for mean in means if mean is not None), default=0.0) or 1.0
    drawn = [" " if mean is None else sparkline((mean,), ascii_only=ascii_only, top=highest) for mean in means]
    return _filled(drawn)


def _filled(drawn: Sequence[str]) -> str:
    """Readings further apart than a column leave blanks between them: the last one holds until the next."""
    shown, last = [], " "
    known = [i for i, mark in enumerate(drawn) if mark != " "]
    end = len(drawn) - 1 if known and len(drawn) - 1 - known[-1] <= len(drawn) // 20 + 1 else (known or [-1])[-1]
    for i, mark in enumerate(drawn):
        last = mark if mark != " " else last
        shown.append(last if i <= end else " ")
    return "".join(shown)


# the memory bars


def _bars(device: DeviceBeat, budget: MemoryBudget | None, width: int, *, ascii_only: bool) -> Iterator[Line]:
    """Planned against used, where there is a plan for this card; else used alone."""
    used, total = device.last.memory_used_bytes, device.last.memory_total_bytes
    if used is None or not total:
        return
    columns = max(10, min(40, width - _LABEL - _BESIDE_BAR))
    is_ours = device.link is None or device.link.engine_processes is None or device.link.engine_processes > 0
    planned = _planned_bytes(budget) if budget is not None and is_ours else None
    if budget is not None and planned is not None:
        drawn = memory_bar.bar(budget, columns=columns, ascii_only=ascii_only)
        yield f"{'planned':<{_LABEL}}{drawn}  {_of(planned, budget.memory_bytes)}", ""
    full, empty = ("#", ".") if ascii_only else ("█", "·")
    filled = round(min(1.0, used / total) * columns)
    beside = "" if not planned else f", {used / planned * 100:.0f} % of the plan"
    style = "bold yellow" if used > _FULL_SHARE * total else ""
    yield f"{'used':<{_LABEL}}{full * filled}{empty * (columns - filled)}  {_of(used, total)}{beside}", style


def _planned_bytes(budget: MemoryBudget) -> int:
    return budget.memory_bytes - max(0, budget.bytes_of("free"))


def _link_words(device: DeviceBeat) -> Iterator[str]:
    last, link = device.last, device.link
    parts = [] if last.memory_clock_hz is None else [f"memory clock {last.memory_clock_hz / 1e6:,.0f} MHz"]
    if link is not None and link.pcie_generation is not None and link.pcie_width is not None:
        parts += [f"PCIe {link.pcie_generation}.0 x{link.pcie_width}"]
    if link is not None and link.pcie_rx_bytes_per_s is not None and link.pcie_tx_bytes_per_s is not None:
        into, out = (units.size(int(rate)) for rate in (link.pcie_rx_bytes_per_s, link.pcie_tx_bytes_per_s))
        parts += [f"in {into}/s, out {out}/s"]
    if parts:
        yield ", ".join(parts)
