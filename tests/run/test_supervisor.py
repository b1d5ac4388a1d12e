"""The supervisor as a plain script, with real children: whatever ends, nothing is left."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

import inference_arena
from inference_arena.run.bounded_log import BoundedLog
from inference_arena.run.process import WORDS_BETWEEN
from processes import gone, until

SUPERVISOR = Path(inference_arena.__file__).with_name("run") / "supervisor.py"
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc and prctl")
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
GRANDCHILDREN = """
    import os, signal, sys
    def stay(name):
        os.write(1, f"{name} {os.getpid()}\\n".encode())  # print makes several writes where PYTHONUNBUFFERED is set
        while True:
            signal.pause()
    if os.fork() == 0:
        stay("grandchild")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stay("daemon")
        os._exit(0)
    if sys.argv[1] == "leave":
        sys.stdin.read()
        sys.exit(3)
    stay("main")
"""


class Supervised:
    def __init__(self, *argv: str, log: Path, grace_s: float, limit_bytes: int, **endings: list[str]) -> None:
        self.log = log
        options = ["--log", log, "--limit-bytes", limit_bytes, "--grace-s", grace_s]
        options += [word for name, words in endings.items() for word in (f"--{name}", WORDS_BETWEEN.join(words))]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), *map(str, options), "--", *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self.first = self.answer()

    @property
    def pid(self) -> int:
        return int(self.first["pid"])

    def answer(self) -> dict:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def order(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hang_up(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def says(self, text: str) -> None:
        until(lambda: text in self.log.read_text())

    def pids(self) -> dict[str, int]:
        words = (line.split() for line in self.log.read_text().splitlines())
        return {name: int(pid) for name, pid in words}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()
        self.process.wait()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    with ExitStack() as stack:

        def start(*argv: str, grace_s: float = 0.2, limit_bytes: int = 1 << 20, **endings: list[str]) -> Supervised:
            made = Supervised(*argv, log=tmp_path / "log", grace_s=grace_s, limit_bytes=limit_bytes, **endings)
            return stack.enter_context(made)

        yield start


def python(code: str, *args: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), *args]


def test_the_exit_code_of_the_child_is_told_when_it_ends_by_itself(supervised):
    watched = supervised(*python("print('hello'); raise SystemExit(3)"))
    assert watched.answer() == {"exit": 3, "left": []}
    assert watched.process.wait(60) == 0
    assert watched.log.read_text() == "hello\n"


def test_a_child_killed_by_a_signal_is_told_as_a_negative_number(supervised):
    watched = supervised(*python("import signal; signal.pause()"))
    os.kill(watched.pid, signal.SIGKILL)
    assert watched.answer()["exit"] == -signal.SIGKILL


def test_both_output_streams_reach_the_log_and_input_is_empty(supervised):
    watched = supervised(*python("import sys; print(repr(sys.stdin.read()), file=sys.stderr)"))
    watched.answer()
    assert watched.log.read_text() == "''\n"


def test_the_child_gets_the_default_signal_behaviour_back(supervised):
    watched = supervised(*python("import signal; print(signal.getsignal(signal.SIGTERM))"))
    watched.answer()
    assert watched.log.read_text() == f"{signal.SIG_DFL}\n"
    again = supervised("sh", "-c", "grep SigIgn /proc/self/status")
    again.answer()
    assert int(again.log.read_text().split()[1], 16) == 0


def test_stop_ends_a_child_with_sigterm(supervised):
    watched = supervised(*python("import signal; print('up', flush=True); signal.pause()"), grace_s=60)
    watched.says("up")
    watched.order("stop")
    assert watched.answer()["exit"] == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(supervised):
    watched = supervised(*python(DEAF))
    watched.says("deaf")
    watched.order("stop")
    assert watched.answer()["exit"] == -signal.SIGKILL


def test_kill_does_not_wait_for_the_grace_even_after_stop(supervised):
    watched = supervised(*python(DEAF), grace_s=3600)
    watched.says("deaf")
    watched.order("stop")
    watched.order("kill")
    assert watched.answer()["exit"] == -signal.SIGKILL


def test_a_child_has_its_grace_to_end_in_order(supervised):
    code = """
        import signal, sys
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes before the wait is not lost
        print("up", flush=True)
        signal.sigwait({signal.SIGTERM})
        print("ending in order")
        sys.exit(7)
    """
    watched = supervised(*python(code), grace_s=60)
    watched.says("up")
    watched.order("stop")
    assert watched.answer()["exit"] == 7
    assert "ending in order\n" in watched.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_supervisor_ends_the_child_in_order(supervised, number):
    watched = supervised(*python("import signal; signal.pause()"), grace_s=60)
    watched.process.send_signal(number)
    assert watched.answer()["exit"] == -signal.SIGTERM


def test_the_end_of_its_input_ends_the_child(supervised):
    watched = supervised(*python(DEAF))
    watched.says("deaf")
    watched.hang_up()
    assert watched.answer()["exit"] == -signal.SIGKILL


@linux_only
def test_grandchildren_end_too_even_one_that_left_the_group_as_a_daemon(supervised):
    watched = supervised(*python(GRANDCHILDREN, "stay"))
    until(lambda: len(watched.log.read_text().splitlines()) == 3)
    watched.order("stop")
    assert watched.answer() == {"exit": -signal.SIGTERM, "left": []}
    assert set(watched.pids()) == {"main", "grandchild", "daemon"}
    assert all(gone(pid) for pid in watched.pids().values())


@linux_only
def test_grandchildren_end_when_the_child_ends_by_itself(supervised):
    watched = supervised(*python(GRANDCHILDREN, "leave"))
    assert watched.answer() == {"exit": 3, "left": []}
    assert all(gone(pid) for pid in watched.pids().values())


@linux_only
def test_the_kernel_ends_the_child_of_a_supervisor_that_was_killed(supervised):
    watched = supervised(*python(DEAF))
    watched.says("deaf")
    watched.process.kill()
    until(lambda: gone(watched.pid))


def test_a_program_that_is_not_there_is_told_with_its_errno(supervised):
    watched = supervised("/no/such/program")
    assert watched.first == {"error": "No such file or directory", "errno": 2, "about": "program"}
    assert watched.process.wait(60) == 1


def test_a_log_that_cannot_be_written_is_told_and_nothing_runs(tmp_path):
    log = tmp_path / "no" / "folder" / "log"
    with Supervised("true", log=log, grace_s=1, limit_bytes=4096) as watched:
        assert watched.first["about"] == "log"


def test_a_flood_keeps_the_log_under_its_limit_with_the_first_and_the_newest_line(supervised, tmp_path):
    limit_bytes = 1 << 20
    code = "for n in range(500_000): print(f'{n:0>99}')"
    watched = supervised(*python(code), limit_bytes=limit_bytes)
    assert watched.answer()["exit"] == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log", "log.tail", "log.tail.1"]
    assert limit_bytes * 0.7 < sum(file.stat().st_size for file in files) <= limit_bytes
    assert watched.log.read_text().startswith("0" * 99 + "\n")
    assert files[1].read_text().endswith(f"{499_999:0>99}\n")
    header = files[1].read_text().partition("\n")[0]
    assert header == f"[arena: output from byte {50_000_000 - files[1].stat().st_size + len(header) + 1} on]"


def test_a_new_log_removes_the_tails_of_an_older_one(supervised, tmp_path):
    (tmp_path / "log.tail").write_text("old")
    supervised("true").answer()
    assert not (tmp_path / "log.tail").exists()


@linux_only
def test_a_full_disk_loses_output_but_not_the_engine(tmp_path):
    log = tmp_path / "log"
    log.symlink_to("/dev/full")
    code = "import sys; sys.stdout.write('x' * 5_000_000); sys.exit(4)"
    with Supervised(*python(code), log=log, grace_s=1, limit_bytes=1 << 20) as watched:
        assert watched.answer()["exit"] == 4


@linux_only
def test_when_the_disk_has_room_again_the_log_tells_how_much_is_missing(tmp_path):
    log = BoundedLog(str(tmp_path / "log"), limit_bytes=4096)
    log.write(b"before\n")
    real, full = os.dup(log._fd), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._fd)
    log.write(b"lost\n")
    os.dup2(real, log._fd)
    log.write(b"after\n")
    for fd in (real, full, log._fd):
        os.close(fd)
    expected = "before\n\n[arena: 5 bytes dropped, could not be written]\nafter\n"
    assert (tmp_path / "log").read_text() == expected


def test_the_supervisor_imports_nothing_of_ours():
    assert "inference_arena" not in SUPERVISOR.read_text()


def test_what_the_program_keeps_elsewhere_is_removed_when_it_ends_by_itself(supervised, tmp_path):
    kept = tmp_path / "kept"
    kept.touch()
    watched = supervised(*python("raise SystemExit(3)"), remove=["rm", str(kept)])
    assert watched.answer() == {"exit": 3, "left": [], "removed": 0, "said": ""}
    assert not kept.exists()


def test_what_the_program_keeps_elsewhere_is_removed_when_the_arena_is_gone(supervised, tmp_path):
    kept = tmp_path / "kept"
    kept.touch()
    watched = supervised(*python(DEAF), remove=["rm", str(kept)])
    watched.says("deaf")
    watched.hang_up()
    assert watched.answer()["removed"] == 0
    assert not kept.exists()


def test_a_stop_command_ends_what_a_signal_does_not_reach(supervised, tmp_path):
    flag = tmp_path / "flag"
    until_flag = (
        "import os, sys, time\nprint('up', flush=True)\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"
    )
    watched = supervised(*python(until_flag, str(flag)), grace_s=60.0, stop=["touch", str(flag)], remove=["true"])
    watched.says("up")
    watched.order("stop")
    assert watched.answer() == {"exit": 0, "left": [], "removed": 0, "said": ""}


def test_an_order_to_kill_does_not_wait_for_a_stop_command_that_hangs(supervised):
    watched = supervised(*python(DEAF), grace_s=600.0, stop=["sleep", "600"], remove=["true"])
    watched.says("deaf")
    watched.order("stop")
    watched.order("kill")
    assert watched.answer() == {"exit": -signal.SIGKILL, "left": [], "removed": 0, "said": ""}


def test_a_stop_command_that_cannot_be_run_leaves_signals(supervised):
    watched = supervised(*python("import signal; signal.pause()"), grace_s=60.0, stop=["/no/such"], remove=["true"])
    watched.order("stop")
    assert watched.answer()["exit"] == -signal.SIGTERM


@pytest.mark.parametrize(
    ("remove", "code", "said"),
    [
        (["sh", "-c", "echo cannot >&2; exit 5"], 5, "cannot"),
        (["/no/such"], None, "/no/such could not be run: No such file or directory"),
    ],
)
def test_a_removal_that_does_not_work_is_told_and_its_words_stay_out_of_the_log(supervised, remove, code, said):
    watched = supervised(*python("print('only this')"), remove=remove)
    assert watched.answer() == {"exit": 0, "left": [], "removed": code, "said": said}
    assert watched.log.read_text() == "only this\n"
