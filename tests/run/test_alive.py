"""A process noted earlier is known again, and a later one with its number is not taken for it."""

import signal
import subprocess
import sys

from inference_arena.run.alive import identify_process, is_alive, tell, wait_for_end

SLEEPER = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]


def test_a_process_is_alive_until_it_ends_even_before_it_is_collected():
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as child:
        noted = identify_process(child.pid)
        assert is_alive(noted)
        assert not wait_for_end(noted, timeout_s=0.01)
        tell(noted, signal.SIGKILL)
        assert wait_for_end(noted, timeout_s=30)
        assert not is_alive(noted)
        assert child.wait() == -signal.SIGKILL


def test_a_later_process_with_the_same_number_is_another_one_and_is_told_nothing():
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as child:
        noted = identify_process(child.pid)
        assert noted.started is not None
        other = noted.model_copy(update={"started": noted.started - 1})
        assert not is_alive(other)
        tell(other, signal.SIGKILL)
        assert wait_for_end(other, timeout_s=0)
        assert child.poll() is None
        child.kill()


def test_nothing_is_no_process():
    assert not is_alive(None)
    assert not is_alive(identify_process(2**22 + 1))
