"""Machines whose truth is known, read from trees of files."""

from pathlib import Path

import machines
import pytest
from machines import GIB, FakeNvml, sources

from inference_arena.facts import Host
from inference_arena.hardware import read_host
from inference_arena.hardware.host import Amount


def test_a_bare_metal_desktop_is_read_from_its_files(tmp_path: Path) -> None:
    host = read_host(sources(machines.ryzen_desktop(tmp_path)))

    assert host.cpu_model == "AMD Ryzen 9 7950X 16-Core Processor"
    assert (host.cpu_cores, host.cpu_physical_cores) == (32, 16)
    assert host.cpu_features == (
        *("avx", "avx2", "avx512_bf16", "avx512_vnni", "avx512f", "bmi2", "f16c", "fma", "sse4_2"),
    )
    assert (host.ram_bytes, host.ram_available_bytes) == (64 * GIB, 32 * GIB)
    assert (host.swap_bytes, host.swap_used_bytes) == (8 * GIB, 1 * GIB)
    assert host.load_average_1m == 0.5
    assert (host.os, host.kernel, host.architecture) == ("Ubuntu 24.04.1 LTS", "6.8.0-45-generic", "x86_64")
    assert host.virtualization == "none"


def test_graphics_inside_a_processor_make_no_gpu_machine(tmp_path: Path) -> None:
    host = read_host(sources(machines.ryzen_desktop(tmp_path)))

    assert [device.vendor for device in host.devices] == ["amd"]
    assert host.devices[0].reason_unread == "it shares the machine's RAM"
    assert host.devices[0].memory_bytes is None
    assert host.hw_class == "cpu"


def test_a_container_may_use_its_quota_in_whole_cores_and_its_memory_limit(tmp_path: Path) -> None:
    host = read_host(sources(machines.docker_container(tmp_path)))

    assert host.cpu_cores == 1
    assert host.cpu_physical_cores == 32
    assert host.ram_bytes == 4 * GIB
    # 4 GiB less 3 GiB in use, of which 1 GiB is file cache that can be dropped
    assert host.ram_available_bytes == 2 * GIB
    assert host.virtualization == "container"
    assert host.os == "Alpine Linux v3.20"


def test_an_older_control_group_limits_as_well(tmp_path: Path) -> None:
    host = read_host(sources(machines.cgroup_v1_container(tmp_path)))

    assert host.cpu_cores == 2
    assert (host.ram_bytes, host.ram_available_bytes) == (2 * GIB, 1 * GIB)
    assert host.virtualization == "container"


def test_a_limit_on_an_outer_group_counts(tmp_path: Path) -> None:
    machines.ryzen_desktop(tmp_path)
    machines.write_tree(tmp_path, {"sys/fs/cgroup/user.slice/cpu.max": "400000 100000\n"})

    assert read_host(sources(tmp_path)).cpu_cores == 4


@pytest.mark.parametrize(("quota", "cores"), [("50000 100000", 1), ("200000 100000", 2), ("max", 32), ("x y", 32)])
def test_cores_are_at_least_one_and_at_most_what_affinity_allows(quota: str, cores: int, tmp_path: Path) -> None:
    machines.docker_container(tmp_path)
    machines.write_tree(tmp_path, {"sys/fs/cgroup/cpu.max": quota})

    assert read_host(sources(tmp_path)).cpu_cores == cores


def test_affinity_below_the_quota_wins(tmp_path: Path) -> None:
    host = read_host(sources(machines.ryzen_desktop(tmp_path), affinity_cores=lambda: 3))

    assert host.cpu_cores == 3


def test_wsl_is_told_from_other_virtual_machines(tmp_path: Path) -> None:
    assert read_host(sources(machines.wsl2(tmp_path))).virtualization == "wsl"


def test_a_firecracker_guest_is_a_virtual_machine_with_its_features(tmp_path: Path) -> None:
    host = read_host(sources(machines.firecracker_vm(tmp_path), affinity_cores=lambda: 2))

    assert host.virtualization == "vm"
    assert host.cpu_features == ("amx_bf16", "amx_int8", "avx", "avx512f")
    assert host.cpu_cores == 2


@pytest.mark.parametrize(
    ("vendor", "product", "expected"),
    [("QEMU", "KVM Virtual Machine", "vm"), ("Amazon EC2", "c7g.metal", "none"), ("Amazon EC2", "c7g.large", "vm")],
)
def test_arm_machines_tell_by_their_firmware(vendor: str, product: str, expected: str, tmp_path: Path) -> None:
    root = machines.write_tree(
        tmp_path,
        {
            "proc/cpuinfo": "processor : 0\nFeatures : fp asimd asimddp i8mm bf16 sve\nCPU part : 0xd40\n",
            "proc/version": "Linux version 6.1\n",
            "sys/class/dmi/id/sys_vendor": vendor,
            "sys/class/dmi/id/product_name": product,
            "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
            "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1\n",
        },
    )
    host = read_host(sources(root, architecture=lambda: "aarch64"))

    assert host.virtualization == expected
    assert host.cpu_features == ("bf16", "dotprod", "i8mm", "neon", "sve")
    assert host.cpu_physical_cores == 2
    assert host.cpu_model is None


def test_an_apple_laptop_is_a_unified_machine(tmp_path: Path) -> None:
    answers = {"machdep.cpu.brand_string": "Apple M3 Max", "hw.physicalcpu": "14", "hw.optional.arm64": "1"}
    answers |= {"hw.optional.arm.FEAT_I8MM": "1", "hw.optional.arm.FEAT_BF16": "0", "kern.hv_vmm_present": "0"}
    host = read_host(
        sources(
            tmp_path,
            system=lambda: "Darwin",
            release=lambda: "24.1.0",
            architecture=lambda: "arm64",
            macos_version=lambda: "15.1",
            sysctl=answers.get,
        )
    )

    assert (host.hw_class, host.cpu_model, host.cpu_physical_cores) == ("unified", "Apple M3 Max", 14)
    assert (host.os, host.kernel, host.virtualization) == ("macOS 15.1", "24.1.0", "none")
    assert host.cpu_features == ("i8mm", "neon")
    assert [device.vendor for device in host.devices] == ["apple"]


def test_a_machine_that_tells_nothing_is_unknown_and_no_error(tmp_path: Path) -> None:
    def refuses() -> Amount:
        raise OSError("closed")

    def no_load() -> tuple[float, float, float]:
        raise OSError("closed")

    host = read_host(sources(tmp_path, ram=refuses, swap=refuses, load_average=no_load))

    assert (host.cpu_model, host.cpu_physical_cores, host.cpu_features) == (None, None, ())
    assert (host.virtualization, host.load_average_1m, host.devices) == (None, None, ())
    assert (host.os, host.kernel, host.hw_class) == ("Linux", "unused", "cpu")


def test_files_of_rubbish_are_unknown_and_no_error(tmp_path: Path) -> None:
    machines.docker_container(tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".dockerenv"]:
        path.write_bytes(b"\xff\x00:\n\n::\n0::\n:=\n")

    assert read_host(sources(tmp_path)).ram_bytes == 64 * GIB


def test_a_host_survives_its_journey_through_json(tmp_path: Path) -> None:
    host = read_host(sources(machines.ryzen_desktop(tmp_path), nvml=lambda: FakeNvml("NVIDIA GeForce RTX 3090")))

    assert Host.model_validate_json(host.model_dump_json()) == host


def test_the_machine_of_these_tests_can_be_read() -> None:
    host = read_host()

    assert host.cpu_cores >= 1
    assert host.ram_bytes >= host.ram_available_bytes > 0
    assert host.kernel
