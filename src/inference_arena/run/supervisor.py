"""Keeps one engine: starts it, bounds its log, and ends it with everything it started.

Runs as a plain script (`python -I -S supervisor.py ...`) and imports nothing of ours but the log beside it, so that it
starts in tens of milliseconds and outlives any fault of the arena. It knows processes and pipes; nothing of engines.
"""

# ruff: noqa: PTH100, PTH120, PTH123, PTH208 - importing pathlib would double the start-up time
import os
import select
import signal
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # typing's own would cost time
if TYPE_CHECKING:
    from .bounded_log import BoundedLog
elif __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from bounded_log import BoundedLog

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CHUNK_BYTES, PIPE_BYTES = 1 << 16, 1 << 20
LOOK_S = 0.05  # where we are no subreaper, the end of our children's children is no event
HELPER_WAIT_S = 30.0  # a command that ends what the program keeps elsewhere; it may itself hang
SAID_BYTES = 2000
ENDINGS = ("--stop", "--remove")
WORDS_BETWEEN = "\x1f"  # no word of a command holds it
KILL_WAIT_S = 10.0  # a process in an uninterruptible call (a hung driver) survives SIGKILL: do not wait for ever


def prctl(option: int, value: int) -> bool:
    """False where kernel or Python do not offer it; the process group and the pipe remain then."""
    try:
        import ctypes  # noqa: PLC0415 - some Pythons are built without it

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def launch(argv: list[str]) -> tuple[int, int]:
    """The child's pid and the reading end of its output. OSError: the program could not be run."""
    output, child_output = os.pipe()
    failure, child_failure = os.pipe()  # closed by a successful exec, so an empty read is success
    supervisor_pid = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(argv, output=child_output, failure=child_failure, supervisor_pid=supervisor_pid)
    os.close(child_output)
    os.close(child_failure)
    number = os.read(failure, 16)
    os.close(failure)
    if number:
        os.waitpid(pid, 0)
        raise OSError(int(number), os.strerror(int(number)))
    os.set_blocking(output, False)
    return pid, output


def become(argv: list[str], *, output: int, failure: int, supervisor_pid: int) -> None:
    """Never returns: this is the child, on its way to be the engine."""
    try:
        for number in (*ENDING_SIGNALS, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores SIGPIPE, and that would be inherited
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor_pid:  # it died before the line above took hold
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted
    except OSError as fault:
        os.write(failure, str(fault.errno).encode())
    finally:
        os._exit(127)


def descendants(pid: int) -> list[int]:
    """All processes below this one, on Linux; a child is listed under the thread that forked it."""
    found: list[int] = []
    with suppress(OSError):  # it ended while we looked
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as children:
                found += [int(child) for child in children.read().split()]
    return found + [deeper for child in found for deeper in descendants(child)]


def group_of(pid: int) -> int | None:
    with suppress(OSError):  # it ended while we looked
        return os.getpgid(pid)
    return None


class Watch:
    """One engine and the three things that can happen: it writes, it ends, we are told to end it."""

    def __init__(self, engine: tuple[int, int], *, log: "BoundedLog", wakeups: int) -> None:
        self.pid, self._output = engine
        self.wanted = ""
        self._log = log
        self._childless = False
        self._codes: dict[int, int | None] = {self.pid: None}
        self.said = b""  # by the helpers
        self._handlers = {self._output: self._read_output, wakeups: self._read_signals, 0: self._read_orders}

    @property
    def status(self) -> int | None:
        return self._codes[self.pid]

    def turn(self, wait_s: float | None) -> None:
        ready, _, _ = select.select(list(self._handlers), [], [], wait_s)
        for fd in ready:
            self._handlers[fd](fd)
        self.reap()

    def _read_output(self, fd: int) -> None:
        chunk = os.read(fd, CHUNK_BYTES)
        self._log.write(chunk)
        if not chunk:
            del self._handlers[fd]

    def _read_signals(self, fd: int) -> None:
        if set(os.read(fd, CHUNK_BYTES)) & set(ENDING_SIGNALS):
            self.wanted = self.wanted or "stop"

    def _read_orders(self, fd: int) -> None:
        words = os.read(fd, CHUNK_BYTES).split()
        if not words:  # the arena closed its end, or is gone
            del self._handlers[fd]
        self.wanted = "kill" if b"kill" in words else self.wanted or "stop"

    def reap(self) -> None:
        """Also takes the orphans: to a subreaper, having no child left means that nothing is left at all."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid in self._codes:
                    self._codes[pid] = os.waitstatus_to_exitcode(status)
        self._childless = True

    def alone(self) -> bool:
        self.reap()
        if not self._childless:
            return False
        with suppress(ProcessLookupError, PermissionError):  # macOS: not permitted means that only zombies are left
            os.killpg(self.pid, 0)
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Once to each: a second SIGTERM makes llama-server and others give up their orderly end."""
        outside = [pid for pid in descendants(os.getpid()) if group_of(pid) != self.pid]
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for pid in outside:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def begin(self, command: list[str]) -> int | None:
        """The pid of a helper; None: it could not be run."""
        try:
            pid, output = launch(command)
        except OSError as fault:
            self.said += f"{command[0]} could not be run: {fault.strerror}\n".encode()
            return None
        self._childless = False
        self._codes[pid] = None
        self._handlers[output] = self._read_helper
        return pid

    def _read_helper(self, fd: int) -> None:
        chunk = os.read(fd, CHUNK_BYTES)
        self.said = (self.said + chunk)[:SAID_BYTES]
        if not chunk:
            del self._handlers[fd]
            os.close(fd)

    def finish(self, command: list[str]) -> int | None:
        """The helper's exit code; None: it could not be run, or not within its time."""
        self.said = b""
        pid = self.begin(command)
        deadline_s = time.monotonic() + HELPER_WAIT_S
        while pid is not None and self._codes[pid] is None:
            if time.monotonic() > deadline_s:
                os.kill(pid, signal.SIGKILL)
                return None
            self.turn(LOOK_S)
        return None if pid is None else self._codes[pid]

    def end(self, *, grace_s: float, stop: list[str]) -> None:
        """In good order first: by its own `stop` command where it has one, which knows what signals do not reach."""
        if not self.alone() and self.wanted != "kill" and (not stop or self.begin(stop) is None):
            self.send(signal.SIGTERM)
        deadline_s = time.monotonic() + grace_s
        while not self.alone() and self.wanted != "kill" and time.monotonic() < deadline_s:
            self.turn(LOOK_S)
        deadline_s = time.monotonic() + KILL_WAIT_S
        while not self.alone() and time.monotonic() < deadline_s:
            self.send(signal.SIGKILL)
            self.turn(LOOK_S)
        with suppress(BlockingIOError):  # all that the pipe can hold, even if someone out of reach goes on writing
            for _ in range(PIPE_BYTES // CHUNK_BYTES + 1):
                if self._output in self._handlers:
                    self._read_output(self._output)


def say(answer: str) -> None:
    with suppress(OSError):  # the arena is gone: nobody to tell
        os.write(1, answer.encode() + b"\n")


def tell(answer: dict[str, object]) -> None:
    import json  # noqa: PLC0415 - a third of the start-up time, and nobody waits for these answers

    say(json.dumps(answer))


def refuse(fault: OSError, *, about: str) -> int:
    tell({"error": fault.strerror or str(fault), "errno": fault.errno, "about": about})
    return 1


def hear_signals() -> int:
    """The end of a pipe from which signal numbers can be read."""
    wakeups, wakeups_in = os.pipe()
    os.set_blocking(wakeups_in, False)
    signal.set_wakeup_fd(wakeups_in, warn_on_full_buffer=False)
    for number in (*ENDING_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return wakeups


def keep(argv: list[str], *, log: "BoundedLog", grace_s: float, stop: list[str], remove: list[str]) -> int:
    wakeups = hear_signals()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        engine = launch(argv)
    except OSError as fault:
        return refuse(fault, about="program")
    say(f'{{"pid": {engine[0]}}}')
    watch = Watch(engine, log=log, wakeups=wakeups)
    try:
        while watch.status is None and not watch.wanted:
            watch.turn(None)
    finally:
        watch.end(grace_s=grace_s, stop=stop)
        ended = {"removed": watch.finish(remove), "said": watch.said.decode(errors="replace").strip()} if remove else {}
    left = [] if watch.alone() else descendants(os.getpid()) or [watch.pid]
    tell({"exit": watch.status, "left": left, **ended})
    return 0


def main(args: list[str]) -> int:
    split = args.index("--")
    options = dict(zip(args[:split:2], args[1:split:2], strict=True))
    if "--cpus" in options and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in options["--cpus"].split(",")})
    try:
        log = BoundedLog(options["--log"], limit_bytes=int(options["--limit-bytes"]))
    except OSError as fault:
        return refuse(fault, about="log")
    stop, remove = ([word for word in options.get(name, "").split(WORDS_BETWEEN) if word] for name in ENDINGS)
    return keep(args[split + 1 :], log=log, grace_s=float(options["--grace-s"]), stop=stop, remove=remove)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
