"""Records appear whole or not at all, and are never changed."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from inference_arena.errors import BadFileError, NotFoundError, StorageError
from inference_arena.store import (
    iter_samples,
    iter_traces,
    load_record,
    new_record_id,
    open_home,
    record_ids,
    remove_record,
    save_record,
    write_jsonl_gz,
)

# Saves a record whose log is a pipe that never ends, so that it can be killed at a known place.
SAVE_FROM_PIPE = """
import sys
from pathlib import Path
from inference_arena.store import open_home, parse_record, save_record
raw = Path(sys.argv[1])
save_record(open_home(), parse_record((raw / "record.json").read_bytes(), name="it"),
    requests_gz=raw / "requests.gz", samples_gz=raw / "samples.gz", log_gz=raw / "pipe")
"""


def names(home):
    return sorted(path.name for path in home.records.iterdir())


def test_an_id_sorts_by_time_and_ends_in_what_was_drawn():
    assert new_record_id(datetime(2026, 11, 23, 12, 1, 2, tzinfo=UTC), random_hex="a1b2c3") == "20261123-120102-a1b2c3"


def test_an_id_can_never_name_a_path_elsewhere(home):
    with pytest.raises(BadFileError, match="not a record id"):
        remove_record(home, "../outside")


def test_a_saved_record_comes_back_equal_with_its_traces(builders, keep):
    path = keep(builders.a_record(), log="started\n")

    record = load_record(path)
    assert record == builders.a_record(evidence=record.evidence)
    assert load_record(path / "record.json") == record
    assert tuple(iter_traces(path)) == builders.TRACES
    assert tuple(iter_samples(path)) == builders.SAMPLES
    assert sorted(p.name for p in path.iterdir()) == [
        "engine.log.gz",
        "record.json",
        "requests.jsonl.gz",
        "samples.jsonl.gz",
    ]


def test_a_record_is_never_overwritten(builders, keep, home):
    path = keep(builders.a_record())
    before = (path / "record.json").read_bytes()

    with pytest.raises(StorageError, match="exists already"):
        keep(builders.a_record(notes=("another",)))

    assert (path / "record.json").read_bytes() == before
    assert names(home) == [path.name]


def test_raw_files_that_the_record_does_not_describe_are_refused(builders, home, tmp_path):
    with pytest.raises(BadFileError, match="sha256 differs"):
        save_record(home, builders.a_record(), **builders.raw_files(tmp_path / "raw"))

    assert names(home) == []


def test_equal_traces_make_equal_bytes(builders, tmp_path):
    first = write_jsonl_gz(tmp_path / "one.gz", builders.TRACES)
    second = write_jsonl_gz(tmp_path / "two.gz", iter(builders.TRACES))

    assert first == second
    assert first.lines == 3
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert write_jsonl_gz(tmp_path / "none.gz", ()).lines == 0


def test_killed_in_the_middle_of_a_save_no_half_record_shows(builders, keep, home, tmp_path):
    kept = keep(builders.a_record(builders.IDS[0]))
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    raw = tmp_path / "slow"
    files = builders.raw_files(raw, log="")
    record = builders.with_evidence(builders.a_record(builders.IDS[1]), files)
    (raw / "record.json").write_text(record.model_dump_json())
    os.mkfifo(raw / "pipe")
    saving = subprocess.Popen([sys.executable, "-c", SAVE_FROM_PIPE, str(raw)])

    with (raw / "pipe").open("wb"):  # returns when the save has opened it: two files are copied, the log is not
        assert any(name.startswith(".tmp-") for name in names(home))
        saving.send_signal(signal.SIGKILL)
        assert saving.wait(timeout=30) == -signal.SIGKILL

    assert record_ids(home) == [kept.name]
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_on_a_full_disk_nothing_of_the_record_stays_and_others_are_untouched(builders, small_folder, tmp_path):
    home = open_home(small_folder)
    builders.keep(home, builders.a_record(builders.IDS[0]), raw=tmp_path / "raw")
    large = tmp_path / "raw" / "large"
    large.write_bytes(os.urandom(2 * 1024**2))
    files = {**builders.raw_files(tmp_path / "raw"), "log_gz": large}
    record = builders.with_evidence(builders.a_record(builders.IDS[1]), files)

    with pytest.raises(StorageError, match="disk full") as caught:
        save_record(home, record, **files)

    assert "ARENA_HOME=" in caught.value.try_
    assert names(home) == [builders.IDS[0]]
    assert load_record(home.records / builders.IDS[0]).id == builders.IDS[0]


def test_saving_into_a_read_only_home_says_so(builders, read_only_home, tmp_path):
    with pytest.raises(StorageError, match="read-only"):
        builders.keep(read_only_home, builders.a_record(builders.IDS[1]), raw=tmp_path / "raw2")


def test_a_wrong_field_is_named_with_its_file(builders, keep):
    path = keep(builders.a_record())
    file = path / "record.json"
    file.write_text(file.read_text().replace('"cpu_cores": 2', '"cpu_cores": "2"'))

    with pytest.raises(BadFileError, match=r"record.json: field 'host.cpu_cores' is wrong"):
        load_record(path)


@pytest.mark.parametrize("content", [b"", b'{"format": 1', b"[1]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_record_is_a_bad_file(builders, keep, content):
    path = keep(builders.a_record())
    (path / "record.json").write_bytes(content)

    with pytest.raises(BadFileError, match=r"record\.json"):
        load_record(path)


def test_a_record_of_a_newer_arena_asks_to_upgrade(builders, keep):
    path = keep(builders.a_record())
    file = path / "record.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 2, "new": true'))

    with pytest.raises(BadFileError, match="newer arena") as caught:
        load_record(path)

    assert "upgrade" in caught.value.try_


def test_a_directory_without_a_record_is_a_bad_file(tmp_path):
    with pytest.raises(BadFileError, match="missing"):
        load_record(tmp_path)


def test_a_bad_trace_is_named_by_its_line(builders, keep, tmp_path):
    path = keep(builders.a_record())
    write_jsonl_gz(path / "requests.jsonl.gz", [builders.TRACES[0], builders.SAMPLES[0]])

    with pytest.raises(BadFileError, match=r"requests\.jsonl\.gz, line 2"):
        list(iter_traces(path))


def test_truncated_traces_give_what_is_there_and_then_the_error(builders, keep):
    path = keep(builders.a_record())
    write_jsonl_gz(path / "requests.jsonl.gz", builders.TRACES * 2000)
    file = path / "requests.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-2000])

    read = []
    with pytest.raises(BadFileError, match="damaged or cut off"):
        read.extend(iter_traces(path))

    assert read[:3] == list(builders.TRACES)


@pytest.mark.parametrize("content", [b"not gzip", b"", b"\x1f\x8b\x08\x00garbage beyond the header"])
def test_traces_that_are_no_gzip_are_a_bad_file_or_empty(builders, keep, content):
    path = keep(builders.a_record())
    (path / "samples.jsonl.gz").write_bytes(content)

    if content:
        with pytest.raises(BadFileError, match="damaged or cut off"):
            list(iter_samples(path))
    else:
        assert list(iter_samples(path)) == []


def test_a_line_without_end_is_refused_before_it_fills_the_memory(builders, keep, packed_zeros):
    path = keep(builders.a_record())
    (path / "requests.jsonl.gz").write_bytes(packed_zeros(17))

    with pytest.raises(BadFileError, match="too long"):
        list(iter_traces(path))


def test_a_removed_record_is_gone_and_the_others_stay(builders, keep, home):
    keep(builders.a_record(builders.IDS[0]))
    keep(builders.a_record(builders.IDS[1]))

    remove_record(home, builders.IDS[0])

    assert names(home) == [builders.IDS[1]]
    with pytest.raises(NotFoundError):
        remove_record(home, builders.IDS[0])


def test_removing_never_follows_links(builders, keep, home, tmp_path):
    keep(builders.a_record(builders.IDS[0]))
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep me")
    (home.records / builders.IDS[1]).symlink_to(precious)
    (home.records / builders.IDS[0] / "link").symlink_to(precious)

    remove_record(home, builders.IDS[1])
    remove_record(home, builders.IDS[0])

    assert (precious / "file").read_text() == "keep me"
    assert names(home) == []
