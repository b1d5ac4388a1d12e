"""Launching again: in which order, from which temperature, and what cannot be launched."""

import pytest

from builders import a_record
from inference_arena.cli.keeping import keep
from inference_arena.cli.relaunch import LONGEST_COOLING_S, command_of, order, wait_until_like
from inference_arena.errors import NotFoundError, UsageError
from inference_arena.run import Asked
from inference_arena.store import KeptCommand, forget_command, keep_command, open_home, read_command


@pytest.fixture
def here(home):
    return open_home()


def attached(record):
    return record.model_copy(update={"engine": record.engine.model_copy(update={"form": "attached"})})


def launched(record):
    return record.model_copy(update={"engine": record.engine.model_copy(update={"form": "process"})})


def test_sides_are_launched_in_turn_so_that_a_drift_meets_both():
    assert list(order(2, 3)) == [0, 1, 1, 0, 0, 1]
    assert list(order(3, 2)) == [0, 1, 2, 2, 1, 0]


def test_a_warm_card_is_waited_for_until_it_is_like_the_first_start():
    readings, said, paused = iter([70.0, 60.0, 44.0]), [], []

    assert wait_until_like(40.0, read_c=lambda: next(readings), pause=paused.append, tell=said.append)
    assert len(paused) == 2
    assert "from 70 to 45 °C" in said[0]


def test_a_card_that_stays_warm_is_not_waited_for_for_ever():
    said, paused = [], []

    assert not wait_until_like(40.0, read_c=lambda: 80.0, pause=paused.append, tell=said.append)
    assert sum(paused) == pytest.approx(LONGEST_COOLING_S)
    assert "begins warmer" in said[-1]


def test_a_card_that_stops_telling_is_not_waited_for():
    assert wait_until_like(40.0, read_c=lambda: None, pause=pytest.fail, tell=pytest.fail)


def test_what_was_asked_comes_back_as_it_was(here, tmp_path, monkeypatch):
    (tmp_path / "m.gguf").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    record, asked = launched(a_record()), Asked(model="m.gguf", concurrency=(1.0, 4.0), flags=("--no-mmap",))
    keep(here, record, asked, sample_every_s=0.5)

    again, sample_every_s = command_of(here, [record])

    assert again == asked.model_copy(update={"model": str(tmp_path / "m.gguf")})
    assert sample_every_s == 0.5


def test_a_key_is_never_kept_and_its_command_not_run_again(here):
    record = launched(a_record())
    keep(here, record, Asked(model="m", flags=("--api-key", "sk-very-secret")), sample_every_s=0.1)

    assert "very-secret" not in (here.root / "commands" / f"{record.id}.json").read_text()
    with pytest.raises(UsageError, match="held a key"):
        command_of(here, [record])


def test_a_command_is_for_nobody_else_to_read(here):
    record = launched(a_record())
    keep(here, record, Asked(model="m"), sample_every_s=0.1)

    assert (here.root / "commands" / f"{record.id}.json").stat().st_mode & 0o077 == 0


def test_a_record_from_elsewhere_is_refused_with_a_way_out(here):
    with pytest.raises(NotFoundError, match="not known here") as refused:
        command_of(here, [launched(a_record())])

    assert "arena run with the same options" in refused.value.try_


def test_a_server_that_ran_already_is_not_ours_to_start(here):
    with pytest.raises(UsageError, match="was running already"):
        command_of(here, [attached(a_record())])


def test_a_mended_launch_keeps_no_command_as_it_was_not_asked_for(here):
    record = launched(a_record()).model_copy(update={"retry_of": "x"})
    keep(here, record, Asked(model="m"), sample_every_s=0.1)

    assert read_command(here, record.id) is None


def test_a_removed_record_leaves_no_command(here):
    record = a_record()
    keep_command(here, record.id, KeptCommand(asked={}, sample_every_s=0.1))
    forget_command(here, record.id)
    forget_command(here, record.id)

    assert read_command(here, record.id) is None
