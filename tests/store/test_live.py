"""Somebody reads along while a run writes."""

from inference_arena.record import HostSample
from inference_arena.store import Follower, is_alive, open_journal, running

IDS = ("20261123-120101-aaaaaa", "20261123-120102-bbbbbb")


def line(t_s: float) -> str:
    return HostSample(t_s=t_s).model_dump_json(exclude_none=True)


def test_a_run_is_alive_as_long_as_it_holds_its_journal(home):
    with open_journal(home, IDS[0], {}) as first:
        with open_journal(home, IDS[1], {}) as second:
            assert running(home) == [first.path, second.path]
        assert running(home) == [first.path]
    assert running(home) == []


def test_looking_makes_no_file_in_a_journal_that_is_being_removed(home):
    folder = home.journals / IDS[0]
    folder.mkdir(parents=True)

    assert not is_alive(folder)
    assert list(folder.iterdir()) == []
    assert not is_alive(home.journals / IDS[1])


def test_without_journals_no_run_is_alive(home):
    assert running(home) == []


def test_each_look_tells_only_what_is_new(home):
    with open_journal(home, IDS[0], {}) as journal:
        follower = Follower(journal.path)
        assert (follower.samples(), follower.events()) == ([], [])
        journal.samples([line(1.0), line(2.0)])
        journal.event("stage", stage="load", t_s=1.0)
        assert [sample.t_s for sample in follower.samples()] == [1.0, 2.0]
        assert follower.events() == [{"kind": "stage", "stage": "load", "t_s": 1.0}]
        journal.samples([line(3.0)])
        assert [sample.t_s for sample in follower.samples()] == [3.0]
        assert (follower.samples(), follower.events()) == ([], [])


def test_half_a_line_comes_when_it_is_whole(home):
    with open_journal(home, IDS[0], {}) as journal:
        follower = Follower(journal.path)
        with (journal.path / "samples.jsonl").open("ab", buffering=0) as file:
            file.write(line(1.0).encode()[:10])
            assert follower.samples() == []
            file.write(line(1.0).encode()[10:] + b"\n")
        assert [sample.t_s for sample in follower.samples()] == [1.0]


def test_what_is_no_sample_and_no_event_is_passed_over(home):
    with open_journal(home, IDS[0], {}) as journal:
        follower = Follower(journal.path)
        journal.samples(["{", '{"kind": "of another release", "t_s": 1}', line(2.0)])
        with (journal.path / "events.jsonl").open("ab") as file:
            file.write(b"[1]\n\xff\n")
        assert [sample.t_s for sample in follower.samples()] == [2.0]
        assert follower.events() == []


def test_who_comes_late_to_a_long_run_reads_its_end_only(home):
    with open_journal(home, IDS[0], {}) as journal:
        journal.samples([line(float(t)) for t in range(50_000)])
        read = Follower(journal.path).samples()

    assert read[-1].t_s == 49_999.0
    assert 1000 < len(read) < 40_000


def test_a_journal_that_is_gone_tells_nothing(home):
    follower = Follower(home.journals / IDS[0])

    assert (follower.samples(), follower.events()) == ([], [])
