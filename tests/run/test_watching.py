"""Whose heartbeat it is: of a run by its journal, else of the machine by samples of our own."""

import json
from collections.abc import Callable

from inference_arena.record import DeviceSample, HostSample
from inference_arena.run.watching import Seen, Watching
from inference_arena.store import Home, open_journal
from nvml import Card, FakeNvml
from processes import until

ID = "20261123-120101-aaaaaa"
INTENT = {"clock_zero_unix_s": 1000.0, "model": {"name": "small"}}


def look_until(watching: Watching, enough: Callable[[Seen], bool]) -> Seen:
    seen: list[Seen] = []

    def looked() -> bool:
        watching.wait(0.05)
        seen.append(watching.look())
        return enough(seen[-1])

    until(looked)
    return seen[-1]


def test_an_idle_machine_is_sampled_by_ourselves(home: Home) -> None:
    with Watching(home=home, every_s=0.05, nvml=FakeNvml) as watching:
        seen = look_until(watching, lambda seen: any(isinstance(sample, DeviceSample) for sample in seen.samples))

    assert seen.run is None


def test_a_run_is_read_from_its_journal_and_not_sampled_again(home: Home) -> None:
    nvml = FakeNvml()
    with open_journal(home, ID, INTENT) as journal, Watching(home=home, every_s=0.05, nvml=lambda: nvml) as watching:
        journal.samples([HostSample(t_s=7.0).model_dump_json()])
        journal.event("tick", t_s=7.0, elapsed_s=1.0)
        seen = watching.look()

    assert seen.run is not None
    assert (seen.run.id, seen.zero_unix_s) == (ID, 1000.0)
    assert [sample.t_s for sample in seen.samples] == [7.0]
    assert [event["kind"] for event in seen.events] == ["tick"]
    assert nvml.calls == []


def test_a_run_that_begins_and_ends_takes_over_and_gives_back(home: Home) -> None:
    with Watching(home=home, every_s=0.05, nvml=FakeNvml) as watching:
        assert watching.look().run is None
        with open_journal(home, ID, INTENT):
            look_until(watching, lambda seen: seen.run is not None)
        seen = look_until(watching, lambda seen: seen.run is None and bool(seen.samples))

    assert seen.zero_unix_s > 1000.0


def test_a_journal_whose_intent_cannot_be_read_is_no_run(home: Home) -> None:
    with open_journal(home, ID, {"of": "another release"}), Watching(home=home, every_s=1.0, nvml=FakeNvml) as watching:
        assert watching.look().run is None


def test_a_card_that_is_lost_is_told(home: Home) -> None:
    nvml = FakeNvml(Card())
    with Watching(home=home, every_s=0.02, nvml=lambda: nvml) as watching:
        look_until(watching, lambda seen: any(isinstance(sample, DeviceSample) for sample in seen.samples))
        nvml.cards[0].lost = True
        seen = look_until(watching, lambda seen: bool(seen.notes))

    assert "GPU 0 stopped answering its driver" in seen.notes[0]
    json.dumps(seen.notes)
