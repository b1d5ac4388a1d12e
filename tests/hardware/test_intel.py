"""Intel's cards, as xpu-smi and the kernel's files tell it. None of this was seen on real hardware here.

Shapes after Intel's user guide of xpu-smi and outputs that others recorded: a Data Center GPU Max 1100, whose numbers
are texts, and an Arc Pro B65, whose numbers are numbers and whose link is not told.
"""

import json
from pathlib import Path

import pytest
from machines import GIB, PCI_IDS, no_driver, tools, write_tree

from inference_arena.facts import Device
from inference_arena.hardware.devices import is_discrete, read_devices

LISTED = {
    "device_list": [
        {
            "device_id": 0,
            "device_name": "Intel(R) Data Center GPU Max 1100",
            "device_type": "GPU",
            "drm_device": "/dev/dri/card1",
            "pci_bdf_address": "0000:29:00.0",
            "uuid": "00000000-0000-0029-0000-002f0bda8086",
        },
        {"device_id": 1, "device_name": "Intel(R) Arc(TM) Pro B65 Graphics", "pci_bdf_address": "0000:51:00.0"},
    ]
}
MAX_1100 = {
    "device_id": 0,
    "device_name": "Intel(R) Data Center GPU Max 1100",
    "driver_version": "I915_23.10.72_PSB_231129.76",
    "memory_ecc_state": "enabled",
    "memory_free_size_byte": "51493543936",
    "memory_physical_size_byte": "51522830336",
    "pcie_generation": "5",
    "pcie_max_link_width": "16",
    "serial_number": "unknown",
    "uuid": "00000000-0000-0029-0000-002f0bda8086",
}
ARC_PRO_B65 = {
    "device_name": "Intel(R) Arc(TM) Pro B65 Graphics",
    "memory_physical_size_byte": 34242297856,
    "pcie_generation": "N/A",
    "pcie_max_link_width": "N/A",
}
XPU_SMI = {
    "xpu-smi discovery -j": json.dumps(LISTED),
    "xpu-smi discovery -d 0 -j": json.dumps(MAX_1100, indent=4),
    "xpu-smi discovery -d 1 -j": json.dumps(ARC_PRO_B65),
}


def card(root: Path, slot: str, **files: str) -> Path:
    folder = f"sys/class/drm/card{int(slot[5:7], 16)}/device"
    told = {"vendor": "0x8086", "device": "0x56a0", "uevent": f"DRIVER=xe\nPCI_SLOT_NAME={slot}\n"}
    return write_tree(root, {f"{folder}/{name}": text for name, text in (told | files).items()})


def read(root: Path, answers: dict[str, str]) -> tuple[Device, ...]:
    return read_devices(root=root, nvml=no_driver, run=tools(answers), own_pid=1)


def test_cards_are_read_by_xpu_smi_each_in_its_slot(tmp_path: Path) -> None:
    card(tmp_path, "0000:29:00.0")
    card(tmp_path, "0000:51:00.0")
    first, second = read(tmp_path, XPU_SMI)

    assert first.name == "Intel(R) Data Center GPU Max 1100"
    assert (first.memory_bytes, first.free_bytes, first.ecc) == (51522830336, 51493543936, True)
    assert (first.pcie_generation_max, first.pcie_width_max) == (5, 16)
    assert first.driver_version == "I915_23.10.72_PSB_231129.76"
    assert (second.memory_bytes, second.free_bytes, second.ecc) == (34242297856, None, None)
    assert (second.pcie_generation_max, second.reason_unread) == (None, None)
    assert "002f0bda8086" not in first.model_dump_json()


def test_the_xe_driver_tells_the_memory_of_each_tile(tmp_path: Path) -> None:
    tiles = {f"tile{number}/physical_vram_size_bytes": f"{8 * GIB}\n" for number in (0, 1)}
    card(tmp_path, "0000:03:00.0", **tiles)
    write_tree(tmp_path, {"usr/share/misc/pci.ids": PCI_IDS})
    (device,) = read(tmp_path, {})

    assert (device.name, device.memory_bytes, device.free_bytes) == ("Intel Arc A770", 16 * GIB, None)
    assert device.reason_unread is None
    assert is_discrete(device)


def test_intels_own_build_of_i915_tells_it_beside_the_card(tmp_path: Path) -> None:
    card(tmp_path, "0000:03:00.0", **{"hwmon/hwmon4/power1_max": "190000000\n"})
    write_tree(tmp_path, {"sys/class/drm/card3/lmem_total_bytes": f"{16 * GIB}\n"})
    (device,) = read(tmp_path, {})

    assert (device.memory_bytes, device.power_limit_w) == (16 * GIB, 190.0)


def test_a_card_whose_memory_nobody_tells_says_so(tmp_path: Path) -> None:
    (device,) = read(card(tmp_path, "0000:03:00.0"), {})

    assert (device.memory_bytes, device.reason_unread) == (None, "neither xpu-smi nor the kernel tells its memory")


@pytest.mark.parametrize("answer", ["", "Error: Level Zero Initialization Error\n", "[]", '{"device_list": [1]}'])
def test_rubbish_from_xpu_smi_is_unknown_and_no_error(answer: str, tmp_path: Path) -> None:
    (device,) = read(card(tmp_path, "0000:03:00.0"), {"xpu-smi discovery -j": answer})

    assert device.memory_bytes is None
