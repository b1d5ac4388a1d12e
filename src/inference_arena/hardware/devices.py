"""Accelerators: NVIDIA's through its driver, others by what the kernel's PCI files tell.

Each number is asked for by itself, because drivers answer some questions and refuse others: on GB10 there is no
memory of the card's own to report, in a container power limits are often closed. No serial numbers are read.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

from inference_arena.facts import Device
from inference_arena.hardware.files import children, exists, read_int, read_text

Answer = TypeVar("Answer")

_VENDORS: dict[str, Literal["nvidia", "amd", "intel"]] = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
# PCI base classes: 03 display controller, 12 processing accelerator (AMD Instinct)
_PCI_CLASSES = ("0x03", "0x12")
# NVIDIA chips whose GPU has no memory of its own: it shares the processor's
_UNIFIED_NVIDIA = ("GB10", "Orin", "Thor", "Xavier", "Tegra")
# AMD processors sold for running models from shared memory: Strix Halo (Radeon 8050S, 8060S), PCI id 1586
_UNIFIED_AMD = ("0x1586",)
_SHARED = "it shares the machine's RAM"


def open_nvml() -> Any:
    """The vendor's library, started. Raises what it raises where there is no driver."""
    import pynvml  # noqa: PLC0415 - 330 kB of Python that machines without the driver need not read

    pynvml.nvmlInit()
    return pynvml


def read_devices(*, root: Path, nvml: Callable[[], Any], apple_chip: str | None = None) -> tuple[Device, ...]:
    """Every accelerator here: NVIDIA's in the driver's order, then the others."""
    if apple_chip:
        return (Device(index=0, vendor="apple", name=apple_chip, reason_unread=_SHARED),)
    devices, reason = _read_nvidia(nvml)
    for folder in _pci_folders(root):
        found = _noticed(folder, index=len(devices), nvidia_reason=reason)
        devices += [found] if found is not None else []
    return tuple(devices)


def is_unified(device: Device) -> bool:
    """True for chips known to share the machine's RAM and to be used for models nevertheless."""
    name = device.name or ""
    if device.vendor == "nvidia":
        return any(word in name.split() for word in _UNIFIED_NVIDIA)
    return device.vendor == "apple" or (device.vendor == "amd" and "Strix Halo" in name)


def is_discrete(device: Device) -> bool:
    """True for cards with memory of their own; an AMD device counts only where its driver shows that memory."""
    if device.vendor == "amd":
        return device.memory_bytes is not None
    return not is_unified(device)


def _read_nvidia(nvml: Callable[[], Any]) -> tuple[list[Device], str | None]:
    """The driver's devices; and where it answers for none, the reason."""
    try:
        library = nvml()
    except Exception as error:  # noqa: BLE001 - a missing library, a broken driver and a mismatch all end here
        return [], f"the NVIDIA driver does not answer: {error}"
    try:
        return [_nvidia_device(library, index) for index in range(library.nvmlDeviceGetCount())], None
    except Exception as error:  # noqa: BLE001 - as above
        return [], f"the NVIDIA driver does not answer: {error}"
    finally:
        _ask(library.nvmlShutdown)


def _nvidia_device(nvml: Any, index: int) -> Device:
    handle = _ask(lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if handle is None:
        return Device(index=index, vendor="nvidia", reason_unread="the driver lists it but does not open it")
    memory: Any = _ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    return Device(
        index=index,
        vendor="nvidia",
        name=_ask(lambda: str(nvml.nvmlDeviceGetName(handle))),
        memory_bytes=_ask(lambda: int(memory.total)),
        free_bytes=_ask(lambda: int(memory.free)),
        driver_version=_ask(lambda: str(nvml.nvmlSystemGetDriverVersion())),
        runtime_version=_ask(lambda: _cuda_version(nvml.nvmlSystemGetCudaDriverVersion_v2())),
        compute_capability=_ask(lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle))),
        power_limit_w=_ask(lambda: float(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1000),
    )


def _cuda_version(number: int) -> str:
    """12080 is CUDA 12.8."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers fail in many ways, and each means: unknown
        return None


def _pci_folders(root: Path) -> Iterator[Path]:
    """Graphics cards of the kernel's list, then PCI devices of such a class without a driver, each once."""
    seen: set[str | None] = set()
    cards = [card / "device" for card in children(root / "sys/class/drm", "card[0-9]*") if card.name[4:].isdecimal()]
    pci = children(root / "sys/bus/pci/devices", "*")
    for folder in [*cards, *(f for f in pci if (read_text(f / "class") or "").startswith(_PCI_CLASSES))]:
        slot = _slot(folder)
        if slot is None or slot not in seen:
            yield folder
        seen.add(slot)


def _slot(folder: Path) -> str | None:
    """Where the device sits, such as 0000:03:00.0; None where it is no PCI device."""
    lines = (read_text(folder / "uevent") or "").splitlines()
    return next((line.removeprefix("PCI_SLOT_NAME=") for line in lines if line.startswith("PCI_SLOT_NAME=")), None)


def _noticed(folder: Path, *, index: int, nvidia_reason: str | None) -> Device | None:
    """A card known by its files alone; None for what is no accelerator or was read through its driver."""
    vendor = _VENDORS.get(read_text(folder / "vendor") or "")
    if vendor == "amd":
        return _amd_device(folder, index)
    if vendor == "nvidia" and nvidia_reason is not None:
        return Device(index=index, vendor="nvidia", reason_unread=nvidia_reason)
    if vendor == "intel" and _is_discrete_intel(folder):
        return Device(index=index, vendor="intel", reason_unread="no reader for Intel's driver yet")
    return None


def _is_discrete_intel(folder: Path) -> bool:
    """Intel's integrated graphics sit on the first PCI bus; a card sits behind a bridge. Unknown is taken as no."""
    _, _, rest = (_slot(folder) or "").partition(":")
    return bool(rest) and not rest.startswith("00:")


def _amd_device(folder: Path, index: int) -> Device:
    """The amdgpu driver shows a power cap for cards only, never for graphics inside a processor."""
    caps = children(folder, "hwmon/hwmon*/power1_cap")
    unified = read_text(folder / "device") in _UNIFIED_AMD
    total, used = read_int(folder / "mem_info_vram_total"), read_int(folder / "mem_info_vram_used")
    cap_uw = read_int(caps[0]) if caps else None
    unread = "no reader for AMD's driver yet; memory and power limit are the kernel's figures"
    loaded = exists(folder / "driver") or total is not None
    return Device(
        index=index,
        vendor="amd",
        name=read_text(folder / "product_name") or ("Strix Halo" if unified else None),
        memory_bytes=total if caps else None,
        free_bytes=total - used if caps and total is not None and used is not None else None,
        power_limit_w=cap_uw / 1e6 if cap_uw is not None else None,
        reason_unread=unread if caps else _SHARED if loaded else "no driver is loaded for it",
    )
