"""The index is made from the records and is never the only place of anything."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from inference_arena.errors import StorageError
from inference_arena.store import (
    index_record,
    list_records,
    load_record,
    open_home,
    open_index,
    refresh_index,
    reindex,
    remove_from_index,
    remove_record,
    sha256_of,
)


@pytest.fixture
def three(builders, keep):
    first, second, third = builders.IDS
    return [keep(builders.a_record(first)), keep(builders.a_failed_record(second)), keep(builders.a_record(third))]


def ids(home, **filters):
    return [row.id for row in list_records(home, **filters)]


def test_an_empty_home_lists_nothing_and_stays_empty(home):
    assert list_records(home) == []
    assert not home.root.exists()


def test_records_are_listed_newest_first_without_being_indexed_by_hand(home, three):
    assert ids(home) == [path.name for path in reversed(three)]
    assert ids(home, limit=1) == [three[2].name]


def test_a_row_tells_what_people_look_for(home, builders, three):
    row = list_records(home)[0]

    assert (row.model, row.quantization, row.engine, row.engine_version) == ("Small Model", "q4_1", "embedded", "b1")
    assert (row.peak_output_tokens_per_s, row.lowest_load_ttft_p50_s) == (44.5, 0.099)
    assert (row.doubts, row.hw_class, row.cpu, row.device) == (("few-samples",), "cpu", "Some CPU", None)
    assert (row.workload, row.load_kind, row.outcome, row.cause) == ("self-test", "closed", "finished", None)
    assert row.record_sha256 == sha256_of(three[2] / "record.json")


def test_a_failed_run_is_listed_with_its_cause_and_unknown_numbers(home, three):
    row = list_records(home, outcome="failed")[0]

    assert (row.stage, row.cause) == ("launch", "driver-too-old")
    assert (row.peak_output_tokens_per_s, row.lowest_load_ttft_p50_s, row.doubts) == (None, None, ())


def test_filters_select(home, three):
    assert ids(home, outcome="failed") == [three[1].name]
    assert ids(home, model="Small Model", engine="embedded", purpose="measurement") == ids(home)
    assert ids(home, engine="vllm") == []


def test_records_that_come_and_go_are_noticed(home, builders, keep, three):
    ids(home)

    remove_record(home, three[0].name)
    keep(builders.a_record("20261125-000000-dddddd"))

    assert ids(home) == ["20261125-000000-dddddd", three[2].name, three[1].name]


@pytest.mark.parametrize("content", [b"", b"this is no database " * 100, b"SQLite format 3\0" + bytes(4096)])
def test_a_corrupt_index_is_made_anew(home, three, content):
    ids(home)
    home.index_path.write_bytes(content)

    assert len(ids(home)) == 3
    with closing(sqlite3.connect(home.index_path)) as connection:
        assert connection.execute("select count(*) from records").fetchone() == (3,)


def test_an_index_damaged_in_its_middle_is_made_anew(home, three):
    ids(home)
    data = bytearray(home.index_path.read_bytes())
    data[4096:] = b"\xff" * len(data[4096:])
    home.index_path.write_bytes(data)

    assert len(ids(home)) == 3


def test_an_index_of_an_older_shape_is_made_anew(home, three):
    with closing(sqlite3.connect(home.index_path)) as connection:
        connection.execute("create table records (id varchar primary key)")

    assert len(ids(home)) == 3


def test_a_lost_index_comes_back(home, three):
    ids(home)
    home.index_path.unlink()

    assert len(ids(home)) == 3


def test_the_journal_of_a_crashed_writer_is_not_played_into_a_new_index(home, three):
    reindex(home)
    stale = home.root / "index.sqlite-journal"
    stale.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))

    assert reindex(home).ok == 3
    assert not stale.exists()


def test_bad_records_are_reported_and_stop_nothing(home, builders, keep, three):
    truncated, newer, misplaced = (
        keep(builders.a_record(f"20261125-00000{i}-dddddd")) / "record.json" for i in range(3)
    )
    truncated.write_bytes(truncated.read_bytes()[:100])
    newer.write_text(newer.read_text().replace('"format": 1', '"format": 99'))
    misplaced.write_text(misplaced.read_text().replace("20261125-000002-dddddd", three[0].name))
    (home.records / "20261125-000003-dddddd").mkdir()

    done = reindex(home)

    assert done.ok == 3
    assert [bad.path.name[:15] for bad in done.bad] == [f"20261125-00000{i}" for i in range(4)]
    reasons = [bad.reason for bad in done.bad]
    assert "not valid JSON" in reasons[0]
    assert "newer arena" in reasons[1]
    assert "another name" in reasons[2]
    assert "missing" in reasons[3]
    assert len(ids(home)) == 3
    assert refresh_index(home) == done.bad


def test_leftovers_of_killed_saves_are_not_records(home, three):
    (home.records / ".tmp-123").mkdir()
    (home.records / ".trash-123").mkdir()
    (home.records / "notes").mkdir()

    assert reindex(home) == (3, ())
    assert sorted(path.name for path in home.records.iterdir())[:2] == [".tmp-123", three[0].name]


def test_a_read_only_home_is_listed_all_the_same(read_only_home, builders):
    assert ids(read_only_home) == [builders.IDS[0]]
    with pytest.raises(StorageError, match="read-only"):
        reindex(read_only_home)


def test_an_index_that_was_made_before_the_home_froze_is_used(small_folder, freeze, builders, tmp_path):
    home = open_home(small_folder)
    builders.keep(home, builders.a_record(), raw=tmp_path / "raw")
    before = list_records(home)
    freeze(small_folder)

    assert list_records(home) == before


def test_a_record_can_be_put_in_and_taken_out_by_hand(home, three):
    engine = open_index(home)
    for _ in range(2):
        index_record(engine, load_record(three[0]))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select id from records").all() == [(three[0].name,)]

    remove_from_index(engine, three[0].name)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select id from records").all() == []
    engine.dispose()


def test_texts_of_a_stranger_are_just_texts(home, builders, keep):
    model = builders.a_record().model.model_copy(update={"name": "<script>'; drop table records; --\0"})
    keep(builders.a_record(model=model))

    assert list_records(home)[0].model == "<script>'; drop table records; --\ufffd"


def test_another_database_can_be_named(home, three, tmp_path, monkeypatch):
    monkeypatch.setenv("ARENA_DATABASE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")

    assert len(ids(home)) == 3
    assert reindex(home).ok == 3
    assert not home.index_path.exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("nosuch://host/name", "URL"),
        ("sqlite:////no/such/folder/x", "not be written"),
    ],
)
def test_a_database_that_cannot_be_used_is_said(home, three, monkeypatch, url, said):
    monkeypatch.setenv("ARENA_DATABASE_URL", url)

    with pytest.raises(StorageError, match=said):
        list_records(home)


def test_processes_that_list_at_once_agree(home, three):
    code = "from inference_arena.store import *; input(); print(len(list_records(open_home())))"
    listing = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in listing:
        process.stdin.write("go\n")
        process.stdin.flush()

    assert [process.communicate()[0] for process in listing] == ["3\n"] * 3


def test_the_door_does_not_bring_sqlalchemy_until_it_is_needed():
    code = "import sys, inference_arena.store; sys.exit('sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rows_and_columns_have_the_same_names(home, three):
    list_records(home)
    with closing(sqlite3.connect(home.index_path)) as connection:
        names = [column[1] for column in connection.execute("pragma table_info(records)")]

    assert names == list(type(list_records(home)[0]).model_fields)
