"""The heartbeat of a run, with a card that is lost in the middle and a disk that fills."""

import threading
from collections.abc import Sequence
from time import monotonic

from inference_arena.errors import StorageError
from inference_arena.record import DeviceSample, Sample
from inference_arena.run.heart import Heart
from inference_arena.store import Home, open_journal, read_events, read_samples
from nvml import Card, FakeNvml
from processes import until

ID = "20261123-120101-aaaaaa"


class Shown:
    """What a view was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def __call__(self, samples: Sequence[Sample]) -> None:
        self.samples += samples

    def devices(self) -> set[int]:
        return {sample.device for sample in self.samples if isinstance(sample, DeviceSample)}


def test_a_card_that_is_lost_is_noted_once_and_the_run_goes_on_being_sampled(home: Home) -> None:
    nvml, shown = FakeNvml(Card(), Card()), Shown()
    with open_journal(home, ID, {}) as journal:
        with Heart(journal=journal, now_s=monotonic, show=shown, device_interval_s=0.02, nvml=lambda: nvml):
            until(lambda: shown.devices() == {0, 1})
            nvml.cards[1].lost = True
            until(lambda: bool(read_events(journal.path)))
            shown.samples.clear()
            until(lambda: shown.devices() == {0})
        notes = [event["text"] for event in read_events(journal.path) if event["kind"] == "note"]
        kept = list(read_samples(journal.path))

    assert len(notes) == 1
    assert "GPU 1 stopped answering its driver" in notes[0]
    assert "GPU is lost" in notes[0]
    assert {sample.device for sample in kept if isinstance(sample, DeviceSample)} == {0, 1}


def test_without_an_interval_no_card_is_asked(home: Home) -> None:
    nvml, shown = FakeNvml(), Shown()
    with (
        open_journal(home, ID, {}) as journal,
        Heart(journal=journal, now_s=monotonic, show=shown, device_interval_s=None, nvml=lambda: nvml),
    ):
        until(lambda: bool(shown.samples))

    assert nvml.calls == []
    assert shown.devices() == set()


class FullDisk:
    """A journal that takes no samples any more, but notes."""

    def __init__(self) -> None:
        self.refused = threading.Event()
        self.notes: list[str] = []

    def samples(self, _lines: object) -> None:
        self.refused.set()
        raise StorageError("the journal could not be written", why="No space left on device")

    def event(self, _kind: str, **fields: str) -> None:
        self.notes.append(fields["text"])


def test_a_disk_that_fills_ends_samples_and_is_noted() -> None:
    journal = FullDisk()
    with Heart(journal=journal, now_s=monotonic, show=Shown(), device_interval_s=0.02, nvml=FakeNvml):  # type: ignore[arg-type]
        assert journal.refused.wait(60)

    assert len(journal.notes) == 1
    assert journal.notes[0].startswith("samples of the machine end early: the journal could not be written")
