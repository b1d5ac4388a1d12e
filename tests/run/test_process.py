"""The arena's side, with real processes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference_arena.errors import ArenaError
from inference_arena.run.process import Ending, EngineNotStarted, EngineProcess, free_port, start_engine
from processes import gone, until

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc and prctl")
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
PARENT = """
    import pathlib, signal, sys
    from inference_arena.run.process import start_engine
    engine = start_engine(sys.argv[2:], env=None, log_path=pathlib.Path(sys.argv[1]), grace_s=0.2)
    print(f"{engine.pid}\\n", end="", flush=True)
    signal.pause()
"""
Start = Callable[..., EngineProcess]


def python(code: str, *args: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), *args]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[EngineProcess] = []

    def begin(*command: str, **options: object) -> EngineProcess:
        engine = start_engine(command, **{"env": None, "log_path": tmp_path / "log", "grace_s": 0.2, **options})
        started.append(engine)
        return engine

    yield begin
    for engine in started:
        engine.stop(immediately=True)


def test_a_running_engine_has_no_exit_code_and_stop_gives_it_one(start):
    engine = start(*python("import signal; print('up', flush=True); signal.pause()"), grace_s=60.0)
    until(lambda: engine.log_tail(1) == ("up",))
    assert engine.poll() is None
    assert engine.stop() == -signal.SIGTERM
    assert engine.poll() == -signal.SIGTERM
    assert gone(engine.pid)
    assert engine.left == ()


def test_stopping_twice_is_stopping_once(start):
    engine = start("sleep", "1000")
    assert engine.stop(immediately=True) == -signal.SIGKILL
    assert engine.stop() == -signal.SIGKILL


def test_two_threads_may_stop_at_once(start):
    engine = start(*python(DEAF))
    until(lambda: engine.log_tail(1) == ("deaf",))
    codes: list[int | None] = []
    threads = [threading.Thread(target=lambda: codes.append(engine.stop())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [-signal.SIGKILL] * 2


def test_an_engine_that_ends_by_itself_is_seen_with_its_code_and_its_last_words(start):
    engine = start(*python("import sys; print('one'); print('two'); sys.exit('cannot')"))
    assert engine.wait(60.0) == 1
    assert sorted(engine.log_lines()) == ["cannot", "one", "two"]
    assert engine.stop() == 1


def test_an_engine_killed_from_outside_is_seen_with_its_signal(start):
    engine = start("sleep", "1000")
    os.kill(engine.pid, signal.SIGKILL)
    assert engine.wait(60.0) == -signal.SIGKILL


def test_the_engine_gets_exactly_the_environment_it_was_given(start):
    engine = start(sys.executable, "-c", "import os; print(os.environ.get('A'), 'HOME' in os.environ)", env={"A": "1"})
    engine.wait(60.0)
    assert list(engine.log_lines()) == ["1 False"]


def test_a_missing_program_says_what_why_and_what_to_try(start):
    with pytest.raises(EngineNotStarted) as caught:
        start("no-such-engine", "--flag")
    assert isinstance(caught.value, ArenaError)
    assert caught.value.what == "no-such-engine did not start"
    assert caught.value.why == "No such file or directory"
    assert "PATH" in caught.value.try_


def test_a_program_without_permission_says_to_make_it_executable(start, tmp_path):
    program = tmp_path / "engine"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(EngineNotStarted) as caught:
        start(str(program))
    assert caught.value.why == "Permission denied"
    assert caught.value.try_ == f"make it executable: chmod +x {program}"


def test_a_script_whose_interpreter_is_missing_says_so(start, tmp_path):
    program = tmp_path / "engine"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(EngineNotStarted) as caught:
        start(str(program))
    assert "interpreter" in caught.value.try_


def test_a_log_folder_that_is_missing_says_so(start, tmp_path):
    with pytest.raises(EngineNotStarted) as caught:
        start("true", log_path=tmp_path / "no" / "log")
    assert str(tmp_path / "no" / "log") in caught.value.why


def test_a_flooded_log_reads_as_head_marker_and_tail(start):
    engine = start(*python("for n in range(20_000): print(n)"), limit_bytes=40_000)
    assert engine.wait(60.0) == 0
    lines = list(engine.log_lines())
    assert lines[:2] == ["0", "1"]
    assert lines[-1] == "19999"
    marker = next(line for line in lines if line.startswith("[arena"))
    dropped_bytes = int(marker.split()[1])
    kept_bytes = len("\n".join(lines)) + 1 - len(marker) - 2
    assert dropped_bytes + kept_bytes == sum(len(f"{n}\n") for n in range(20_000))
    assert engine.log_tail(2) == ("19998", "19999")


def test_a_log_that_only_just_reached_its_tail_reads_without_a_gap(start):
    engine = start(*python("for n in range(6_000): print(n)"), limit_bytes=40_000)
    assert engine.wait(60.0) == 0
    assert list(engine.log_lines()) == [str(n) for n in range(6_000)]


def test_bytes_that_are_no_text_do_not_stop_the_reader(start):
    engine = start(*python(r"import os; os.write(1, b'a\xff\r\nb')"))
    engine.wait(60.0)
    assert list(engine.log_lines()) == ["a\ufffd", "b"]


@linux_only
def test_an_arena_killed_outright_takes_its_engine_with_it(tmp_path):
    command = python(PARENT, str(tmp_path / "log"), *python(DEAF))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as arena:
        assert arena.stdout
        engine_pid = int(arena.stdout.readline())
        until(lambda: "deaf" in (tmp_path / "log").read_text())
        assert not gone(engine_pid)
        arena.kill()
        until(lambda: gone(engine_pid))


@linux_only
def test_an_arena_that_just_exits_takes_its_engine_with_it(tmp_path):
    command = python(PARENT.replace("signal.pause()", ""), str(tmp_path / "log"), *python(DEAF))
    engine_pid = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    until(lambda: gone(engine_pid))


@linux_only
def test_a_supervisor_killed_outright_leaves_neither_engine_nor_group(start):
    code = """
        import os, signal
        child = os.fork()
        if child:
            os.write(1, b"%d\\n" % child)
        signal.pause()
    """
    engine = start(*python(code))
    until(lambda: len(engine.log_tail(1)) == 1)
    grandchild = int(engine.log_tail(1)[0])
    engine._supervisor.kill()
    assert engine.wait(60.0) == -signal.SIGKILL
    until(lambda: gone(engine.pid) and gone(grandchild))
    assert engine.stop() == -signal.SIGKILL


def test_a_free_port_can_be_opened():
    port = free_port()
    assert 1024 < port < 65536


@linux_only
@pytest.mark.parametrize("whom", ["engine", "supervisor"])
def test_what_an_engine_keeps_elsewhere_is_removed_whichever_of_them_is_killed(start, tmp_path, whom):
    kept = tmp_path / "kept"
    kept.touch()
    engine = start(*python(DEAF), ending=Ending(stop=("true",), remove=("rm", str(kept))))
    until(lambda: engine.log_tail(1) == ("deaf",))
    parent = int(Path(f"/proc/{engine.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(engine.pid if whom == "engine" else parent, signal.SIGKILL)
    assert engine.wait(60.0) == -signal.SIGKILL
    assert not kept.exists()
    assert engine.not_removed == ""


def test_a_removal_that_does_not_work_is_known_after_the_end(start):
    engine = start("sleep", "1000", ending=Ending(stop=("/no/such",), remove=("sh", "-c", "echo cannot; exit 5")))
    engine.stop(immediately=True)
    assert engine.not_removed == "cannot"
