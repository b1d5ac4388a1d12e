"""Apple's chips: GPU cores by system_profiler, and how much of the RAM Metal lets the GPU hold.

Never tried on real hardware. No share of the RAM is assumed, because none holds: logs of llama.cpp show 11,453 MB of
16 GiB (67 %), 14,302 of 18 (74 %), 26,800 of 32 and 30,150 of 36 (78 %). Metal is asked, and else the limit that a
person has set; where neither answers it stays unknown.
"""

import sys
from collections.abc import Callable
from contextlib import suppress

from inference_arena.facts import Device
from inference_arena.hardware.tools import Run, part, read_json, rows, whole

_MIB = 1024**2

# In a process of its own: what is wrong with a call into Objective-C ends that process, not this one.
# Metal gives a program without windows a device only once Core Graphics is loaded.
METAL_QUESTION = """
import ctypes
frameworks = "/System/Library/Frameworks"
ctypes.CDLL(f"{frameworks}/CoreGraphics.framework/CoreGraphics")
metal = ctypes.CDLL(f"{frameworks}/Metal.framework/Metal")
runtime = ctypes.CDLL("/usr/lib/libobjc.A.dylib")
metal.MTLCreateSystemDefaultDevice.restype = ctypes.c_void_p
runtime.sel_registerName.restype = ctypes.c_void_p
runtime.sel_registerName.argtypes = [ctypes.c_char_p]
send = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p)(("objc_msgSend", runtime))
device = metal.MTLCreateSystemDefaultDevice()
print(send(device, runtime.sel_registerName(b"recommendedMaxWorkingSetSize")) if device else 0)
"""


def apple_device(*, chip: str, run: Run, sysctl: Callable[[str], str | None]) -> Device:
    limit = _metal_bytes(run)
    set_by_hand = _wired_limit_bytes(sysctl)
    return Device(
        index=0,
        vendor="apple",
        name=chip,
        unified=True,
        gpu_cores=_gpu_cores(run),
        working_set_bytes=limit or set_by_hand,
        working_set_from="metal" if limit else "wired-limit" if set_by_hand else None,
        reason_unread=None if limit or set_by_hand else "Metal did not say how much of the RAM it may hold",
    )


def _metal_bytes(run: Run) -> int | None:
    with suppress(ValueError):
        return int((run((sys.executable, "-I", "-c", METAL_QUESTION)) or "").strip()) or None
    return None


def _wired_limit_bytes(sysctl: Callable[[str], str | None]) -> int | None:
    """MacOS 14 and later count in MiB, 13 in bytes; 0 is the system's own choice, which is not told."""
    limits = (("iogpu.wired_limit_mb", _MIB), ("debug.iogpu.wired_limit", 1))
    said = [(whole(sysctl(name)) or 0) * scale for name, scale in limits]
    return next((limit for limit in said if limit), None)


def _gpu_cores(run: Run) -> int | None:
    """Cores tell apart chips of one name. The tool's words are translated on a Mac, its keys are not."""
    answer = read_json(run(("system_profiler", "SPDisplaysDataType", "-json")))
    cores = (whole(display.get("sppci_cores")) for display in rows(part(answer, "SPDisplaysDataType")))
    return next((count for count in cores if count), None)
