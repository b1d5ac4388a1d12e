"""A log that grows is read a piece at a time, by the same class that the supervisor writes it with."""

from pathlib import Path

import pytest

from inference_arena.run.bounded_log import BoundedLog
from inference_arena.run.follow import MOST_BYTES, Followed

LIMIT = 8192


@pytest.fixture
def log(tmp_path: Path):
    return BoundedLog(str(tmp_path / "log"), limit_bytes=LIMIT)


@pytest.fixture
def followed(tmp_path: Path):
    return Followed(tmp_path / "log")


def test_before_anything_is_written_there_is_nothing(tmp_path):
    assert Followed(tmp_path / "no such log").lines() == ()


def test_each_look_tells_the_new_lines_once_and_only_when_they_are_whole(log, followed):
    log.write(b"one\ntw")
    assert followed.lines() == ("one",)
    log.write(b"o\n\n  \nthree\r\n")
    assert followed.lines() == ("two", "three")
    assert followed.lines() == ()


def test_what_comes_after_the_first_part_is_told_too(log, followed):
    told = []
    for number in range(2000):
        log.write(f"line {number}\n".encode())
        told += followed.lines()

    assert told[0] == "line 0"
    assert told[-1] == "line 1999"
    assert len(told) > 1990, "a line that is cut in two by a new part may be lost"


def test_between_two_looks_more_may_come_than_is_kept(log, followed):
    log.write(b"first\n")
    assert followed.lines() == ("first",)
    for number in range(5000):
        log.write(f"line {number}\n".encode())

    told = followed.lines()

    assert told[-1] == "line 4999"
    assert len(told) < LIMIT / len("line 4999")
    assert all(line.startswith("line ") for line in told[1:])


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path):
    log, followed = BoundedLog(str(tmp_path / "log"), limit_bytes=64 * MOST_BYTES), Followed(tmp_path / "log")
    seen = 0
    for _ in range(16):
        log.write(b"x" * (MOST_BYTES // 4))
        seen += sum(map(len, followed.lines()))
    assert seen >= 2 * MOST_BYTES
    assert len(followed._rest) <= MOST_BYTES
