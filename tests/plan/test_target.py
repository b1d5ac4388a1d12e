"""What is planned for: a card of the catalogue, the cards of this machine, a chip that shares its memory, no card."""

import pytest

from inference_arena import facts, units
from inference_arena.facts import Device, Host
from inference_arena.plan import target_of_card, target_of_processor, targets_of_host
from inference_arena.plan.target import SHARED_RESERVE_BYTES, VISIBLE_SHARE_ASSUMED

GIB = units.GIB


def host(*devices: Device, ram: int = 64, available: int = 48) -> Host:
    return Host(
        hw_class="discrete" if devices else "cpu",
        cpu_model="A processor",
        cpu_cores=8,
        cpu_physical_cores=8,
        cpu_features=(),
        ram_bytes=ram * GIB,
        ram_available_bytes=available * GIB,
        swap_bytes=0,
        swap_used_bytes=0,
        load_average_1m=None,
        os="an os",
        kernel="a kernel",
        architecture="x86_64",
        virtualization="none",
        devices=devices,
    )


def nvidia(index: int = 0, **fields: object) -> Device:
    name, memory = "NVIDIA GeForce RTX 3090", 24 * GIB
    return Device(**{"index": index, "vendor": "nvidia", "name": name, "memory_bytes": memory, **fields})


def rtx_3090(_device: Device):
    return facts.find_gpu("RTX 3090")


def unknown(_device: Device):
    return None


def test_a_card_shows_programs_what_was_read_off_a_real_one():
    target = target_of_card(facts.find_gpu("RTX 3090"))

    assert target.memory_bytes / GIB == pytest.approx(23.69, abs=0.02)
    assert not target.memory_assumed
    assert target.sold_bytes == 24 * GIB


def test_where_nobody_read_a_card_a_share_is_assumed_and_said():
    card = facts.find_gpu("RTX 3090").model_copy(update={"visible_memory_bytes": None})

    target = target_of_card(card)

    assert target.memory_assumed
    assert target.memory_bytes == int(24 * GIB * VISIBLE_SHARE_ASSUMED)


def test_what_other_programs_hold_is_not_free():
    (target,) = targets_of_host(host(nvidia(free_bytes=20 * GIB)), rtx_3090)

    assert target.free_bytes == 20 * GIB
    assert target.ram_bytes == 48 * GIB


def test_of_two_equal_cards_the_fuller_one_decides():
    (target,) = targets_of_host(host(nvidia(free_bytes=23 * GIB), nvidia(1, free_bytes=9 * GIB)), rtx_3090)

    assert target.count == 2
    assert target.free_bytes == 9 * GIB


SMALL = nvidia(1, name="NVIDIA GeForce RTX 3060", memory_bytes=12 * GIB, compute_capability="8.6")


def test_unequal_cards_are_planned_for_one_kind_at_a_time_the_larger_first_and_then_together():
    targets = targets_of_host(host(SMALL, nvidia()), unknown)

    assert [target.title for target in targets[:2]] == ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3060"]
    assert [target.count for target in targets] == [1, 1, 2]


def test_unequal_cards_together_count_as_so_many_of_the_least():
    large, small, both = targets_of_host(host(SMALL, nvidia(compute_capability="12.0")), unknown)

    assert both.memory_bytes == small.memory_bytes < large.memory_bytes
    assert both.compute_capability == "8.6"
    assert both.gpu is None


def test_a_rate_that_one_of_unequal_cards_does_not_tell_is_unknown_of_both():
    large, _, both = targets_of_host(
        host(SMALL, nvidia()), lambda device: rtx_3090(device) if device.index == 0 else None
    )

    assert large.bandwidth_bytes_per_s is not None
    assert both.bandwidth_bytes_per_s is None


def test_cards_of_two_makers_are_not_planned_for_together():
    other = nvidia(1, vendor="amd", name="Radeon RX 7900 XTX")

    assert [target.count for target in targets_of_host(host(nvidia(), other), unknown)] == [1, 1]


def test_a_card_that_no_catalogue_knows_works_from_what_its_driver_reports():
    (target,) = targets_of_host(host(nvidia(name="NVIDIA Prototype", compute_capability="13.0")), unknown)

    assert (target.gpu, target.compute_capability, target.bandwidth_bytes_per_s) == (None, "13.0", None)
    assert target.memory_bytes < 24 * GIB


def test_a_card_that_tells_nothing_and_that_nobody_knows_is_left_to_the_processor():
    silent = Device(index=0, vendor="intel", reason_unread="no reader")

    (target,) = targets_of_host(host(silent), unknown)

    assert (target.vendor, target.title) == (None, "A processor")


def test_a_shared_memory_is_the_smaller_of_the_limit_and_what_is_there_now_and_never_counted_twice():
    apple = Device(index=0, vendor="apple", name="Apple M4 Max", unified=True, working_set_bytes=40 * GIB)

    (roomy,) = targets_of_host(host(apple, available=60), unknown)
    (crowded,) = targets_of_host(host(apple, available=30), unknown)

    assert roomy.memory_bytes == 40 * GIB
    assert roomy.free_bytes == 40 * GIB - SHARED_RESERVE_BYTES
    assert crowded.free_bytes == 30 * GIB - SHARED_RESERVE_BYTES
    assert roomy.ram_bytes == crowded.ram_bytes == 0


def test_ram_that_the_firmware_set_aside_for_the_chip_is_its_own():
    strix = Device(
        index=0,
        vendor="amd",
        unified=True,
        memory_bytes=96 * GIB,
        free_bytes=95 * GIB,
        working_set_bytes=96 * GIB,
        working_set_from="carve-out",
    )

    (target,) = targets_of_host(host(strix, ram=32, available=20), unknown)

    assert (target.memory_bytes, target.free_bytes) == (96 * GIB, 95 * GIB)


def test_without_a_card_the_machines_memory_is_what_there_is():
    target = target_of_processor(host())

    assert target.memory_bytes == 64 * GIB
    assert target.free_bytes == 48 * GIB - SHARED_RESERVE_BYTES
    assert target.bandwidth_bytes_per_s is None
