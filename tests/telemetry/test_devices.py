"""Devices of a driver library that answers as told: what is refused, what is lost, what comes back."""

import pytest

from inference_arena.record import DeviceSample
from inference_arena.telemetry.devices import MOST_NOTES, RETRY_S, Devices
from inference_arena.telemetry.nvidia import names_of, reasons_by_bit
from nvml import Card, FakeNvml


class Read:
    """Devices on a clock that the test sets, and what was noted."""

    def __init__(self, nvml: FakeNvml) -> None:
        self.now_s = 10.0
        self.notes: list[str] = []
        self.devices = Devices(open_nvml=lambda: nvml, now_s=lambda: self.now_s, note=self.notes.append)

    def at(self, now_s: float) -> list[DeviceSample]:
        self.now_s = now_s
        return list(self.devices.read())


def test_a_card_that_is_lost_is_noted_once_and_the_others_go_on() -> None:
    nvml = FakeNvml(Card(), Card())
    read = Read(nvml)
    assert [sample.device for sample in read.at(10.0)] == [0, 1]
    nvml.cards[1].lost = True

    assert [[s.device for s in read.at(t)] for t in (10.1, 10.2, 16.0, 30.0)] == [[0]] * 4
    assert read.notes == ["GPU 1 stopped answering its driver at 10.1 s (GPU is lost): no samples of it"]


def test_a_lost_card_is_asked_only_now_and_then_because_its_driver_may_take_seconds_to_answer() -> None:
    nvml = FakeNvml(Card(lost=True))
    nvml.cards[0].lost = False
    read = Read(nvml)
    nvml.cards[0].lost = True
    read.at(20.0)
    nvml.calls.clear()
    for tenth in range(1, 49):
        read.at(20.0 + tenth / 10)

    assert nvml.calls == []
    assert RETRY_S == 5.0


def test_a_card_that_comes_back_is_sampled_again_and_that_is_noted() -> None:
    nvml = FakeNvml()
    read = Read(nvml)
    nvml.cards[0].lost = True
    read.at(20.0)
    nvml.cards[0].lost = False

    assert read.at(24.0) == []
    assert len(read.at(25.1)) == 1
    assert read.notes[1] == "GPU 0 answers its driver again at 25.1 s; it was gone from 20.0 s on"


def test_a_card_that_comes_and_goes_does_not_fill_the_record_with_notes() -> None:
    nvml = FakeNvml()
    read = Read(nvml)
    for turn in range(100):
        nvml.cards[0].lost = turn % 2 == 0
        read.at(20.0 + 6 * turn)

    assert len(read.notes) == MOST_NOTES


def test_a_number_that_is_refused_is_unknown_and_no_loss() -> None:
    nvml = FakeNvml(Card(refuses=frozenset({"nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetMemoryInfo"})))
    read = Read(nvml)
    (sample,) = read.at(10.0)

    assert (sample.energy_j, sample.memory_used_bytes, sample.memory_total_bytes) == (None, None, None)
    assert sample.power_w == 301.5
    assert read.notes == []


def test_drivers_that_know_only_the_older_name_of_the_reasons_are_asked_by_it() -> None:
    nvml = FakeNvml(Card(reasons=0x8, refuses=frozenset({"nvmlDeviceGetCurrentClocksEventReasons"})))
    (sample,) = Read(nvml).at(10.0)

    assert sample.slowed_by == ("hardware",)


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        (0, ()),
        (0x1, ("idle",)),
        (0x4 | 0x40, ("power-cap", "heat-hardware")),
        (0x2 | 0x10 | 0x80 | 0x100, ("power-brake", "clocks-set", "sync-boost", "display-clocks")),
        (0x400, ("other",)),
    ],
)
def test_reasons_have_plain_names_and_one_that_nobody_knows_yet_is_other(bits: int, names: tuple[str, ...]) -> None:
    assert names_of(bits, reasons_by_bit(FakeNvml())) == names


def test_without_a_driver_there_are_no_devices() -> None:
    def missing() -> object:
        raise OSError("NVML Shared Library Not Found")

    devices = Devices(open_nvml=missing, now_s=lambda: 0.0, note=lambda _: None)
    assert len(devices) == 0
    assert devices.read() == []
    devices.close()


def test_the_vendors_library_has_every_name_that_the_fake_has_and_the_same_bits() -> None:
    pynvml = pytest.importorskip("pynvml")

    names = [name for name in vars(FakeNvml) if name.lower().startswith("nvml")]
    constants = [name for name in names if not callable(getattr(FakeNvml, name))]
    assert len(names) > 20
    assert all(hasattr(pynvml, name) for name in names)
    assert [getattr(pynvml, name) for name in constants] == [getattr(FakeNvml, name) for name in constants]
