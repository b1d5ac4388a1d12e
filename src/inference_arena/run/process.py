"""The arena's side of one engine process: start it under its supervisor, ask after it, read its log, end it.

Knows the supervisor's orders and answers (see supervisor.py); knows nothing of engines, flags or readiness.
"""

import errno
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from inference_arena.errors import ArenaError

SUPERVISOR = Path(__file__).with_name("supervisor.py")
LEAST_LOG_BYTES = 4096
LAUNCH_PORTS = range(20_000, 32_000)  # Linux hands out 32,768 and above
KILL_WAIT_S = 15.0  # longer than the supervisor's own wait after SIGKILL
SWEEP_S = 5.0
HELPER_WAIT_S = 30.0  # as the supervisor's
WORDS_BETWEEN = "\x1f"
LOOK_S = 0.02
TAIL_HEADER = re.compile(rb"\[arena: output from byte (\d+) on\]")


@dataclass(frozen=True, slots=True)
class Ending:
    """For a program whose work goes on elsewhere, as a container client's: what stops that in good order within
    `grace_s`, and what removes it in any case, also when it is not there any more.
    """

    stop: tuple[str, ...]
    remove: tuple[str, ...]


class EngineNotStarted(ArenaError):  # noqa: N818 - reads as what happened
    """The engine's program could not be run at all. One that runs and ends is an EngineProcess with an exit code."""


class EngineProcess:
    """One engine under its supervisor. Made by start_engine; may be asked and stopped from any thread."""

    def __init__(
        self,
        supervisor: subprocess.Popen[bytes],
        *,
        pid: int,
        log_path: Path,
        grace_s: float,
        ending: Ending | None = None,
    ) -> None:
        self.pid = pid
        self.log_path = log_path
        self.left: tuple[int, ...] = ()  # processes that survived even SIGKILL, known after the end
        self.not_removed = ""  # what the ending's removal said where it did not work, known after the end
        self._supervisor = supervisor
        self._ending = ending
        self._grace_s = grace_s + (0 if ending is None else HELPER_WAIT_S)
        self._exit_code: int | None = None
        self._ended = threading.Event()
        self._orders = threading.RLock()  # a signal handler may stop what is just being stopped
        threading.Thread(target=self._watch, name=f"watch-{pid}", daemon=True).start()

    def poll(self) -> int | None:
        """The engine's exit code (negative: the signal) once it and all it started are gone; None before."""
        return self._exit_code if self._ended.is_set() else None

    def wait(self, timeout_s: float) -> int | None:
        """As poll, after at most so long."""
        self._ended.wait(timeout_s)
        return self.poll()

    def stop(self, *, immediately: bool = False) -> int | None:
        """Ends the engine and all it started. None only if a process survives SIGKILL (see left)."""
        self._order(b"kill\n" if immediately else b"stop\n")
        if not self._ended.wait(KILL_WAIT_S + (0 if immediately and self._ending is None else self._grace_s)):
            self._supervisor.kill()  # it hangs; the kernel then ends the engine, and we sweep up
            self._ended.wait(KILL_WAIT_S + self._grace_s)
        return self.poll()

    def log_tail(self, lines: int) -> tuple[str, ...]:
        return tuple(deque(self.log_lines(), maxlen=lines))

    def log_lines(self) -> Iterator[str]:
        """The first and the newest lines the engine wrote; a marker line stands where bytes were dropped."""
        return read_log(self.log_path)

    def _order(self, word: bytes) -> None:
        with self._orders, suppress(OSError, ValueError):  # ended already, and the pipe closed
            _pipe(self._supervisor.stdin).write(word)

    def _watch(self) -> None:
        answer = _answer(self._supervisor)
        self.left = tuple(answer.get("left", ()))
        self._exit_code = answer["exit"] if "exit" in answer else _sweep(self.pid)
        if self._ending is not None:
            self.not_removed = _told(answer) if "exit" in answer else _remove(self._ending)
        with self._orders:
            _close(self._supervisor)
        self._ended.set()


def start_engine(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None,
    log_path: Path,
    grace_s: float = 5.0,
    limit_bytes: int = 16 * 2**20,
    cpus: Sequence[int] | None = None,
    ending: Ending | None = None,
) -> EngineProcess:
    """Runs the command in a process group of its own, which ends when we do, however we end.

    env is the whole environment of the engine; None hands ours on. The log never takes more than limit_bytes. cpus
    are the cores that the engine keeps to. What the ending removes is removed whichever of us is killed.
    """
    assert limit_bytes >= LEAST_LOG_BYTES, "too small for a log"
    options = {"--log": log_path, "--limit-bytes": limit_bytes, "--grace-s": grace_s}
    words = [str(word) for option in options.items() for word in option]
    words += [] if cpus is None else ["--cpus", ",".join(map(str, cpus))]
    words += [] if ending is None else _options(ending)
    supervisor = subprocess.Popen(  # its own session: a terminal's Ctrl-C is ours to handle, and then to hand on
        [sys.executable, "-I", "-S", str(SUPERVISOR), *words, "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=env,
        start_new_session=True,
    )
    answer = _answer(supervisor)
    if "pid" in answer:
        return EngineProcess(supervisor, pid=answer["pid"], log_path=log_path, grace_s=grace_s, ending=ending)
    _close(supervisor)
    raise _not_started(command[0], log_path=log_path, answer=answer)


def _options(ending: Ending) -> list[str]:
    return ["--stop", WORDS_BETWEEN.join(ending.stop), "--remove", WORDS_BETWEEN.join(ending.remove)]


def _told(answer: Mapping[str, Any]) -> str:
    return "" if answer.get("removed") == 0 else str(answer.get("said") or "it did not answer in time")


def _remove(ending: Ending) -> str:
    """In the place of a supervisor that was killed: what it said where it did not work, else nothing."""
    try:
        done = subprocess.run(ending.remove, capture_output=True, text=True, timeout=HELPER_WAIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def free_port() -> int:
    """A loopback port that was free a moment ago; another program may still take it first.

    Below those that systems hand out by themselves, for two reasons: nobody gets it by chance meanwhile, and engines
    that open further ports count up from their own (SGLang 0.5.14 adds 10,000 and refuses what is above 65,535).
    """
    for port in random.sample(LAUNCH_PORTS, 50):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _not_started(program: str, *, log_path: Path, answer: Mapping[str, Any]) -> EngineNotStarted:
    reason = answer.get("error", "its supervisor ended without a word")
    if answer.get("about") == "log":
        return EngineNotStarted(
            f"{program} was not started",
            why=f"its log {log_path} cannot be written: {reason}",
            try_="a folder that exists, is yours and has room",
        )
    return EngineNotStarted(f"{program} did not start", why=reason, try_=_advice(program, answer.get("errno")))


def _advice(program: str, number: int | None) -> str:
    if number == errno.ENOENT and Path(program).is_file():
        return f"the interpreter that the first line of {program} names must be installed"
    if number == errno.ENOENT:
        return f"install it, or put the folder that holds {Path(program).name} on PATH"
    if number == errno.EACCES:
        return f"make it executable: chmod +x {program}"
    if number == errno.ENOEXEC:
        return "a program built for this machine, or a script whose first line names its interpreter"
    return "run the command by hand in a terminal to see what it says"


def _answer(supervisor: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Its next line; empty when it ended without one."""
    line = _pipe(supervisor.stdout).readline()
    return dict(json.loads(line)) if line.endswith(b"\n") else {}


def _close(supervisor: subprocess.Popen[bytes]) -> None:
    _pipe(supervisor.stdin).close()
    _pipe(supervisor.stdout).close()
    supervisor.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "the supervisor was started with pipes"
    return pipe


def _sweep(pid: int) -> int:
    """The supervisor died suddenly. The kernel kills the engine's own process then; the rest of its group is left."""
    deadline_s = time.monotonic() + SWEEP_S
    with suppress(ProcessLookupError, PermissionError):  # nothing is left that could be signalled
        while time.monotonic() < deadline_s:
            os.killpg(pid, signal.SIGKILL)
            time.sleep(LOOK_S)  # they are not our children: no event tells of their end
    return -signal.SIGKILL


def read_log(log_path: Path) -> Iterator[str]:
    """The lines that a supervisor kept of an engine's output, also after the engine's end."""
    for line in io.BytesIO(log_since(log_path, 0)[0]):
        yield line.decode(errors="replace").rstrip("\r\n")


def log_since(log_path: Path, position: int) -> tuple[bytes, int]:
    """What of the output came after that many bytes of it and was kept, and how many bytes have come by now."""
    new = b""
    for start, kept in _log_parts(log_path):
        end = start + len(kept)
        if end > position:
            new += (b"\n[arena: %d bytes dropped]\n" % (start - position) if start > position else b"") + kept[
                max(0, position - start) :
            ]
            position = end
    return new, position


def _log_parts(log_path: Path) -> Iterator[tuple[int, bytes]]:
    """The kept pieces of the output, each with the byte of it that it begins at."""
    yield 0, _read(log_path)
    for suffix in (".tail.1", ".tail"):
        header, _, body = _read(log_path.with_name(log_path.name + suffix)).partition(b"\n")
        if (
            found := TAIL_HEADER.fullmatch(header)
        ) is not None:  # else no such file, or the disk was full when it began
            yield int(found[1]), body


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
