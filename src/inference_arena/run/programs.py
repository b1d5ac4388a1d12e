"""Which programs on this machine can run llama.cpp's server, best first."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from inference_arena.errors import NotFoundError
from inference_arena.run.job import Program

VERSION_LIMIT_S: Final = 10.0
VERSION_BYTES: Final = 64 * 1024
_VERSION: Final = re.compile(r"version:\s*(\S+)")


def llama_programs() -> tuple[Program, ...]:
    """A llama-server on PATH, built for this machine or its card, then the built-in one. Raises NotFoundError."""
    found = tuple(program for program in (_on_path(), _built_in()) if program is not None)
    if found:
        return found
    raise NotFoundError(
        "llama.cpp is not installed",
        why="there is no llama-server on PATH, and the built-in engine is an extra",
        try_='pip install "inference-arena[embedded]"',
    )


def _on_path() -> Program | None:
    path = shutil.which("llama-server")
    if path is None:
        return None
    why = "a llama-server on PATH may be built for this processor or card"
    return Program(name="llama-server", argv=(path,), version=_version_of(path), why=why)


def _version_of(path: str) -> str | None:
    """What it says when asked; None when it cannot even say that. Whether it runs a model shows at its launch."""
    match = _VERSION.search(_output_of([path, "--version"]))
    return None if match is None else f"b{match[1]}" if match[1].isdigit() else match[1]


def _output_of(argv: list[str]) -> str:
    """What it writes until it ends or its time is up; then it and all it started are ended. Empty if it cannot run."""
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError:
            return ""
        try:
            with suppress(subprocess.TimeoutExpired):
                child.wait(VERSION_LIMIT_S)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        output.seek(0)
        return output.read(VERSION_BYTES).decode(errors="replace")


def _built_in() -> Program | None:
    try:
        installed = version("xllamacpp")
    except PackageNotFoundError:
        return None
    return Program(
        name="built-in llama.cpp",
        argv=(sys.executable, "-m", "inference_arena.run.llama_server"),
        version=f"b{installed.rpartition('.')[2]}",
        built_in=True,
        why=f"the portable build in xllamacpp {installed}; no better llama-server is on PATH",
    )
