"""NVIDIA: what a driver answers, what it refuses, and what is known of a card whose driver is silent."""

from pathlib import Path

import pytest
from machines import GIB, PCI_IDS, FakeNvml, no_driver, no_tools, process, write_tree

from inference_arena.facts import Device
from inference_arena.hardware.devices import is_discrete, is_unified, read_devices


def read(root: Path, nvml: object) -> tuple[Device, ...]:
    return read_devices(root=root, nvml=lambda: nvml, run=no_tools, own_pid=4711)


def read_silent(root: Path) -> Device:
    (device,) = read_devices(root=root, nvml=no_driver, run=no_tools, own_pid=4711)
    return device


def test_a_card_is_read_through_its_driver(tmp_path: Path) -> None:
    nvml = FakeNvml("NVIDIA GeForce RTX 3090")
    (device,) = read(tmp_path, nvml)

    assert device == Device(
        index=0,
        vendor="nvidia",
        name="NVIDIA GeForce RTX 3090",
        memory_bytes=24 * GIB,
        free_bytes=23 * GIB,
        reserved_bytes=GIB // 4,
        unified=False,
        driver_version="570.86.10",
        runtime_version="12.8",
        compute_capability="8.6",
        power_limit_w=300.0,
        power_limit_default_w=350.0,
        sm_clock_hz=210e6,
        sm_clock_max_hz=2100e6,
        memory_clock_hz=405e6,
        memory_clock_max_hz=9751e6,
        pcie_generation=1,
        pcie_generation_max=4,
        pcie_width=8,
        pcie_width_max=16,
        ecc=False,
        display_attached=True,
        # one computes and draws and counts once, with the larger of its two figures; ours does not count
        other_processes=2,
        other_processes_bytes=GIB // 2,
    )
    assert is_discrete(device)
    assert nvml.is_shut_down


QUESTIONS = {
    "nvmlDeviceGetName": {"name"},
    "nvmlDeviceGetMemoryInfo": {"memory_bytes", "free_bytes", "reserved_bytes"},
    "nvmlSystemGetDriverVersion": {"driver_version"},
    "nvmlSystemGetCudaDriverVersion_v2": {"runtime_version"},
    "nvmlDeviceGetCudaComputeCapability": {"compute_capability"},
    "nvmlDeviceGetEnforcedPowerLimit": {"power_limit_w"},
    "nvmlDeviceGetPowerManagementDefaultLimit": {"power_limit_default_w"},
    "nvmlDeviceGetClockInfo": {"sm_clock_hz", "memory_clock_hz"},
    "nvmlDeviceGetMaxClockInfo": {"sm_clock_max_hz", "memory_clock_max_hz"},
    "nvmlDeviceGetCurrPcieLinkGeneration": {"pcie_generation"},
    "nvmlDeviceGetMaxPcieLinkGeneration": {"pcie_generation_max"},
    "nvmlDeviceGetCurrPcieLinkWidth": {"pcie_width"},
    "nvmlDeviceGetMaxPcieLinkWidth": {"pcie_width_max"},
    "nvmlDeviceGetEccMode": {"ecc"},
    "nvmlDeviceGetMigMode": {"mig"},
    "nvmlDeviceGetComputeRunningProcesses": {"other_processes", "other_processes_bytes"},
}


@pytest.mark.parametrize("refused", QUESTIONS)
def test_a_refused_question_leaves_only_its_own_fields_unknown(refused: str, tmp_path: Path) -> None:
    answers = {"nvmlDeviceGetMigMode": [0, 0]}
    (device,) = read(tmp_path, FakeNvml("NVIDIA L4", refused=(refused,), **answers))

    unknown = {name for names in QUESTIONS.values() for name in names if getattr(device, name) is None}
    assert unknown == QUESTIONS[refused]


@pytest.mark.parametrize(("mode", "active", "attached"), [(1, 0, False), (0, 1, True), (0, 0, False), (1, None, None)])
def test_a_display_counts_when_it_is_drawn_on_since_data_centre_cards_always_say_that_one_is_plugged_in(
    mode: int, active: int | None, attached: bool | None, tmp_path: Path
) -> None:
    refused = ("nvmlDeviceGetDisplayActive",) if active is None else ()
    answers = {"nvmlDeviceGetDisplayMode": mode, "nvmlDeviceGetDisplayActive": active}
    (device,) = read(tmp_path, FakeNvml("NVIDIA L4", refused=refused, **answers))

    assert device.display_attached is attached


def test_a_program_of_unknown_memory_is_counted_and_the_sum_is_unknown(tmp_path: Path) -> None:
    listed = [process(100, GIB), process(200, None)]
    (device,) = read(tmp_path, FakeNvml("NVIDIA L4", nvmlDeviceGetComputeRunningProcesses=listed))

    assert (device.other_processes, device.other_processes_bytes) == (2, None)


def test_a_card_in_mig_mode_tells_its_slices(tmp_path: Path) -> None:
    answers = {"nvmlDeviceGetMigMode": [1, 1], "nvmlDeviceGetMaxMigDeviceCount": 7}
    (device,) = read(tmp_path, FakeNvml("NVIDIA H100 80GB HBM3", **answers))

    assert (device.mig, device.mig_slices_bytes) == (True, (10 * GIB, 20 * GIB))


def test_a_card_that_is_not_in_mig_mode_has_no_slices(tmp_path: Path) -> None:
    answers = {"nvmlDeviceGetMigMode": [0, 1], "nvmlDeviceGetMaxMigDeviceCount": 7}
    (device,) = read(tmp_path, FakeNvml("NVIDIA H100 80GB HBM3", **answers))

    assert (device.mig, device.mig_slices_bytes) == (False, ())


@pytest.mark.parametrize("refused", [(), ("nvmlDeviceGetMemoryInfo",)])
@pytest.mark.parametrize("name", ["NVIDIA GB10", "Orin (nvgpu)"])
def test_a_chip_that_shares_the_ram_has_none_of_its_own(name: str, refused: tuple[str, ...], tmp_path: Path) -> None:
    (device,) = read(tmp_path, FakeNvml(name, refused=refused))

    assert (device.unified, device.memory_bytes, device.free_bytes) == (True, None, None)
    assert is_unified(device)


def test_a_card_that_the_driver_does_not_open_is_still_listed(tmp_path: Path) -> None:
    (device,) = read(tmp_path, FakeNvml("NVIDIA L4", refused=("nvmlDeviceGetHandleByIndex",)))

    assert device.reason_unread == "the driver lists it but does not open it"


SLOT = "sys/bus/pci/devices/0000:01:00.0"
CARD = {f"{SLOT}/vendor": "0x10de", f"{SLOT}/class": "0x030000", f"{SLOT}/device": "0x2204"}
CARD |= {f"{SLOT}/uevent": "PCI_SLOT_NAME=0000:01:00.0\n"}


def test_a_card_without_a_driver_says_why_and_is_named_by_the_systems_list(tmp_path: Path) -> None:
    write_tree(tmp_path, CARD | {"usr/share/misc/pci.ids": PCI_IDS})
    write_tree(tmp_path, {"sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de"})  # its sound device
    device = read_silent(tmp_path)

    assert (device.vendor, device.name) == ("nvidia", "NVIDIA GeForce RTX 3090")
    assert device.reason_unread == "the NVIDIA driver does not answer: NVML Shared Library Not Found"
    assert is_discrete(device)


def test_a_driver_without_its_library_still_tells_name_and_version_and_no_uuid(tmp_path: Path) -> None:
    """Shapes of /proc/driver/nvidia: the kernel's part and the library disagree after an update."""
    told = (
        "Model: \t\t NVIDIA GeForce RTX 3090\nIRQ:   \t\t 77\nGPU UUID: \t GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584\n"
    )
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n"
    files = {"gpus/0000:01:00.0/information": told, "version": version}
    write_tree(tmp_path, CARD | {f"proc/driver/nvidia/{name}": text for name, text in files.items()})
    device = read_silent(tmp_path)

    assert (device.name, device.driver_version) == ("NVIDIA GeForce RTX 3090", "535.183.01")
    assert "eaf23aa1" not in device.model_dump_json()


def test_the_version_of_an_open_kernel_module_is_read_too(tmp_path: Path) -> None:
    version = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (dvs-builder@U16)\n"
    write_tree(tmp_path, CARD | {"proc/driver/nvidia/version": version})

    assert read_silent(tmp_path).driver_version == "570.86.10"


def test_a_card_that_no_list_names_is_still_there(tmp_path: Path) -> None:
    write_tree(tmp_path, CARD | {f"{SLOT}/device": "0x9999", "usr/share/hwdata/pci.ids": PCI_IDS})

    assert read_silent(tmp_path).name is None


def test_a_jetson_whose_driver_has_no_nvml_is_known_by_its_board(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0"})
    device = read_silent(tmp_path)

    assert (device.vendor, device.name) == ("nvidia", "NVIDIA Jetson AGX Orin Developer Kit")
    assert is_unified(device)


def test_a_jetson_with_nvml_is_not_listed_twice(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/device-tree/model": "NVIDIA Jetson AGX Thor Developer Kit\0"})

    assert [device.name for device in read(tmp_path, FakeNvml("NVIDIA Thor"))] == ["NVIDIA Thor"]


def test_the_vendors_library_has_every_question_that_is_asked() -> None:
    pynvml = pytest.importorskip("pynvml")
    asked = (*QUESTIONS, "nvmlDeviceGetHandleByIndex", "nvmlShutdown", "nvmlDeviceGetGraphicsRunningProcesses")
    asked += ("nvmlDeviceGetDisplayMode", "nvmlDeviceGetDisplayActive", "nvmlDeviceGetMaxMigDeviceCount")
    asked += ("nvmlDeviceGetMigDeviceHandleByIndex", "nvmlMemory_v2", "NVML_CLOCK_SM", "NVML_CLOCK_MEM")

    assert [name for name in asked if not hasattr(pynvml, name)] == []
