"""Starts real arenas, waits for where they are, and looks at what they leave. Knows no test."""

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARK = "ARENA_TEST_MARK"
PATIENCE_S = 60.0
LOOK_S = 0.02
QUICK = ("--concurrency", "1", "--requests", "2", "--input-tokens", "16", "--output-tokens", "8")
# what the fake engine answers: 8 tokens in some 30 ms
SCRIPT = {"tokens": 8, "ttft_s": 0.01, "token_interval_s": 0.002}
ENDLESS = {"tokens": 100_000, "ttft_s": 0.01, "token_interval_s": 0.01}

FAKE_ENGINE = """#!{python}
import json, os, signal, socket, sys, time
mode = os.environ.get("FAKE_ENGINE", "serve")
if "--version" in sys.argv:
    print("version: 4242 (fake)")
    sys.exit(0)
port = sys.argv[sys.argv.index("--port") + 1]
print("llama_model_loader: loaded meta data", flush=True)
if mode == "sigill":
    os.kill(os.getpid(), signal.SIGILL)
if mode == "exit 1":
    print("error: the moon is in the wrong phase", flush=True)
    sys.exit(1)
if mode == "silent":
    time.sleep(600)
if mode == "never ready":
    listener = socket.create_server(("127.0.0.1", int(port)))
    print("srv: still loading tensors", flush=True)
    while True:
        with listener.accept()[0] as client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 503 No\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
script = os.environ.get("FAKE_SCRIPT", json.dumps({script}))
os.execv("{python}", ["{python}", "-m", "inference_arena.load.truth_server", "--no-stdin", "--port", port,
                      "--script", script, "--log", os.devnull])
"""


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be exactly one JSON document."""
        return json.loads(self.out)

    def says(self, *words: str) -> None:
        """An error in three parts that a person can use, and no traceback."""
        for word in (*words, "  why  ", "  try  "):
            assert word in self.err, self.err
        self.is_clean()

    def is_clean(self) -> None:
        for text in (self.out, self.err):
            assert "Traceback" not in text, text
            assert "Exception ignored" not in text, text
            assert "this is a bug" not in text, text


@dataclass
class Arena:
    """One home, and the commands run in it."""

    home: Path
    folder: Path
    mark: str
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        self.model = self.folder / "tiny.gguf"
        self._commands = 0

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARENA_", "FAKE_"))}
        kept |= {"PATH": str(self.bin), "ARENA_HOME": str(self.home), MARK: self.mark, "COLUMNS": "100"}
        return {**kept, **self.env, **extra}

    def start(self, *args: str, **options: Any) -> "Running":
        """In a process group of its own, as a shell would."""
        self._commands += 1
        out, err = (self.folder / f"{self._commands}.{name}" for name in ("out", "err"))
        env = self.environment(options.pop("env", {}))
        given = self.folder / f"{self._commands}.in"
        given.write_text(options.pop("input", ""))
        with out.open("wb") as out_file, err.open("wb") as err_file, given.open("rb") as in_file:
            options = {"stdin": in_file, "process_group": 0, **options}
            process = subprocess.Popen(
                [sys.executable, "-m", "inference_arena", *args],
                cwd=self.folder,
                env=env,
                **{"stdout": out_file, "stderr": err_file, **options},
            )
        return Running(process, out=out, err=err)

    def run(self, *args: str, timeout_s: float = PATIENCE_S, **options: Any) -> Done:
        return self.start(*args, **options).end(timeout_s=timeout_s)

    def run_model(self, *args: str, **options: Any) -> Done:
        return self.run("run", str(self.model), *QUICK, *args, **options)

    def run_url(self, url: str, *args: str, **options: Any) -> Done:
        return self.run("run", "--url", url, *QUICK, *args, **options)

    @property
    def journals(self) -> list[Path]:
        folder = self.home / "journals"
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.exists() else []

    @property
    def records(self) -> list[Path]:
        folder = self.home / "records"
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.exists() else []

    def record(self) -> dict[str, Any]:
        """The only record; nothing of its run is left in the journals."""
        (path,) = self.records
        assert self.journals == []
        found: dict[str, Any] = json.loads((path / "record.json").read_bytes())
        return found

    def events(self) -> list[dict[str, Any]]:
        """What the journal of the run under way tells so far."""
        lines = [line for path in self.journals for line in read(path / "events.jsonl").split("\n")[:-1]]
        return [json.loads(line) for line in lines]

    def wait_for(
        self, running: "Running", kind: str, *, timeout_s: float = PATIENCE_S, **fields: Any
    ) -> dict[str, Any]:
        """The journal's first event of that kind and with those fields."""
        found: list[dict[str, Any]] = []

        def seen() -> bool:
            assert running.process.poll() is None, running.err.read_text()
            wanted = {"kind": kind, **fields}
            found.extend(event for event in self.events() if wanted.items() <= event.items())
            return bool(found)

        until(seen, f"{kind} {fields}", timeout_s=timeout_s)
        return found[0]

    def processes(self) -> dict[int, str]:
        """Everything alive that was started by this test, however far it has run from us."""
        mark = f"{MARK}={self.mark}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes():
                        found[int(entry.name)] = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
                except OSError:  # it ended meanwhile, or is a zombie
                    continue
        return found

    def pid_of(self, words: str) -> int:
        return next(pid for pid, line in self.processes().items() if words in line and "supervisor.py" not in line)

    def must_have_left_nothing(self) -> None:
        until(lambda: not self.processes(), lambda: f"left running: {self.processes()}")

    def kill_all(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@dataclass
class Running:
    """A command that has been started."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal_group(self, number: int) -> None:
        """As a terminal does: to all processes of the foreground job."""
        os.killpg(self.process.pid, number)

    def wait_for_words(self, words: str) -> None:
        until(lambda: words in read(self.err), lambda: f"{words!r} in {read(self.err)}")

    def end(self, *, timeout_s: float = PATIENCE_S) -> Done:
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end within {timeout_s:g} s: {read(self.err)}") from None
        return Done(code, read(self.out), read(self.err))


def read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def until(true: Callable[[], bool], what: str | Callable[[], str], *, timeout_s: float = PATIENCE_S) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, what if isinstance(what, str) else what()
        time.sleep(LOOK_S)


def write_program(path: Path, text: str, *, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(stat.S_IFREG | mode)
    return path


def write_fake_engine(arena: Arena) -> None:
    write_program(arena.bin / "llama-server", FAKE_ENGINE.format(python=sys.executable, script=SCRIPT))


def write_tiny_model(path: Path) -> None:
    """A whole GGUF file with one tensor of 32 numbers."""
    entries = (_text("general.architecture"), struct.pack("<I", 8), _text("llama"))
    tensor = (_text("token_embd.weight"), struct.pack("<IQIQ", 1, 32, 0, 0))
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + b"".join((*entries, *tensor))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(-len(head) % 32 + 128))


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def json_of(value: Mapping[str, Any]) -> str:
    return json.dumps(value)
