"""Whole machines as trees of small files, written below a folder, and a driver library that answers as told."""

from pathlib import Path
from types import SimpleNamespace

from inference_arena.hardware import Sources
from inference_arena.hardware.host import Amount

GIB = 1024**3

RYZEN_FLAGS = "fpu sse sse4_2 fma f16c avx avx2 bmi2 avx512f avx512_bf16 avx512_vnni sha_ni"
OS_RELEASE = 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\n'


def cpuinfo(*, model: str, flags: str, cores: int, threads_per_core: int = 1) -> str:
    blocks = []
    for number in range(cores * threads_per_core):
        words = {"processor": number, "vendor_id": "x", "model name": model, "physical id": 0}
        words |= {"core id": number % cores, "flags": flags}
        blocks.append("\n".join(f"{key}\t: {value}" for key, value in words.items()))
    return "\n\n".join(blocks) + "\n"


def write_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def ryzen_desktop(root: Path) -> Path:
    return write_tree(
        root,
        {
            "proc/cpuinfo": cpuinfo(
                model="AMD Ryzen 9  7950X 16-Core Processor", flags=RYZEN_FLAGS, cores=16, threads_per_core=2
            ),
            "proc/version": "Linux version 6.8.0-45-generic (buildd@lcy02) #45-Ubuntu SMP\n",
            "proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
            "proc/1/cgroup": "0::/init.scope\n",
            "proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n",
            "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/memory.max": "max\n",
            "sys/class/dmi/id/sys_vendor": "ASUS\n",
            "etc/os-release": OS_RELEASE,
            # the small GPU inside the processor: a driver, some carved-out memory, no power cap
            "sys/class/drm/card1/device/vendor": "0x1002\n",
            "sys/class/drm/card1/device/device": "0x164e\n",
            "sys/class/drm/card1/device/uevent": "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:6d:00.0\n",
            "sys/class/drm/card1/device/mem_info_vram_total": "536870912\n",
            "sys/class/drm/card1-DP-1/device/vendor": "0x1002\n",
        },
    )


def radeon_card(root: Path) -> Path:
    folder = "sys/class/drm/card0/device"
    return write_tree(
        root,
        {
            f"{folder}/vendor": "0x1002\n",
            f"{folder}/device": "0x744c\n",
            f"{folder}/uevent": "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:03:00.0\n",
            f"{folder}/mem_info_vram_total": f"{24 * GIB}\n",
            f"{folder}/mem_info_vram_used": f"{1 * GIB}\n",
            f"{folder}/hwmon/hwmon3/power1_cap": "303000000\n",
            "sys/bus/pci/devices/0000:03:00.0/vendor": "0x1002\n",
            "sys/bus/pci/devices/0000:03:00.0/class": "0x030000\n",
            "sys/bus/pci/devices/0000:03:00.0/uevent": "PCI_SLOT_NAME=0000:03:00.0\n",
        },
    )


def docker_container(root: Path) -> Path:
    return write_tree(
        root,
        {
            "proc/cpuinfo": cpuinfo(model="Intel(R) Xeon(R) Gold 6338", flags="avx avx2 avx512f fma", cores=32),
            "proc/version": "Linux version 5.15.0-91-generic\n",
            "proc/sys/kernel/osrelease": "5.15.0-91-generic\n",
            "proc/1/cgroup": "0::/\n",
            "proc/self/cgroup": "0::/\n",
            ".dockerenv": "",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
            "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {1 * GIB}\nactive_file 7\n",
            "usr/lib/os-release": 'PRETTY_NAME="Alpine Linux v3.20"\n',
        },
    )


def cgroup_v1_container(root: Path) -> Path:
    group = "docker/0123456789ab"
    return write_tree(
        root,
        {
            "proc/cpuinfo": cpuinfo(model="Intel(R) Xeon(R)", flags="avx", cores=8),
            "proc/1/cgroup": f"4:cpu,cpuacct:/{group}\n3:memory:/{group}\n",
            "proc/self/cgroup": f"4:cpu,cpuacct:/{group}\n3:memory:/{group}\n1:name=systemd:/{group}\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{1 * GIB}\n",
        },
    )


def wsl2(root: Path) -> Path:
    return write_tree(
        root,
        {
            "proc/cpuinfo": cpuinfo(model="13th Gen Intel(R) Core(TM)", flags="avx avx2 hypervisor", cores=4),
            "proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@x)\n",
            "proc/1/cgroup": "0::/init.scope\n",
            "proc/self/cgroup": "0::/\n",
        },
    )


def firecracker_vm(root: Path) -> Path:
    return write_tree(
        root,
        {
            "proc/cpuinfo": cpuinfo(
                model="Intel(R) Xeon(R) Processor @ 2.60GHz", flags="avx avx512f amx_int8 amx_bf16 hypervisor", cores=2
            ),
            "proc/version": "Linux version 6.1.102 (builder@x)\n",
            "proc/1/cgroup": "0::/\n",
            "proc/self/cgroup": "0::/\n",
        },
    )


def no_driver() -> object:
    raise OSError("NVML Shared Library Not Found")


def ram_of(gib: int) -> Amount:
    return Amount(total_bytes=gib * GIB, free_bytes=gib * GIB // 2)


def sources(root: Path, **others: object) -> Sources:
    told: dict[str, object] = {
        "root": root,
        "system": lambda: "Linux",
        "release": lambda: "unused",
        "architecture": lambda: "x86_64",
        "affinity_cores": lambda: 32,
        "ram": lambda: ram_of(64),
        "swap": lambda: Amount(total_bytes=8 * GIB, free_bytes=7 * GIB),
        "load_average": lambda: (0.5, 0.4, 0.3),
        "sysctl": lambda _name: None,
        "nvml": no_driver,
    }
    return Sources(**(told | others))  # type: ignore[arg-type]


class FakeNvml:
    """The driver's library with cards of known numbers; questions named in `refused` fail."""

    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1

    def __init__(self, *names: str, refused: tuple[str, ...] = ()) -> None:
        self.names = names
        self.refused = refused
        self.is_shut_down = False

    def __getattribute__(self, name: str) -> object:
        if name.startswith("nvml") and name in object.__getattribute__(self, "refused"):
            raise RuntimeError(f"{name}: Not Supported")
        return object.__getattribute__(self, name)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's names
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return self.names[handle]

    def nvmlDeviceGetMemoryInfo(self, _handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=24 * GIB, free=23 * GIB, used=1 * GIB)

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "570.86.10"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:  # noqa: N802
        return 12080

    def nvmlDeviceGetCudaComputeCapability(self, _handle: int) -> tuple[int, int]:  # noqa: N802
        return (8, 6)

    def nvmlDeviceGetEnforcedPowerLimit(self, _handle: int) -> int:  # noqa: N802
        return 350_000

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_shut_down = True
