"""Whole machines as trees of small files, written below a folder, and a driver library that answers as told."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from inference_arena.hardware import Sources
from inference_arena.hardware.host import Amount

GIB = 1024**3

RYZEN_FLAGS = "fpu sse sse4_2 fma f16c avx avx2 bmi2 avx512f avx512_bf16 avx512_vnni sha_ni"
OS_RELEASE = 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\n'


# in the shape of libdrm's data/amdgpu.ids and of pci.ids, a few lines of each
AMD_IDS = "# List of AMDGPU IDs\n1.0.0\n744C,\tC8,\tAMD Radeon RX 7900 XTX\n744C,\tCC,\tAMD Radeon RX 7900 XT\n"
PCI_IDS = (
    "#\n1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]\n"
    "10de  NVIDIA Corporation\n\t2204  GA102 [GeForce RTX 3090]\n\t\t10de 1454  GeForce RTX 3090\n"
    "\t2230  GA102GL [RTX A6000]\n8086  Intel Corporation\n\t56a0  DG2 [Arc A770]\n\t2204  Not NVIDIA's\n"
)


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
            f"{folder}/revision": "0xc8\n",
            f"{folder}/hwmon/hwmon3/power1_cap": "303000000\n",
            f"{folder}/hwmon/hwmon3/power1_cap_default": "339000000\n",
            f"{folder}/hwmon/hwmon3/freq1_input": "45000000\n",
            f"{folder}/hwmon/hwmon3/freq2_input": "96000000\n",
            f"{folder}/pp_dpm_sclk": "0: 500Mhz *\n1: 2304Mhz \n2: 3220Mhz \n",
            f"{folder}/pp_dpm_mclk": "0: 96Mhz *\n1: 456Mhz \n2: 1249Mhz \n",
            "sys/class/drm/card0-DP-1/status": "disconnected\n",
            "sys/class/drm/card0-HDMI-A-1/status": "connected\n",
            "sys/class/kfd/kfd/topology/nodes/0/properties": "cpu_cores_count 32\ngfx_target_version 0\n",
            "sys/class/kfd/kfd/topology/nodes/1/properties": (
                "cpu_cores_count 0\ngfx_target_version 110000\nlocation_id 768\ndomain 0\n"
            ),
            "opt/rocm/.info/version": "6.4.2-120\n",
            "usr/share/libdrm/amdgpu.ids": AMD_IDS,
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


def no_tools(_argv: tuple[str, ...]) -> None:
    return None


def tools(answers: dict[str, str]) -> Callable[[tuple[str, ...]], str | None]:
    """A machine with these command lines; whatever else is asked is not there."""
    return lambda argv: answers.get(" ".join(argv))


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
        "run": no_tools,
        "own_pid": lambda: 4711,
    }
    return Sources(**(told | others))  # type: ignore[arg-type]


SLICE = 100  # handles of slices begin here


def process(pid: int, memory_bytes: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=memory_bytes)


class FakeNvml:
    """The driver's library with cards of known numbers; questions named in `refused` fail, as do others unknown to it.

    A 24 GB card with a display, 1 GiB in use of which the driver keeps a quarter, and two programs beside ours.
    """

    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    nvmlMemory_v2 = 0x02000028  # noqa: N815 - the library's name

    def __init__(self, *names: str, refused: tuple[str, ...] = (), **answers: object) -> None:
        self.names = names
        self.refused = refused
        self.is_shut_down = False
        self.answers: dict[str, object] = {
            "nvmlSystemGetDriverVersion": "570.86.10",
            "nvmlSystemGetCudaDriverVersion_v2": 12080,
            "nvmlDeviceGetCudaComputeCapability": (8, 6),
            "nvmlDeviceGetEnforcedPowerLimit": 300_000,
            "nvmlDeviceGetPowerManagementDefaultLimit": 350_000,
            "nvmlDeviceGetCurrPcieLinkGeneration": 1,
            "nvmlDeviceGetMaxPcieLinkGeneration": 4,
            "nvmlDeviceGetCurrPcieLinkWidth": 8,
            "nvmlDeviceGetMaxPcieLinkWidth": 16,
            "nvmlDeviceGetEccMode": [0, 1],
            "nvmlDeviceGetDisplayActive": 1,
            "nvmlDeviceGetComputeRunningProcesses": [process(4711, 9), process(100, GIB // 4), process(200, GIB // 8)],
            "nvmlDeviceGetGraphicsRunningProcesses": [process(200, GIB // 4)],
            **answers,
        }

    def __getattribute__(self, name: str) -> object:
        if name.startswith("nvml") and name in object.__getattribute__(self, "refused"):
            raise RuntimeError(f"{name}: Not Supported")
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name not in self.answers:
            raise AttributeError(name)
        return lambda *_: self.answers[name]

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802 - the library's names
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return self.names[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None) -> SimpleNamespace:  # noqa: N802
        if handle >= SLICE:
            return SimpleNamespace(total=(handle - SLICE + 1) * 10 * GIB)
        told = {"total": 24 * GIB, "free": 23 * GIB, "used": 1 * GIB}
        return SimpleNamespace(**told, **({"reserved": GIB // 4} if version == self.nvmlMemory_v2 else {}))

    def nvmlDeviceGetClockInfo(self, _handle: int, kind: int) -> int:  # noqa: N802
        return {self.NVML_CLOCK_SM: 210, self.NVML_CLOCK_MEM: 405}[kind]

    def nvmlDeviceGetMaxClockInfo(self, _handle: int, kind: int) -> int:  # noqa: N802
        return {self.NVML_CLOCK_SM: 2100, self.NVML_CLOCK_MEM: 9751}[kind]

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle: int, number: int) -> int:  # noqa: N802
        if number > 1:
            raise RuntimeError("Not Found")
        return SLICE + number

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.is_shut_down = True
