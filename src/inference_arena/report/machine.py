"""A machine as a page for people and as a Markdown text for bug reports. Knows no drivers; shows what a `Host` says."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from inference_arena import units
from inference_arena.facts import Device, Host, card_of_device
from inference_arena.plan import Notice
from inference_arena.report.links import link_rows
from inference_arena.report.words import plain

_BAR = 24
_INDENT = 11
_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
_LIMITS = {
    "metal": "by Metal",
    "wired-limit": "as set by sysctl",
    "gtt": "the part that the driver lets it borrow",
    "carve-out": "set aside for it",
}
# what could tell whose machine it is: paths, and the numbers that a card has for itself
_PATH = re.compile(r"(?<![\w.~])~?/(?:[^\s/:,;()]+/?)+")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|&#~$])")
_ESCAPED = r"\\\1"


def machine_page(host: Host, notices: Sequence[Notice], *, ascii_only: bool = False) -> str:
    """The machine, each card, then what should be known with what to do about it."""
    bar = partial(_bar, ascii_only=ascii_only)
    lines = [_row(name, text) for name, text in _host_rows(host)]
    for device in host.devices:
        lines += ["", _row(f"GPU {device.index}", _name(device))]
        lines += [_row(f"  {name}", text) for name, text in _device_rows(device, bar)]
    lines += [] if host.devices else ["", _row("GPU", "none found")]
    lines += ["", *(_row(name, text) for name, text in link_rows(host))] if host.links else []
    for notice in notices:
        lines += ["", _row("warning" if notice.weight == "warning" else "note", _spoken(notice))]
        lines += [_row("  try", notice.advice)]
    return "\n".join(plain(line, ascii_only=ascii_only) for line in lines)


def machine_markdown(host: Host, notices: Sequence[Notice], *, arena: str, readers: str) -> str:
    """For a bug report: no name of a person or host, no path, no serial number, no UUID."""
    rows = [("arena", arena), *_host_rows(host)]
    for device in host.devices:
        told = [f"{what} {text}" for what, text in _device_rows(device, lambda _share: "")]
        rows.append((f"GPU {device.index}", "; ".join([_name(device), *told])))
    rows += [] if host.devices else [("GPU", "none found")]
    rows += link_rows(host)
    rows += [(notice.weight, f"{notice.code}: {_spoken(notice)}") for notice in notices]
    rows.append(("GPU readers", readers))
    body = [f"- {name.strip()}: {_SPECIAL.sub(_ESCAPED, anonymous(plain(text)))}" for name, text in rows]
    return "\n".join(["### Machine", "", *body])


def readers_said(tried: Mapping[str, str]) -> str:
    """Which vendors' readers were tried on which real hardware, and which never."""
    done = [f"{_VENDORS[vendor]} tried on {where}" for vendor, where in tried.items() if where]
    never = ", ".join(_VENDORS[vendor] for vendor, where in tried.items() if not where)
    return "; ".join([*done, *([f"never tried on real hardware: {never}"] if never else [])])


def anonymous(text: str) -> str:
    """The text without paths and UUIDs, which errors of drivers may carry."""
    return _PATH.sub("(a path)", _UUID.sub("(a UUID)", text))


def _name(device: Device) -> str:
    return device.name or f"{_VENDORS.get(device.vendor, 'unknown')} GPU"


def _host_rows(host: Host) -> Iterator[tuple[str, str]]:
    physical = f", {host.cpu_physical_cores} physical" if host.cpu_physical_cores else ""
    yield "processor", f"{host.cpu_model or 'unknown'}, {host.cpu_cores} usable cores{physical}, {host.architecture}"
    if host.cpu_features:
        yield "  has", " ".join(host.cpu_features)
    yield "memory", f"{units.gib(host.ram_bytes)} RAM, {units.gib(host.ram_available_bytes)} available"
    if host.swap_bytes:
        yield "swap", f"{units.gib(host.swap_bytes)}, {units.gib(host.swap_used_bytes)} used"
    yield "system", f"{host.os}, kernel {host.kernel}, {_where(host)}"


def _where(host: Host) -> str:
    places = {"none": "on the machine itself", "container": "inside a container", "vm": "inside a virtual machine"}
    if host.virtualization is None:
        return "unknown whether on the machine itself"
    return places.get(host.virtualization, "inside WSL")


def _device_rows(device: Device, bar: Callable[[float], str]) -> Iterator[tuple[str, str]]:
    rows = {
        "card": _card(device),
        "memory": _memory(device, bar),
        "in use": _in_use(device),
        "driver": _driver(device),
        "power": _power(device),
        "clocks": _clocks(device),
        "PCIe": _link(device),
        "modes": _modes(device),
        "unread": device.reason_unread,
    }
    yield from ((name, text) for name, text in rows.items() if text)


def _card(device: Device) -> str | None:
    """What the catalogue has of it; None where the driver gives no name."""
    card = card_of_device(device)
    if card is None:
        return None if device.name is None else "not in the catalogue: planned for by what its driver reports"
    rate = card.bandwidth_bytes_per_s
    speed = "" if rate is None else f", {rate / 1e9:,.0f} GB/s"
    return f"{card.title} in the catalogue{speed}"


def _memory(device: Device, bar: Callable[[float], str]) -> str | None:
    if device.working_set_bytes is not None and device.working_set_from != "carve-out":
        limit = _LIMITS.get(device.working_set_from or "", "")
        return f"shares the RAM: at most {units.gib(device.working_set_bytes)} of it ({limit})"
    if device.memory_bytes is None:
        return "shares the RAM" if device.unified else None
    if device.free_bytes is None:
        return f"{units.gib(device.memory_bytes)}, unknown how much of it is free"
    drawn = bar(1 - device.free_bytes / device.memory_bytes) if device.memory_bytes else ""
    aside = " of the RAM, set aside for it" if device.unified else ""
    return f"{drawn}{units.gib(device.free_bytes)} free of {units.gib(device.memory_bytes)}{aside}"


def _in_use(device: Device) -> str | None:
    """All that is taken, and by whom as far as the driver tells."""
    if device.memory_bytes is None or device.free_bytes is None:
        return _others(device)
    by = [f"the driver {units.gib(device.reserved_bytes)}"] if device.reserved_bytes else []
    by += [others] if (others := _others(device)) else []
    return units.gib(device.memory_bytes - device.free_bytes) + (f": {', '.join(by)}" if by else "")


def _driver(device: Device) -> str | None:
    runtime = {"nvidia": "CUDA up to", "amd": "ROCm"}.get(device.vendor, "runtime")
    cores = f"{device.gpu_cores} GPU cores" if device.gpu_cores else None
    parts = (
        device.driver_version,
        device.runtime_version and f"{runtime} {device.runtime_version}",
        device.compute_capability and f"compute capability {device.compute_capability}",
        device.target,
        cores,
    )
    return ", ".join(part for part in parts if part) or None


def _power(device: Device) -> str | None:
    if device.power_limit_w is None:
        return None
    usual = f", {device.power_limit_default_w:.0f} W by default" if device.power_limit_default_w else ""
    return f"limit {device.power_limit_w:.0f} W{usual}"


def _clocks(device: Device) -> str | None:
    pairs = {
        "cores": (device.sm_clock_hz, device.sm_clock_max_hz),
        "memory": (device.memory_clock_hz, device.memory_clock_max_hz),
    }
    said = [f"{name} {_mhz(now)} of {_mhz(most)} MHz" for name, (now, most) in pairs.items() if now or most]
    return ", ".join(said) or None


def _mhz(hz: float | None) -> str:
    return units.DASH if hz is None else f"{hz / 1e6:.0f}"


def _link(device: Device) -> str | None:
    now, most = device.pcie_generation, device.pcie_generation_max
    idle = " (cards lower it while they idle)" if now and most and now < most else ""
    said = [f"generation {_of(now, most)}{idle}"] if now or most else []
    said += [f"lanes {_of(device.pcie_width, device.pcie_width_max)}"] if device.pcie_width_max else []
    return ", ".join(said) or None


def _of(now: int | None, most: int | None) -> str:
    return f"{now} of {most or units.DASH}" if now else f"up to {most}"


def _modes(device: Device) -> str | None:
    words = {True: "on", False: "off"}
    said = [f"{name} {words[on]}" for name, on in (("ECC", device.ecc), ("MIG", device.mig)) if on is not None]
    display = {True: "a display attached", False: "no display attached", None: ""}[device.display_attached]
    return ", ".join([*said, *([display] if display else [])]) or None


def _others(device: Device) -> str | None:
    if not device.other_processes:
        return None
    held = "" if device.other_processes_bytes is None else f" {units.gib(device.other_processes_bytes)}"
    return f"{device.other_processes} other program{'s' if device.other_processes > 1 else ''}{held}"


def _spoken(notice: Notice) -> str:
    return notice.says if notice.device is None else f"GPU {notice.device}: {notice.says}"


def _row(name: str, text: str) -> str:
    return f"{name:<{_INDENT}} {text}"


def _bar(share: float, *, ascii_only: bool) -> str:
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    used = min(_BAR, round(share * _BAR))
    return f"[{full * used}{empty * (_BAR - used)}] "
