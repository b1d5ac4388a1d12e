"""One run measures at a time."""

import os
import re
import signal
import subprocess
import sys

import pytest

from inference_arena.errors import ArenaError, StorageError
from inference_arena.store import measuring_lock, open_home

HOLD = """
import sys
from inference_arena.store import measuring_lock, open_home
with measuring_lock(open_home(), what="mistral-7b on vllm"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(home):
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_of_two_processes_is_told_who_measures(home, holder):
    with pytest.raises(ArenaError, match="another run is measuring") as caught, measuring_lock(home):
        pass

    assert re.fullmatch(rf"pid {holder.pid} since \d\d:\d\d measures mistral-7b on vllm", caught.value.why)
    assert "--together" in caught.value.try_


@pytest.mark.parametrize("what", ["", "a\udcffb", "two\nlines"])
def test_whatever_is_measured_the_holder_is_told_in_one_piece(home, what):
    with measuring_lock(home, what=what), pytest.raises(ArenaError) as caught, measuring_lock(home):
        pass

    assert caught.value.why.startswith(f"pid {os.getpid()} since ")
    assert ("measures" in caught.value.why) == bool(what)


def test_killing_the_holder_frees_the_lock(home, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=30)

    with measuring_lock(home):
        pass


def test_a_finished_run_frees_the_lock_for_the_next(home):
    for _ in range(2):
        with measuring_lock(home):
            pass


def test_a_failing_run_frees_the_lock(home):
    with pytest.raises(ZeroDivisionError), measuring_lock(home):
        raise ZeroDivisionError

    with measuring_lock(home):
        pass


def test_a_holder_that_has_not_signed_is_still_a_holder(home):
    with measuring_lock(home):
        home.lock_path.write_text("")
        with pytest.raises(ArenaError, match="another process holds the lock"), measuring_lock(home):
            pass


def test_errors_of_the_run_itself_are_not_blamed_on_the_lock(home):
    with pytest.raises(FileNotFoundError), measuring_lock(home):
        raise FileNotFoundError


def test_a_read_only_home_is_said(read_only_folder):
    with pytest.raises(StorageError, match="read-only"), measuring_lock(open_home(read_only_folder)):
        pass
