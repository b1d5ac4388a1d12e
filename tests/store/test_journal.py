"""What a killed run leaves behind, and who may pick it up."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inference_arena.errors import BadFileError, StorageError
from inference_arena.store import (
    claim,
    discard,
    open_home,
    open_journal,
    orphans,
    read_events,
    read_intent,
    read_samples,
)

ID = "20261123-120101-aaaaaa"
OTHER = "20261123-120102-bbbbbb"
HOLD = f"""
import sys
from inference_arena.store import open_home, open_journal
journal = open_journal(open_home(), "{ID}", {{"purpose": "measurement"}})
journal.event("launched", t_s=0.5)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(home):
    """Another process with an open journal."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_what_was_written_is_read_in_order(home, builders):
    with open_journal(home, ID, {"purpose": "measurement", "ä": [1, None]}) as journal:
        journal.event("launched", t_s=0.5, pid=7)
        journal.samples(sample.model_dump_json() for sample in builders.SAMPLES)
        journal.event("ready", t_s=1.25)

        assert read_events(journal.path)[0] == {"kind": "launched", "t_s": 0.5, "pid": 7}, "while it is open"

    assert [event["kind"] for event in read_events(journal.path)] == ["launched", "ready"]
    assert tuple(read_samples(journal.path)) == builders.SAMPLES
    assert read_intent(journal.path) == {"purpose": "measurement", "ä": [1, None]}


def test_a_torn_last_line_is_left_out(home, builders):
    with open_journal(home, ID, {}) as journal:
        journal.event("one")
        journal.samples([builders.SAMPLES[0].model_dump_json()])
    for name in ("events.jsonl", "samples.jsonl"):
        with (journal.path / name).open("ab") as file:
            file.write(b'{"kind": "tw')

    assert read_events(journal.path) == [{"kind": "one"}]
    assert list(read_samples(journal.path)) == [builders.SAMPLES[0]]


def test_a_last_line_of_zeros_after_a_power_cut_is_left_out(home):
    with open_journal(home, ID, {}) as journal:
        journal.event("one")
    with (journal.path / "events.jsonl").open("ab") as file:
        file.write(bytes(40) + b"\n")

    assert read_events(journal.path) == [{"kind": "one"}]


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(home):
    with open_journal(home, ID, {}) as journal:
        journal.event("one")
    with (journal.path / "events.jsonl").open("ab") as file:
        file.write(b'{"kind": "tw\n{"kind": "three"}\n')

    with pytest.raises(BadFileError, match="line 2"):
        read_events(journal.path)


def test_a_journal_without_events_has_none(home):
    with open_journal(home, ID, {}) as journal:
        assert read_events(journal.path) == []
    (journal.path / "events.jsonl").unlink()
    assert read_events(journal.path) == []


def test_a_journal_is_opened_once(home):
    with open_journal(home, ID, {}), pytest.raises(StorageError, match="exists already"):
        open_journal(home, ID, {})

    assert [path.name for path in home.journals.iterdir()] == [ID]


def test_an_intent_that_is_no_json_leaves_no_journal(home):
    with pytest.raises(TypeError):
        open_journal(home, ID, {"path": object()})

    assert list(home.journals.iterdir()) == []


def test_a_running_journal_is_no_orphan_and_cannot_be_claimed(home, holder):
    assert orphans(home) == []
    with claim(home.journals / ID) as claimed:
        assert not claimed


def test_killing_the_holder_makes_its_journal_an_orphan_with_all_events(home, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=30)

    assert orphans(home) == [home.journals / ID]
    assert read_events(home.journals / ID) == [{"kind": "launched", "t_s": 0.5}]
    assert read_intent(home.journals / ID) == {"purpose": "measurement"}


def test_a_program_that_the_run_started_does_not_keep_the_lock(home):
    with open_journal(home, ID, {}):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert orphans(home) == [home.journals / ID]
    finally:
        child.communicate(b"\n")


def test_an_orphan_is_claimed_by_one(home):
    open_journal(home, ID, {}).close()

    with claim(home.journals / ID) as first, claim(home.journals / ID) as second:
        assert first
        assert not second


def test_a_discarded_journal_can_no_longer_be_claimed(home):
    open_journal(home, ID, {}).close()
    open_journal(home, OTHER, {}).close()

    discard(home.journals / ID)

    with claim(home.journals / ID) as claimed:
        assert not claimed
    assert orphans(home) == [home.journals / OTHER]
    assert [path.name for path in home.journals.iterdir()] == [OTHER]


def test_a_journal_without_a_lock_is_an_orphan_and_hidden_ones_are_not(home):
    (home.journals / ID).mkdir(parents=True)
    (home.journals / ".tmp-1").mkdir()

    assert orphans(home) == [home.journals / ID]


def test_a_home_without_journals_has_no_orphans(home):
    assert orphans(home) == []


def test_on_a_full_disk_the_journal_keeps_whole_lines(small_folder):
    line = "x" * 1000
    with open_journal(open_home(small_folder), ID, {}) as journal:
        with pytest.raises(StorageError, match="disk full"):  # noqa: PT012 - whichever line is the first too many
            while True:
                journal.event("filler", text=line)
        with pytest.raises(StorageError, match="disk full"):
            journal.samples([line] * 2000)
        written = (journal.path / "events.jsonl").read_bytes()

    assert written.endswith(b"}\n")
    assert {event["text"] for event in read_events(journal.path)} == {line}
    assert (journal.path / "samples.jsonl").read_bytes() == b""


def test_no_journal_opens_in_a_read_only_home(read_only_home):
    with pytest.raises(StorageError, match="read-only"):
        open_journal(read_only_home, ID, {})
    assert orphans(read_only_home) == []


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def test_closing_twice_is_harmless(home):
    journal = open_journal(home, ID, {})
    before = open_files()

    journal.close()
    journal.close()

    assert open_files() == before - 3
