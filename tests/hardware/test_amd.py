"""AMD, as the kernel's files and outputs of amd-smi and rocm-smi tell it. None of this was seen on real hardware here.

Shapes after outputs that others recorded in public repositories: `amd-smi static --json` of an MI210 (with the older
limits and a driver version that is the kernel's whole line), of an MI300X and of an MI355X (newer limits), and
`rocm-smi --json` of a Radeon AI PRO R9700, which gives no name.
"""

import json
from pathlib import Path

import machines
import pytest
from machines import GIB, no_driver, no_tools, tools, write_tree

from inference_arena.facts import Device
from inference_arena.hardware.amd import ask_tools
from inference_arena.hardware.devices import is_discrete, is_unified, read_devices

STATIC = "amd-smi static --json"
ROCM_SMI = "rocm-smi --showproductname --showbus --showmeminfo vram --showmaxpower --showdriverversion --json"

MI210 = {
    "gpu": 0,
    "asic": {"market_name": "AMD Instinct MI210", "device_id": "0x740f", "target_graphics_version": "gfx90a"},
    "bus": {"bdf": "0000:03:00.0", "max_pcie_width": 16, "pcie_interface_version": "Gen 4"},
    "limit": {"max_power": {"value": 300, "unit": "W"}, "socket_power": {"value": 280, "unit": "W"}},
    "driver": {"name": "amdgpu", "version": "Linuxversion6.14.0-24-generic(buildd@lcy02-amd64-010)(x86_64-linux-gnu)"},
    "board": {"product_serial": "0", "product_name": "N/A"},
    "vram": {"type": "HBM", "size": {"value": 65520, "unit": "MB"}},
}
MI355X = {
    "gpu": 0,
    "asic": {"market_name": "AMD Instinct MI355X"},
    "bus": {"bdf": "0000:05:00.0"},
    "driver": {"version": "6.16.6"},
    "limit": {
        "ppt0": {"socket_power_limit": {"value": 1400, "unit": "W"}, "max_power_limit": {"value": 1400, "unit": "W"}},
        "ppt1": {"socket_power_limit": "N/A"},
    },
}
R9700 = {
    "Card Series": "N/A",
    "Card Model": "0x7551",
    "GFX Version": "gfx1201",
    "Max Graphics Package Power (W)": "300.0",
    "PCI Bus": "0000:03:00.0",
    "VRAM Total Memory (B)": "34208743424",
    "VRAM Total Used Memory (B)": "29225381888",
}


def read(root: Path, answers: dict[str, str] | None = None) -> Device:
    (device,) = read_devices(root=root, nvml=no_driver, run=tools(answers or {}), own_pid=1)
    return device


def instinct(root: Path) -> Path:
    """An accelerator that a virtual machine got: of a class of its own, without power files."""
    folder = "sys/bus/pci/devices/0000:03:00.0"
    files = {"vendor": "0x1002", "class": "0x120000", "device": "0x740f", "uevent": "PCI_SLOT_NAME=0000:03:00.0"}
    return write_tree(root, {f"{folder}/{name}": text for name, text in files.items()})


def test_a_radeon_card_is_read_from_the_kernels_files_alone(tmp_path: Path) -> None:
    device = read(machines.radeon_card(tmp_path))

    assert (device.name, device.target) == ("AMD Radeon RX 7900 XTX", "gfx1100")
    assert (device.memory_bytes, device.free_bytes) == (24 * GIB, 23 * GIB)
    assert (device.power_limit_w, device.power_limit_default_w) == (303.0, 339.0)
    assert (device.sm_clock_hz, device.sm_clock_max_hz) == (45e6, 3220e6)
    assert (device.memory_clock_hz, device.memory_clock_max_hz) == (96e6, 1249e6)
    assert (device.runtime_version, device.display_attached, device.reason_unread) == ("6.4.2", True, None)
    assert is_discrete(device)


def test_cards_of_one_chip_are_told_apart_by_their_revision(tmp_path: Path) -> None:
    machines.radeon_card(tmp_path)
    write_tree(tmp_path, {"sys/class/drm/card0/device/revision": "0xcc\n"})

    assert read(tmp_path).name == "AMD Radeon RX 7900 XT"


def test_amd_smi_adds_what_the_kernel_does_not_tell(tmp_path: Path) -> None:
    device = read(instinct(tmp_path), {STATIC: json.dumps({"gpu_data": [MI210]})})

    assert (device.name, device.target) == ("AMD Instinct MI210", "gfx90a")
    assert device.memory_bytes == 65520 * 1024**2
    assert (device.free_bytes, device.power_limit_w) == (None, 280.0)
    assert (device.pcie_generation_max, device.pcie_width_max) == (4, 16)
    assert device.driver_version == "6.14.0"
    assert is_discrete(device)


def test_nothing_of_the_one_who_built_the_kernel_is_kept(tmp_path: Path) -> None:
    device = read(instinct(tmp_path), {STATIC: json.dumps([MI210])})

    assert "buildd" not in device.model_dump_json()


def test_newer_limits_and_the_bare_list_of_older_releases_are_read() -> None:
    (newer,) = ask_tools(tools({STATIC: json.dumps([MI355X])}))

    assert (newer.slot, newer.power_limit_w, newer.driver_version) == ("0000:05:00.0", 1400.0, "6.16.6")


def test_warnings_before_the_answer_do_no_harm() -> None:
    warned = "WARNING: User is missing the following required groups: render, video\n\n"
    (card,) = ask_tools(tools({STATIC: warned + json.dumps({"gpu_data": [MI210]}, indent=4)}))

    assert card.name == "AMD Instinct MI210"


def test_rocm_smi_answers_where_amd_smi_is_not_there(tmp_path: Path) -> None:
    answer = {"card0": R9700, "system": {"Driver version": "6.14.14"}}
    device = read(instinct(tmp_path), {ROCM_SMI: json.dumps(answer)})

    assert (device.name, device.target, device.driver_version) == (None, "gfx1201", "6.14.14")
    assert (device.memory_bytes, device.power_limit_w) == (34208743424, 300.0)


def test_a_card_in_another_slot_lends_nothing(tmp_path: Path) -> None:
    device = read(instinct(tmp_path), {STATIC: json.dumps([MI355X])})

    assert (device.name, device.power_limit_w) == (None, None)


@pytest.mark.parametrize(
    "answer", ["", "[", "no devices\n", "[1, null]", '{"gpu_data": {"gpu": 0}}', '[{"asic": "N/A"}]']
)
def test_rubbish_from_a_tool_is_unknown_and_no_error(answer: str, tmp_path: Path) -> None:
    device = read(instinct(tmp_path), {STATIC: answer, ROCM_SMI: answer})

    assert (device.vendor, device.name, device.memory_bytes) == ("amd", None, None)


def strix_halo(root: Path, *, aside_gib: int, borrowed_gib: int) -> Path:
    folder = "sys/class/drm/card0/device"
    files = {"vendor": "0x1002", "device": "0x1586", "revision": "0xc1", "driver": ""}
    files |= {"mem_info_vram_total": f"{aside_gib * GIB}", "mem_info_vram_used": f"{GIB // 4}"}
    files |= {"mem_info_gtt_total": f"{borrowed_gib * GIB}"}
    return write_tree(root, {f"{folder}/{name}": text for name, text in files.items()})


def test_a_strix_halo_that_borrows_ram_may_take_what_the_driver_lets_it(tmp_path: Path) -> None:
    device = read(strix_halo(tmp_path, aside_gib=1, borrowed_gib=62))

    assert is_unified(device)
    assert (device.working_set_bytes, device.working_set_from) == (62 * GIB, "gtt")
    assert (device.memory_bytes, device.free_bytes) == (None, None)


def test_a_strix_halo_with_ram_set_aside_has_that_as_its_own(tmp_path: Path) -> None:
    device = read(strix_halo(tmp_path, aside_gib=96, borrowed_gib=16))

    assert is_unified(device)
    assert not is_discrete(device)
    assert (device.working_set_bytes, device.working_set_from) == (96 * GIB, "carve-out")
    assert (device.memory_bytes, device.free_bytes) == (96 * GIB, 96 * GIB - GIB // 4)


def test_a_card_without_a_driver_says_so(tmp_path: Path) -> None:
    folder = "sys/bus/pci/devices/0000:03:00.0"
    write_tree(tmp_path, {f"{folder}/vendor": "0x1002", f"{folder}/class": "0x030000", f"{folder}/device": "0x744c"})
    (device,) = read_devices(root=tmp_path, nvml=no_driver, run=no_tools, own_pid=1)

    assert device.reason_unread == "no driver is loaded for it"
