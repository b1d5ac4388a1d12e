"""Ctrl-C, termination and a closed terminal, at every stage of a run."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from survival import ENDLESS, QUICK, Arena, Done, Running, json_of, until, write_program

LONG = ("--concurrency", "1", "--duration", "300s")
FAKE_PIP = "import os, time\nopen(os.environ['TMPDIR'] + '/part', 'w').close()\ntime.sleep(600)\n"


def interrupt(running: Running, number: int = signal.SIGINT) -> Done:
    running.signal_group(number)
    done = running.end()
    assert done.code == 130, done.err
    done.is_clean()
    return done


def sleepless(arena: Arena, where: str) -> tuple[dict[str, str], Path]:
    """Makes every arena linger where a hook in the standard library sees it; the file appears when it is there."""
    site, reached = arena.folder / "site", arena.folder / "reached"
    site.mkdir()
    (site / "sitecustomize.py").write_text(where)
    return {"PYTHONPATH": str(site), "REACHED": str(reached)}, reached


def test_ctrl_c_while_a_model_is_fetched_ends_the_download_and_leaves_no_record(arena: Arena) -> None:
    package = arena.folder / "site" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    write_program(package / "__main__.py", FAKE_PIP)
    running = arena.start("run", "--json", env={"PYTHONPATH": str(package.parent)})
    until(lambda: any((arena.home / "models").glob(".fetch-*/part")), running.err.read_text)
    done = interrupt(running)
    assert done.document["error"]["what"] == "interrupted"
    assert arena.records == arena.journals == list((arena.home / "models").iterdir()) == []


def test_ctrl_c_while_the_engine_starts_is_a_record(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), *QUICK, env={"FAKE_ENGINE": "never ready"})
    faked.wait_for(running, "stage", stage="launch")
    interrupt(running)
    assert faked.record()["outcome"] in [
        {"kind": "interrupted", "stage": stage, "by": "ctrl-c"} for stage in ("launch", "ready")
    ]


def test_ctrl_c_at_the_first_requests_is_a_record(faked: Arena) -> None:
    slow = {"tokens": 8, "ttft_s": 600.0}
    running = faked.start("run", str(faked.model), *QUICK, env={"FAKE_SCRIPT": json_of(slow)})
    faked.wait_for(running, "stage", stage="probe")
    interrupt(running)
    assert faked.record()["outcome"] == {"kind": "interrupted", "stage": "probe", "by": "ctrl-c"}


@pytest.mark.parametrize(
    ("number", "by"),
    [(signal.SIGINT, "ctrl-c"), (signal.SIGTERM, "terminated"), (signal.SIGHUP, "terminal-closed")],
)
def test_a_signal_while_it_measures_keeps_what_was_seen(faked: Arena, number: int, by: str) -> None:
    running = faked.start("run", str(faked.model), *LONG, "--json")
    faked.wait_for(running, "tick", phase="steady")
    done = interrupt(running, number)
    record = done.document
    assert record == faked.record()
    assert record["outcome"] == {"kind": "interrupted", "stage": "load", "by": by}
    assert record["points"][0]["stopped_by"] == "interrupted"
    assert record["evidence"]["requests_lines"] > 0
    assert faked.run("verify").code == 0


def test_ctrl_c_twice_hurries_and_still_keeps_the_record(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), *LONG)
    faked.wait_for(running, "tick", phase="steady")
    running.signal_group(signal.SIGINT)
    interrupt(running)
    assert faked.record()["outcome"] == {"kind": "interrupted", "stage": "load", "by": "ctrl-c"}


@pytest.mark.engine
def test_ctrl_c_on_a_real_engine_keeps_the_record(real: Arena) -> None:
    running = real.start("run", str(real.model), *LONG, "--input-tokens", "16")
    real.wait_for(running, "tick")
    interrupt(running)
    assert real.record()["outcome"] == {"kind": "interrupted", "stage": "load", "by": "ctrl-c"}
    assert real.run("verify").code == 0


def test_ctrl_c_during_the_self_test_keeps_all_that_was_measured(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), *QUICK)
    faked.wait_for(running, "stage", stage="self-test")
    interrupt(running)
    record = faked.record()
    assert record["outcome"] == {"kind": "interrupted", "stage": "self-test", "by": "ctrl-c"}
    assert record["points"][0]["stopped_by"] == "plan"
    assert record["summary"]["points"][0]["ok"] == 2


LINGER_IN_SAVE = """
import os, time
from pathlib import Path
real = os.fsync
def fsync(handle):
    if isinstance(handle, int) and os.readlink(f"/proc/self/fd/{handle}").endswith("/record.json"):
        reached = Path(os.environ["REACHED"])
        reached.touch()
        while reached.exists():
            time.sleep(0.02)
    real(handle)
os.fsync = fsync
"""


def test_ctrl_c_while_the_record_is_saved_comes_too_late_to_harm_it(faked: Arena) -> None:
    env, reached = sleepless(faked, LINGER_IN_SAVE)
    running = faked.start("run", str(faked.model), *QUICK, "--json", env=env)
    until(reached.exists, "the record is being saved")
    running.signal_group(signal.SIGINT)
    running.signal_group(signal.SIGINT)
    reached.unlink()
    done = running.end()
    assert done.code == 130, done.err
    done.is_clean()
    assert done.document == faked.record()
    assert done.document["outcome"] == {"kind": "finished"}


def test_a_terminal_that_is_closed_ends_the_run_with_a_record(faked: Arena) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLING, sys.executable, "-m", "inference_arena", "run", str(faked.model), *LONG],
        env=faked.environment({"FAKE_SCRIPT": json_of(ENDLESS), "TERM": "xterm"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    nowhere = faked.folder / "nowhere"
    running = Running(process, out=nowhere, err=nowhere)
    faked.wait_for(running, "tick")
    os.close(ours)  # the kernel sends SIGHUP, and writing fails from now on
    assert running.end().code in {130, -signal.SIGHUP}
    assert faked.record()["outcome"] == {"kind": "interrupted", "stage": "load", "by": "terminal-closed"}


CONTROLLING = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("words", [["list"], ["--help"], ["run"]])
def test_ctrl_c_before_anything_has_begun_shows_no_traceback(arena: Arena, words: list[str]) -> None:
    env, reached = sleepless(arena, LINGER_IN_IMPORT)
    running = arena.start(*words, env=env)
    until(reached.exists, "the verbs are being imported")
    interrupt(running)
    assert arena.records == arena.journals == []


LINGER_IN_IMPORT = """
import os, sys, time
from pathlib import Path
class Linger:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "typer":
            Path(os.environ["REACHED"]).touch()
            time.sleep(60)
sys.meta_path.insert(0, Linger)
"""
