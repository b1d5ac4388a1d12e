"""Every accelerator of a machine, whoever made it. Knows which reader answers for which vendor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from inference_arena.facts import Device
from inference_arena.hardware.amd import amd_device, ask_tools, is_accelerator
from inference_arena.hardware.intel import ask_tool, intel_device, is_card
from inference_arena.hardware.nvidia import jetson, read_nvidia, unread_nvidia
from inference_arena.hardware.pci import pci_folders, vendor
from inference_arena.hardware.tools import Run

# vendor -> the real hardware on which its reader was tried; empty: none yet
TRIED: Final[dict[str, str]] = {"nvidia": "H100 80GB HBM3, driver 580.159.04", "amd": "", "intel": "", "apple": ""}


def read_devices(
    *,
    root: Path,
    nvml: Callable[[], Any],
    run: Run,
    own_pid: int,
) -> tuple[Device, ...]:
    """Every accelerator of a machine with PCI: NVIDIA's in the driver's order, then the others."""
    devices, reason = read_nvidia(nvml=nvml, own_pid=own_pid)
    folders = list(pci_folders(root))
    amd = ask_tools(run) if any(vendor(one) == "amd" and is_accelerator(one) for one in folders) else ()
    intel = ask_tool(run) if any(vendor(one) == "intel" and is_card(one) for one in folders) else {}
    for folder in folders:
        index, maker = len(devices), vendor(folder)
        if maker == "amd":
            devices.append(amd_device(folder, root=root, index=index, told=amd))
        elif maker == "intel" and is_card(folder):
            devices.append(intel_device(folder, root=root, index=index, told=intel))
        elif maker == "nvidia" and reason is not None:
            devices.append(unread_nvidia(folder, root=root, index=index, reason=reason))
    if not any(device.vendor == "nvidia" for device in devices):
        board = jetson(root, index=len(devices), reason=reason)
        devices += [] if board is None else [board]
    return tuple(devices)


def is_unified(device: Device) -> bool:
    """True for chips known to share the machine's RAM and to be used for models nevertheless."""
    return device.unified is True


def is_discrete(device: Device) -> bool:
    """True for cards with memory of their own; an AMD device counts only where its driver shows that memory."""
    if device.vendor == "amd":
        return device.memory_bytes is not None and not is_unified(device)
    return not is_unified(device)
