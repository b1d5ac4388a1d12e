"""Accelerators of every vendor in one list: which are counted, once each, and which share the machine's memory."""

from pathlib import Path

from machines import FakeNvml, no_driver, no_tools, write_tree

from inference_arena.facts import Device
from inference_arena.hardware.devices import is_discrete, is_unified, read_devices


def read(root: Path, **others: object) -> tuple[Device, ...]:
    told = {"nvml": no_driver, "run": no_tools, "own_pid": 4711, **others}
    return read_devices(root=root, **told)  # type: ignore[arg-type]


def test_a_card_known_to_its_driver_is_not_listed_twice(tmp_path: Path) -> None:
    write_tree(tmp_path, {"sys/class/drm/card0/device/vendor": "0x10de"})

    assert len(read(tmp_path, nvml=lambda: FakeNvml("NVIDIA L4"))) == 1


def test_intel_counts_only_when_it_is_a_card(tmp_path: Path) -> None:
    for number, slot in ((0, "0000:00:02.0"), (1, "0000:03:00.0")):
        folder = f"sys/class/drm/card{number}/device"
        write_tree(tmp_path, {f"{folder}/vendor": "0x8086", f"{folder}/uevent": f"PCI_SLOT_NAME={slot}\n"})
    (device,) = read(tmp_path)

    assert device.vendor == "intel"
    assert is_discrete(device)


def test_chips_that_share_the_machines_memory_are_unified(tmp_path: Path) -> None:
    (spark,) = read(tmp_path, nvml=lambda: FakeNvml("NVIDIA GB10"))
    folder = "sys/class/drm/card0/device"
    write_tree(tmp_path, {f"{folder}/vendor": "0x1002", f"{folder}/device": "0x1586", f"{folder}/driver": ""})
    (strix,) = read(tmp_path)

    assert is_unified(spark)
    assert is_unified(strix)
    assert not is_discrete(spark)
    assert not is_discrete(strix)


def test_cards_of_three_vendors_are_numbered_in_one_row(tmp_path: Path) -> None:
    files = {"class": "0x030000", "hwmon/hwmon1/power1_cap": "300000000"}
    for number, maker in enumerate(("0x1002", "0x8086")):
        folder = f"sys/class/drm/card{number}/device"
        write_tree(tmp_path, {f"{folder}/{name}": text for name, text in files.items()})
        write_tree(tmp_path, {f"{folder}/vendor": maker, f"{folder}/uevent": f"PCI_SLOT_NAME=0000:0{number + 3}:00.0"})
    devices = read(tmp_path, nvml=lambda: FakeNvml("NVIDIA L4", "NVIDIA L4"))

    assert [device.index for device in devices] == [0, 1, 2, 3]
    assert [device.vendor for device in devices] == ["nvidia", "nvidia", "amd", "intel"]


def test_no_tool_is_started_where_no_card_needs_it(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []
    folder = "sys/class/drm/card0/device"
    write_tree(tmp_path, {f"{folder}/vendor": "0x1002", f"{folder}/driver": ""})  # graphics inside a processor
    read(tmp_path, nvml=lambda: FakeNvml("NVIDIA L4"), run=asked.append)

    assert asked == []
