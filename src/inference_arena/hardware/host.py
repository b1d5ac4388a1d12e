"""The machine as the operating system describes it -> Host. Holds no host name, no serial number, no path.

Unknown stays None; nothing here raises because a file is missing.
"""

import os
import platform
import subprocess
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import psutil

from inference_arena.facts import Device, Host
from inference_arena.hardware.apple import apple_device
from inference_arena.hardware.cgroup import cpu_quota_cores, memory_left_bytes, memory_limit_bytes
from inference_arena.hardware.devices import is_discrete, is_unified, read_devices
from inference_arena.hardware.files import read_text
from inference_arena.hardware.links import read_links
from inference_arena.hardware.nvidia import open_nvml
from inference_arena.hardware.processor import cpu_features, cpu_model, physical_cores
from inference_arena.hardware.tools import Run, run_tool
from inference_arena.hardware.virtualization import read_virtualization


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Memory of one kind: all of it, and what is free to use."""

    total_bytes: int
    free_bytes: int


def _affinity_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _ram() -> Amount:
    ram = psutil.virtual_memory()
    return Amount(total_bytes=ram.total, free_bytes=ram.available)


def _swap() -> Amount:
    with warnings.catch_warnings():
        # psutil warns where /proc/vmstat is closed; only the paging counters, unused here, come from it
        warnings.simplefilter("ignore")
        swap = psutil.swap_memory()
    return Amount(total_bytes=swap.total, free_bytes=swap.free)


@cache
def _sysctl(name: str) -> str | None:
    """One answer of macOS's sysctl; None elsewhere and for names that it does not have."""
    if platform.system() != "Darwin":
        return None
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True)
        return asked.stdout.strip() or None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the world is read: files below `root`, and what only calls can tell. Tests bring their own."""

    root: Path = Path("/")
    system: Callable[[], str] = platform.system
    release: Callable[[], str] = platform.release
    architecture: Callable[[], str] = platform.machine
    macos_version: Callable[[], str] = lambda: platform.mac_ver()[0]
    affinity_cores: Callable[[], int] = _affinity_cores
    ram: Callable[[], Amount] = _ram
    swap: Callable[[], Amount] = _swap
    load_average: Callable[[], tuple[float, float, float]] = os.getloadavg
    sysctl: Callable[[str], str | None] = _sysctl
    nvml: Callable[[], Any] = open_nvml
    run: Run = run_tool
    own_pid: Callable[[], int] = os.getpid


def read_host(sources: Sources | None = None) -> Host:
    """This machine, as a record remembers it."""
    sources = sources or Sources()
    root, sysctl = sources.root, sources.sysctl
    ram, swap = _limited_ram(sources), _amount(sources.swap)
    model = cpu_model(root, sysctl)
    devices = _devices(sources, model)
    return Host(
        hw_class=_hw_class(devices),
        cpu_model=model,
        cpu_cores=_usable_cores(sources),
        cpu_physical_cores=physical_cores(root, sysctl),
        cpu_features=cpu_features(root, sysctl),
        ram_bytes=ram.total_bytes,
        ram_available_bytes=ram.free_bytes,
        swap_bytes=swap.total_bytes,
        swap_used_bytes=max(0, swap.total_bytes - swap.free_bytes),
        load_average_1m=_load_average_1m(sources),
        os=_os_name(sources),
        kernel=read_text(root / "proc/sys/kernel/osrelease") or sources.release(),
        architecture=sources.architecture(),
        virtualization=read_virtualization(root, sysctl),
        devices=devices,
        links=read_links(nvml=sources.nvml) if sum(device.vendor == "nvidia" for device in devices) > 1 else (),
    )


def _devices(sources: Sources, model: str | None) -> tuple[Device, ...]:
    if sources.system() != "Darwin":
        return read_devices(root=sources.root, nvml=sources.nvml, run=sources.run, own_pid=sources.own_pid())
    if sources.architecture() != "arm64":
        return ()
    return (apple_device(chip=model or "Apple silicon", run=sources.run, sysctl=sources.sysctl),)


def _hw_class(devices: tuple[Device, ...]) -> Literal["discrete", "unified", "cpu"]:
    if any(is_discrete(device) for device in devices):
        return "discrete"
    return "unified" if any(is_unified(device) for device in devices) else "cpu"


def _usable_cores(sources: Sources) -> int:
    """What affinity and quota both allow, in whole cores: one and a half are one, less than one is one."""
    cores, quota = sources.affinity_cores(), cpu_quota_cores(sources.root)
    return max(1, cores if quota is None else min(cores, int(quota)))


def _limited_ram(sources: Sources) -> Amount:
    ram = _amount(sources.ram)
    limit, left = memory_limit_bytes(sources.root), memory_left_bytes(sources.root)
    total_bytes = ram.total_bytes if limit is None else min(ram.total_bytes, limit)
    free_bytes = ram.free_bytes if left is None else min(ram.free_bytes, left)
    return Amount(total_bytes=total_bytes, free_bytes=min(free_bytes, total_bytes))


def _amount(ask: Callable[[], Amount]) -> Amount:
    """Host has no unknown amount of memory, so an operating system that will not say counts as having none."""
    try:
        return ask()
    except (OSError, ValueError, RuntimeError, psutil.Error):
        return Amount(total_bytes=0, free_bytes=0)


def _load_average_1m(sources: Sources) -> float | None:
    try:
        return sources.load_average()[0]
    except OSError:
        return None


def _os_name(sources: Sources) -> str:
    if sources.system() == "Darwin":
        return f"macOS {sources.macos_version()}".strip()
    for place in ("etc/os-release", "usr/lib/os-release"):
        for line in (read_text(sources.root / place) or "").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.removeprefix("PRETTY_NAME=").strip("\"'")
    return sources.system() or "unknown"
