"""NVIDIA's accelerators through their driver's library, NVML; and what the driver's files tell where that is silent.

Each number is asked for by itself, because drivers answer some questions and refuse others: on GB10 there is no
memory of the card's own to report, in a container power limits are often closed, under WSL processes have no memory
of their own. No serial numbers and no UUIDs are read; of processes only how many there are.
"""

import ctypes
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from inference_arena.facts import Device
from inference_arena.hardware.files import exists, read_text
from inference_arena.hardware.names import pci_name
from inference_arena.hardware.pci import slot

Answer = TypeVar("Answer")

# chips whose GPU has no memory of its own: it shares the processor's
_UNIFIED = ("GB10", "Orin", "Thor", "Xavier", "Tegra")
SILENT = "the NVIDIA driver does not answer"
SHARED = "it shares the machine's RAM"
# Windows' driver puts it there for WSL; distributions that come without WSL's entry for the loader do not find it
_WSL_LIBRARY = Path("/usr/lib/wsl/lib/libnvidia-ml.so.1")
_VERSION = re.compile(r"\b\d{3}\.\d+(?:\.\d+)?\b")


def open_nvml() -> Any:
    """The vendor's library, started. Raises what it raises where there is no driver."""
    import pynvml  # noqa: PLC0415 - 330 kB of Python that machines without the driver need not read

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError_LibraryNotFound:
        if not exists(_WSL_LIBRARY):
            raise
        ctypes.CDLL(str(_WSL_LIBRARY))  # once loaded, the loader finds it by its plain name
        pynvml.nvmlInit()
    return pynvml


def read_nvidia(*, nvml: Callable[[], Any], own_pid: int) -> tuple[list[Device], str | None]:
    """The driver's devices, in its order; and where it answers for none, the reason."""
    try:
        library = nvml()
    except Exception as error:  # noqa: BLE001 - a missing library, a broken driver and a mismatch all end here
        return [], f"{SILENT}: {error}"
    try:
        return [_device(library, index, own_pid) for index in range(library.nvmlDeviceGetCount())], None
    except Exception as error:  # noqa: BLE001 - as above
        return [], f"{SILENT}: {error}"
    finally:
        _ask(library.nvmlShutdown)


def unread_nvidia(folder: Path, *, root: Path, index: int, reason: str) -> Device:
    """A card whose driver is silent, by what the kernel's part of the driver and the list of PCI names say of it."""
    name = _name_from_driver(root, slot(folder)) or _name_from_list(root, folder)
    kernel_part = _VERSION.search(read_text(root / "proc/driver/nvidia/version") or "")
    version = kernel_part[0] if kernel_part else None
    return Device(index=index, vendor="nvidia", name=name, driver_version=version, reason_unread=reason)


def jetson(root: Path, *, index: int, reason: str | None) -> Device | None:
    """A Jetson whose driver has no NVML, as before JetPack 6, known by its board's name; None for other machines."""
    model = read_text(root / "proc/device-tree/model") or ""
    if not model.startswith("NVIDIA") or not any(word in model for word in ("Jetson", *_UNIFIED)):
        return None
    return Device(index=index, vendor="nvidia", name=model, unified=True, reason_unread=reason or SHARED)


def _device(nvml: Any, index: int, own_pid: int) -> Device:
    handle = _ask(lambda: nvml.nvmlDeviceGetHandleByIndex(index))
    if handle is None:
        return Device(index=index, vendor="nvidia", reason_unread="the driver lists it but does not open it")
    name = _ask(lambda: str(nvml.nvmlDeviceGetName(handle)))
    unified = any(word in _UNIFIED for word in (name or "").split())
    return Device(
        index=index,
        vendor="nvidia",
        name=name,
        unified=unified,
        driver_version=_ask(lambda: str(nvml.nvmlSystemGetDriverVersion())),
        runtime_version=_ask(lambda: _cuda_version(nvml.nvmlSystemGetCudaDriverVersion_v2())),
        compute_capability=_ask(lambda: "{}.{}".format(*nvml.nvmlDeviceGetCudaComputeCapability(handle))),
        # some drivers tell the RAM as the memory of a chip that shares it; the host has it already
        **({} if unified else _memory(nvml, handle)),
        **_power_and_clocks(nvml, handle),
        **_link(nvml, handle),
        **_modes(nvml, handle),
        **_other_processes(nvml, handle, own_pid),
    )


def _memory(nvml: Any, handle: Any) -> Mapping[str, Any]:
    memory: Any = _ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    return {
        "memory_bytes": _ask(lambda: int(memory.total)) or None,
        "free_bytes": _ask(lambda: int(memory.free)),
        # only the second version of the answer tells what the driver keeps for itself
        "reserved_bytes": _ask(lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2).reserved)),
    }


def _power_and_clocks(nvml: Any, handle: Any) -> Mapping[str, Any]:
    return {
        "power_limit_w": _ask(lambda: float(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1000),
        "power_limit_default_w": _ask(lambda: float(nvml.nvmlDeviceGetPowerManagementDefaultLimit(handle)) / 1000),
        "sm_clock_hz": _ask(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6),
        "sm_clock_max_hz": _ask(lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6),
        "memory_clock_hz": _ask(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM) * 1e6),
        "memory_clock_max_hz": _ask(lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_MEM) * 1e6),
    }


def _link(nvml: Any, handle: Any) -> Mapping[str, Any]:
    return {
        "pcie_generation": _ask(lambda: int(nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle))),
        "pcie_generation_max": _ask(lambda: int(nvml.nvmlDeviceGetMaxPcieLinkGeneration(handle))),
        "pcie_width": _ask(lambda: int(nvml.nvmlDeviceGetCurrPcieLinkWidth(handle))),
        "pcie_width_max": _ask(lambda: int(nvml.nvmlDeviceGetMaxPcieLinkWidth(handle))),
    }


def _modes(nvml: Any, handle: Any) -> Mapping[str, Any]:
    mig = _ask(lambda: nvml.nvmlDeviceGetMigMode(handle)[0] == 1)
    return {
        "ecc": _ask(lambda: nvml.nvmlDeviceGetEccMode(handle)[0] == 1),
        "mig": mig,
        "mig_slices_bytes": tuple(_slices(nvml, handle)) if mig else (),
        # not the display mode: a data-centre card without a connector (H100) reports that as enabled
        "display_attached": _ask(lambda: nvml.nvmlDeviceGetDisplayActive(handle) == 1),
    }


def _slices(nvml: Any, handle: Any) -> Iterable[int]:
    """Memory of each slice that a card in MIG mode is cut into."""
    for number in range(_ask(lambda: int(nvml.nvmlDeviceGetMaxMigDeviceCount(handle))) or 0):
        size = _ask(partial(_slice_bytes, nvml, handle, number))
        yield from [] if size is None else [size]


def _slice_bytes(nvml: Any, handle: Any, number: int) -> int:
    return int(nvml.nvmlDeviceGetMemoryInfo(nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)).total)


def _other_processes(nvml: Any, handle: Any, own_pid: int) -> Mapping[str, Any]:
    """How many programs use the card besides ours, and their memory; a program that computes and draws is one."""
    computing: Any = _ask(lambda: list(nvml.nvmlDeviceGetComputeRunningProcesses(handle)))
    drawing: Any = _ask(lambda: list(nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)))
    if computing is None:
        return {"other_processes": None, "other_processes_bytes": None}
    held: dict[int, int | None] = {}
    for process in [*computing, *(drawing or [])]:
        before = held.get(process.pid, 0)
        told = process.usedGpuMemory
        held[process.pid] = None if before is None or told is None else max(before, int(told))
    held.pop(own_pid, None)
    sizes = list(held.values())
    known = [size for size in sizes if size is not None]
    return {
        "other_processes": len(sizes),
        "other_processes_bytes": sum(known) if len(known) == len(sizes) else None,
    }


def _name_from_driver(root: Path, place: str | None) -> str | None:
    """Of the driver's file about a card only the line with its model: others hold its UUID."""
    for line in (read_text(root / f"proc/driver/nvidia/gpus/{place}/information") or "").splitlines():
        if line.startswith("Model:"):
            return line.removeprefix("Model:").strip() or None
    return None


def _name_from_list(root: Path, folder: Path) -> str | None:
    name = pci_name(root, vendor="0x10de", device=read_text(folder / "device") or "")
    return f"NVIDIA {name}" if name else None


def _cuda_version(number: int) -> str:
    """12080 is CUDA 12.8."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers fail in many ways, and each means: unknown
        return None
