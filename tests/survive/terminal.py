"""A terminal with a session of its own, as a person has it: can be typed into, read, and closed."""

import os
import pty
import subprocess
import sys

from survival import Arena, until

# The session's leader stays, as a shell does, and runs the command in the foreground
SHELL = """
import fcntl, os, signal, subprocess, sys, termios
signal.signal(signal.SIGINT, lambda *_: None)
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.exit(subprocess.call(sys.argv[1:]))
"""


class Terminal:
    """One command in it."""

    def __init__(self, arena: Arena, *args: str, env: dict[str, str] | None = None) -> None:
        self._master, slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._said = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHELL, sys.executable, "-m", "inference_arena", *args],
            cwd=arena.folder,
            env={**arena.environment(env or {}), "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        try:
            while chunk := os.read(self._master, 65536):
                self._said += chunk
        except (BlockingIOError, OSError):  # nothing now, or the other end is closed
            pass
        return self._said.decode(errors="replace")

    def wait_for(self, words: str, *, times: int = 1) -> None:
        until(lambda: self.text.count(words) >= times, lambda: f"{words!r} {times} times in {self.text!r}")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> None:
        os.close(self._master)
        self.process.wait(30)

    def end(self) -> int:
        """The command's exit code, once it ended by itself."""

        def ended() -> bool:
            assert self.text is not None  # a terminal that nobody reads would hold it up
            return self.process.poll() is not None

        until(ended, lambda: f"no end: {self.text!r}")
        code = self.process.returncode
        os.close(self._master)
        return code
