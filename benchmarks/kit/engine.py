"""The embedded engine, started for a check and stopped after it. Nothing is remembered between prompts."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference_arena.store import open_home

READY_LIMIT_S = 120.0
STOP_LIMIT_S = 10.0
CONTEXT_TOKENS = 1024


def find_model(named: Path | None) -> Path | None:
    """The file named, else the first in the arena's data folder (ARENA_HOME); None when there is none."""
    if named is not None:
        return named
    return next(iter(sorted(open_home().models.glob("*.gguf"))), None)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@contextmanager
def started(model: Path, *, slots: int, log_path: Path) -> Iterator[int]:
    """Its port. One core is left to the clients; no prompt cache, so that no client profits from another's prompts."""
    port, threads = _free_port(), max(1, (os.cpu_count() or 2) - 1)
    options = {
        "--model": str(model),
        "--alias": "m",
        "--port": str(port),
        "--ctx-size": str(CONTEXT_TOKENS * slots),
        "--parallel": str(slots),
        "--threads": str(threads),
        "--cache-ram": "0",
    }
    argv = [sys.executable, "-m", "inference_arena.run.llama_server", *(w for pair in options.items() for w in pair)]
    with log_path.open("wb") as log:
        process = subprocess.Popen([*argv, "--no-cache-prompt"], stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_ready(process, port, log_path)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    until_s = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    words = log_path.read_text("utf-8", "replace").strip().splitlines()
    raise SystemExit(f"the engine did not start: {words[-1] if words else 'it said nothing'}")
