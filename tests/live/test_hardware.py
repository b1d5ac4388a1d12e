"""A real NVIDIA card, read and checked against what is possible and against the vendor's own tool.

Skipped unless ARENA_LIVE is set: with it, a machine without such a card fails here.
"""

import os
import subprocess

import pytest

from inference_arena.facts import Device, Host
from inference_arena.hardware import read_host
from inference_arena.plan import notices
from inference_arena.report import machine_markdown

pytestmark = [pytest.mark.live, pytest.mark.skipif(not os.environ.get("ARENA_LIVE"), reason="needs ARENA_LIVE")]
MIB = 1024**2


@pytest.fixture(scope="module")
def host() -> Host:
    return read_host()


@pytest.fixture(scope="module")
def cards(host: Host) -> tuple[Device, ...]:
    found = tuple(device for device in host.devices if device.vendor == "nvidia")
    assert found, "ARENA_LIVE is set, and there is no NVIDIA card"
    return found


def smi(fields: str) -> list[list[str]]:
    """What nvidia-smi says of each card, one row a card."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [[cell.strip() for cell in line.split(",")] for line in asked.stdout.strip().splitlines()]


def test_a_real_card_is_read(cards: tuple[Device, ...]) -> None:
    for card in cards:
        assert card.reason_unread is None
        assert (card.name or "").startswith("NVIDIA")
        assert card.driver_version
        assert card.runtime_version
        assert card.compute_capability


def test_its_memory_adds_up(cards: tuple[Device, ...]) -> None:
    for card in (card for card in cards if not card.unified):
        assert card.memory_bytes is not None
        assert card.free_bytes is not None
        assert 0 < card.free_bytes <= card.memory_bytes
        assert 1024 * MIB <= card.memory_bytes <= 1024**4
        assert card.reserved_bytes is None or 0 <= card.reserved_bytes < card.memory_bytes // 10
        if card.other_processes == 0 and card.reserved_bytes is not None:
            assert card.free_bytes + card.reserved_bytes <= card.memory_bytes


def test_limits_clocks_and_link_are_possible(cards: tuple[Device, ...]) -> None:
    for card in cards:
        assert card.power_limit_w is None or 5 <= card.power_limit_w <= 2000
        for now, most in (
            (card.sm_clock_hz, card.sm_clock_max_hz),
            (card.memory_clock_hz, card.memory_clock_max_hz),
            (card.pcie_generation, card.pcie_generation_max),
            (card.pcie_width, card.pcie_width_max),
        ):
            assert now is None or most is None or 0 < now <= most
        assert card.sm_clock_max_hz is None or 0.3e9 <= card.sm_clock_max_hz <= 5e9


def test_the_vendors_own_tool_says_the_same(cards: tuple[Device, ...]) -> None:
    said = smi("name,driver_version,memory.total,compute_cap,power.default_limit,ecc.mode.current,mig.mode.current")
    modes = {"Enabled": True, "Disabled": False}
    read = [
        (card.name, card.driver_version, card.memory_bytes, card.compute_capability, card.ecc, card.mig)
        for card in cards
    ]
    told = [
        (name, driver, int(memory) * MIB, capability, modes.get(ecc), modes.get(mig))
        for name, driver, memory, capability, _power, ecc, mig in said
    ]
    assert read == told
    assert [card.power_limit_default_w for card in cards] == [
        pytest.approx(float(row[4])) if row[4].replace(".", "").isdecimal() else None for row in said
    ]


def test_no_uuid_and_no_serial_number_is_kept(host: Host, cards: tuple[Device, ...]) -> None:
    secrets = [word for row in smi("uuid,serial,pci.bus_id") for word in row if len(word) > 6 and "N/A" not in word]
    shown = host.model_dump_json() + machine_markdown(host, notices(host), arena="-", readers="-")

    assert secrets
    assert [word for word in secrets if word in shown] == []
