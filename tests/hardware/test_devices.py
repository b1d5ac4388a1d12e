"""Accelerators: what a driver answers, what it refuses, and what is known without one."""

from pathlib import Path

import machines
import pytest
from machines import GIB, FakeNvml, no_driver, write_tree

from inference_arena.hardware.devices import is_discrete, is_unified, read_devices


def test_an_nvidia_card_is_read_through_its_driver(tmp_path: Path) -> None:
    nvml = FakeNvml("NVIDIA GeForce RTX 3090")
    (device,) = read_devices(root=tmp_path, nvml=lambda: nvml)

    assert (device.index, device.vendor, device.name) == (0, "nvidia", "NVIDIA GeForce RTX 3090")
    assert (device.memory_bytes, device.free_bytes) == (24 * GIB, 23 * GIB)
    assert (device.driver_version, device.runtime_version) == ("570.86.10", "12.8")
    assert (device.compute_capability, device.power_limit_w, device.reason_unread) == ("8.6", 350.0, None)
    assert is_discrete(device)
    assert nvml.is_shut_down


QUESTIONS = {
    "nvmlDeviceGetName": "name",
    "nvmlDeviceGetMemoryInfo": "memory_bytes",
    "nvmlSystemGetDriverVersion": "driver_version",
    "nvmlSystemGetCudaDriverVersion_v2": "runtime_version",
    "nvmlDeviceGetCudaComputeCapability": "compute_capability",
    "nvmlDeviceGetEnforcedPowerLimit": "power_limit_w",
}


@pytest.mark.parametrize("refused", QUESTIONS)
def test_a_refused_question_leaves_one_field_unknown(refused: str, tmp_path: Path) -> None:
    (device,) = read_devices(root=tmp_path, nvml=lambda: FakeNvml("NVIDIA L4", refused=(refused,)))

    unknown = {name for name in QUESTIONS.values() if getattr(device, name) is None}
    assert unknown == {QUESTIONS[refused]}


def test_a_card_that_the_driver_does_not_open_is_still_listed(tmp_path: Path) -> None:
    nvml = FakeNvml("NVIDIA L4", refused=("nvmlDeviceGetHandleByIndex",))
    (device,) = read_devices(root=tmp_path, nvml=lambda: nvml)

    assert device.reason_unread == "the driver lists it but does not open it"


def test_an_nvidia_card_without_a_driver_says_why_nothing_is_known_of_it(tmp_path: Path) -> None:
    folder = "sys/bus/pci/devices/0000:01:00.0"
    write_tree(tmp_path, {f"{folder}/vendor": "0x10de", f"{folder}/class": "0x030200"})
    write_tree(tmp_path, {"sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de"})  # its sound device
    (device,) = read_devices(root=tmp_path, nvml=no_driver)

    assert device.vendor == "nvidia"
    assert device.reason_unread == "the NVIDIA driver does not answer: NVML Shared Library Not Found"


def test_a_card_known_to_its_driver_is_not_listed_twice(tmp_path: Path) -> None:
    write_tree(tmp_path, {"sys/class/drm/card0/device/vendor": "0x10de"})

    assert len(read_devices(root=tmp_path, nvml=lambda: FakeNvml("NVIDIA L4"))) == 1


def test_a_radeon_card_is_noticed_once_with_the_kernels_figures(tmp_path: Path) -> None:
    (device,) = read_devices(root=machines.radeon_card(tmp_path), nvml=no_driver)

    assert (device.vendor, device.memory_bytes, device.free_bytes) == ("amd", 24 * GIB, 23 * GIB)
    assert device.power_limit_w == 303.0
    assert "no reader for AMD's driver" in (device.reason_unread or "")
    assert is_discrete(device)


def test_intel_counts_only_when_it_is_a_card(tmp_path: Path) -> None:
    for number, slot in ((0, "0000:00:02.0"), (1, "0000:03:00.0")):
        folder = f"sys/class/drm/card{number}/device"
        write_tree(tmp_path, {f"{folder}/vendor": "0x8086", f"{folder}/uevent": f"PCI_SLOT_NAME={slot}\n"})
    (device,) = read_devices(root=tmp_path, nvml=no_driver)

    assert device.vendor == "intel"
    assert is_discrete(device)


def test_chips_that_share_the_machines_memory_are_unified(tmp_path: Path) -> None:
    (spark,) = read_devices(root=tmp_path, nvml=lambda: FakeNvml("NVIDIA GB10"))
    folder = "sys/class/drm/card0/device"
    write_tree(tmp_path, {f"{folder}/vendor": "0x1002", f"{folder}/device": "0x1586", f"{folder}/driver": ""})
    (strix,) = read_devices(root=tmp_path, nvml=no_driver)

    assert is_unified(spark)
    assert is_unified(strix)
    assert not is_discrete(spark)
    assert not is_discrete(strix)


def test_the_vendors_library_has_every_question_that_the_fake_answers() -> None:
    pynvml = pytest.importorskip("pynvml")

    assert all(hasattr(pynvml, name) for name in (*QUESTIONS, "nvmlDeviceGetHandleByIndex", "nvmlShutdown"))
