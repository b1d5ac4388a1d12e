"""Whether the machine is a real one, by the traces that containers, WSL and hypervisors leave in files."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from inference_arena.hardware.files import exists, read_text
from inference_arena.hardware.processor import has_hypervisor_flag

Virtualization = Literal["none", "container", "vm", "wsl"]

_CONTAINER_FILES = (".dockerenv", "run/.containerenv", "run/systemd/container")
_CONTAINER_GROUPS = re.compile(r"docker|kubepods|containerd|libpod|podman|lxc")
# Asked where the processor does not say (arm64): what the firmware of virtual machines calls itself
_VM_FIRMWARE = re.compile(
    "QEMU|VMware|innotek|Xen|Parallels|KVM|OpenStack|Google Compute Engine|Virtual Machine|vServer|Droplet"
    r"|Amazon EC2(?!.*\.metal)"
)


def read_virtualization(root: Path, sysctl: Callable[[str], str | None]) -> Virtualization | None:
    """The innermost layer: a container inside a virtual machine is a container. None where nothing tells."""
    if _is_container(root):
        return "container"
    version = read_text(root / "proc/version")
    if "microsoft" in (version or "").lower():
        return "wsl"
    if _is_vm(root, sysctl):
        return "vm"
    told = (version, read_text(root / "proc/cpuinfo"), sysctl("kern.hv_vmm_present"))
    return "none" if any(told) else None


def _is_container(root: Path) -> bool:
    if any(exists(root / name) for name in _CONTAINER_FILES):
        return True
    return bool(_CONTAINER_GROUPS.search(read_text(root / "proc/1/cgroup") or ""))


def _is_vm(root: Path, sysctl: Callable[[str], str | None]) -> bool:
    flag = has_hypervisor_flag(root)
    if flag is not None:
        return flag
    if sysctl("kern.hv_vmm_present") == "1":
        return True
    firmware = (read_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name"))
    return bool(_VM_FIRMWARE.search(" ".join(text for text in firmware if text)))
