"""What a person should know about a machine before anything is planned for it, and what to do about each.

Judges a `Host` by its numbers alone. A notice is raised only by something that was read: unknown raises none.
"""

from collections.abc import Iterator
from typing import Final, Literal

from inference_arena import units
from inference_arena.facts import Device, Fact, Host

# memory in use that no program accounts for is worth a word from here on; drivers differ in what they keep silently
UNEXPLAINED_BYTES: Final = 512 * units.MIB
# drivers round limits, so a limit counts as lowered only when it is lower by more than this
LOWERED_W: Final = 1.0
# words of `reason_unread`
_SILENT = "driver does not answer"
_SHARED = "shares the machine's RAM"


class Notice(Fact):
    """One thing about a machine. `device` is the card's number, None where it is about the whole machine."""

    code: str
    weight: Literal["warning", "note"]
    device: int | None = None
    says: str
    advice: str


def notices(host: Host, *, on_windows_drive: tuple[str, ...] = ()) -> tuple[Notice, ...]:
    """Everything worth saying, warnings first. `on_windows_drive` names folders with models on a drive of Windows."""
    found = [notice for device in host.devices for notice in _about_device(device, host)]
    found += _about_wsl(host, on_windows_drive) if is_wsl(host) else ()
    found += _about_missing(host)
    return tuple(sorted(found, key=lambda notice: notice.weight != "warning"))


def is_wsl(host: Host) -> bool:
    """True also in a container inside WSL: the kernel's name tells."""
    return host.virtualization == "wsl" or "microsoft" in host.kernel.lower()


def _about_device(device: Device, host: Host) -> Iterator[Notice]:
    yield from _unread(device, host)
    yield from _held_memory(device, host)
    yield from _cut_in_slices(device)
    yield from _lowered_power(device)
    yield from _narrow_link(device)
    yield from _display(device)


def _unread(device: Device, host: Host) -> Iterator[Notice]:
    reason = device.reason_unread
    # graphics inside a processor are no fault, and a Jetson needs no NVML
    if reason is None or _SHARED in reason or (device.unified and device.vendor == "nvidia"):
        return
    advice = "see what the vendor's own tool says of it"
    if _SILENT in reason:
        advice = _driver_advice(reason, host)
    if device.unified:
        advice = "plan with the RAM that is available, less a reserve"
    yield Notice(code="unread", weight="warning", device=device.index, says=reason, advice=advice)


def _driver_advice(reason: str, host: Host) -> str:
    """By NVML's own words for what is wrong."""
    lowered = reason.lower()
    if "mismatch" in lowered:
        return "the driver was updated while it ran: restart the machine"
    if "permission" in lowered:
        return "your user may not open the card: check the groups that own /dev/nvidia*"
    if host.virtualization == "container":
        return "start the container with the card: --gpus all, which needs the NVIDIA Container Toolkit outside"
    if is_wsl(host):
        return "install NVIDIA's driver in Windows, none inside WSL; then wsl --update and wsl --shutdown"
    if "not found" in lowered:
        return "install NVIDIA's driver, then restart the machine"
    return "restart the machine; if that does not help, install NVIDIA's driver anew"


def _held_memory(device: Device, host: Host) -> Iterator[Notice]:
    """Programs that the driver lists, then memory that is in use beyond theirs and the driver's own."""
    if device.memory_bytes is None or device.free_bytes is None or device.mig:
        return
    of_all = f"of {units.gib(device.memory_bytes)}"
    held = device.memory_bytes - device.free_bytes - (device.reserved_bytes or 0)
    rest = held - (device.other_processes_bytes or 0)
    if is_wsl(host):
        yield from [_held_by_windows(device, f"{units.gib(rest)} {of_all}")] if rest >= UNEXPLAINED_BYTES else []
        return
    yield from [_other_programs(device, of_all)] if device.other_processes else []
    is_explained = device.other_processes and device.other_processes_bytes is None
    if rest >= UNEXPLAINED_BYTES and not is_explained:
        yield _held_by_the_unlisted(device, f"{units.gib(rest)} {of_all}", host)


def _held_by_windows(device: Device, amount: str) -> Notice:
    return Notice(
        code="windows-holds-memory",
        weight="warning",
        device=device.index,
        says=f"Windows and its programs hold {amount}; WSL does not show which",
        advice="close browsers and games in Windows, or let the display use another graphics chip; "
        "leave a reserve, since Windows may take more at any time",
    )


def _held_by_the_unlisted(device: Device, amount: str, host: Host) -> Notice:
    who = "a program outside this container" if host.virtualization == "container" else "a program that is not listed"
    return Notice(
        code="memory-held",
        weight="warning",
        device=device.index,
        says=f"{amount} are in use by {who}, or by the driver",
        advice="look with the vendor's tool, outside of containers, and end what is not needed",
    )


def _other_programs(device: Device, of_all: str) -> Notice:
    count = f"{device.other_processes} other program" + ("" if device.other_processes == 1 else "s")
    held = "an unknown part" if device.other_processes_bytes is None else units.gib(device.other_processes_bytes)
    verb = "holds" if device.other_processes == 1 else "hold"
    return Notice(
        code="other-programs",
        weight="warning",
        device=device.index,
        says=f"{count} {verb} {held} {of_all}",
        advice="nvidia-smi lists them; end what is not needed, or plan with the memory that is free",
    )


def _cut_in_slices(device: Device) -> Iterator[Notice]:
    if device.mig:
        slices = ", ".join(map(units.gib, device.mig_slices_bytes)) or "none made yet"
        yield Notice(
            code="mig",
            weight="warning",
            device=device.index,
            says=f"MIG is on: a program gets one slice of the card, not the whole (slices: {slices})",
            advice=f"plan for a slice, or turn MIG off: sudo nvidia-smi -i {device.index} -mig 0",
        )


def _lowered_power(device: Device) -> Iterator[Notice]:
    limit, usual = device.power_limit_w, device.power_limit_default_w
    if limit is None or usual is None or limit >= usual - LOWERED_W:
        return
    advice = "raise it with the vendor's tool"
    if device.vendor == "nvidia":
        advice = f"to lift it: sudo nvidia-smi -i {device.index} -pl {usual:.0f}"
    yield Notice(
        code="power-lowered",
        weight="note",
        device=device.index,
        says=f"its power limit is {limit:.0f} W, {usual:.0f} W by default: it may compute slower, for less energy",
        advice=f"{advice}; or leave it, and name the limit beside your numbers",
    )


def _narrow_link(device: Device) -> Iterator[Notice]:
    width, most = device.pcie_width, device.pcie_width_max
    if width is None or most is None or width >= most:
        return
    yield Notice(
        code="pcie-narrow",
        weight="note",
        device=device.index,
        says=f"its PCIe link runs on {width} of {most} lanes; some cards narrow it while they idle",
        advice="look again under load; if it stays so, another slot or a reseated card loads models faster",
    )


def _display(device: Device) -> Iterator[Notice]:
    if device.display_attached and not device.unified:
        yield Notice(
            code="display-attached",
            weight="note",
            device=device.index,
            says="a display is attached to it: the desktop takes some of its memory, and more as windows open",
            advice="attach the display to another graphics chip, or leave a reserve",
        )


def _about_wsl(host: Host, on_windows_drive: tuple[str, ...]) -> Iterator[Notice]:
    """Microsoft's documentation of .wslconfig: `memory` is by default half of the memory of Windows."""
    yield Notice(
        code="wsl-memory-cap",
        weight="note",
        says=f"WSL may use {units.gib(host.ram_bytes)} of RAM; unless set otherwise, that is half of what Windows has",
        advice="memory=... under [wsl2] in %UserProfile%\\.wslconfig raises it; then wsl --shutdown",
    )
    for folder in on_windows_drive:
        yield Notice(
            code="windows-drive",
            weight="warning",
            says=f"{folder} is on a drive of Windows, which WSL reads far slower than its own disk",
            advice="move models to a folder on the disk of WSL, such as one below your home folder there",
        )


def _about_missing(host: Host) -> Iterator[Notice]:
    if host.devices:
        return
    if is_wsl(host):
        advice = "if there is one: install NVIDIA's driver in Windows, none inside WSL; then wsl --update"
    elif host.virtualization == "container":
        advice = (
            "if there is one: start the container with it (--gpus all; for AMD --device /dev/kfd --device /dev/dri)"
        )
    else:
        return
    where = "WSL" if is_wsl(host) else "this container"
    yield Notice(code="no-gpu-seen", weight="note", says=f"no GPU is seen from inside {where}", advice=advice)
