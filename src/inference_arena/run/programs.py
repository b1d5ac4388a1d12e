"""Which programs on this machine can start an engine, best first.

A version is asked of the interpreter's packages where that works: an engine's own start takes many seconds.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from inference_arena.errors import NotFoundError
from inference_arena.run.job import Program

VERSION_LIMIT_S: Final = 10.0
VERSION_BYTES: Final = 64 * 1024
_VERSION: Final = re.compile(r"version:\s*(\S+)")


# how each engine is started from an interpreter of its environment, and the distribution that tells its version
MODULES: Final = {
    "vllm": ("vllm.entrypoints.cli.main", "vllm"),
    "sglang": ("sglang.launch_server", "sglang"),
    "transformers": ("transformers.cli.transformers", "transformers"),
}


def programs_for(engine: str, *, release: str | None = None, program: str | None = None) -> tuple[Program, ...]:
    """What can start `engine`: the program or environment that was named, else what is on PATH, else what is built in.

    Only of that release, where one is named. Raises NotFoundError with a way out.
    """
    found = _all(engine, program)
    right = tuple(one for one in found if release is None or (one.version or "").partition("+")[0] == release)
    if not right:
        here = ", ".join(one.version or "a release that it does not tell" for one in found)
        raise NotFoundError(f"{engine} {release} is not here", why=f"what is here is {here}", try_=f"--engine {engine}")
    return right


def _all(engine: str, program: str | None) -> tuple[Program, ...]:
    if program is not None:
        return (_named(engine, Path(program).expanduser()),)
    if engine == "llamacpp":
        return llama_programs()
    path = shutil.which(engine)
    if path is None:
        raise NotFoundError(
            f"{engine} is not installed",
            why=f"there is no {engine} on PATH",
            try_="name its environment with --program, or measure a server that runs already: arena run --url",
        )
    return (_interpreted(engine, Path(path).parent / "python", why=f"the {engine} on PATH"),)


def _named(engine: str, path: Path) -> Program:
    """A program, an interpreter, or the folder of an environment."""
    if path.is_dir():
        path = path / "bin" / ("llama-server" if engine == "llamacpp" else "python")
    if not os.access(path, os.X_OK):
        raise NotFoundError(
            f"{path} cannot be run",
            why="it is no program" if path.exists() else "there is no such file",
            try_=f"--program with a program of {engine}, or with the folder of its environment",
        )
    if engine in MODULES and path.name.startswith("python"):
        return _interpreted(engine, path, why="named with --program")
    return Program(name=path.name, argv=(str(path),), version=_version_of(str(path)), why="named with --program")


def _interpreted(engine: str, python: Path, *, why: str) -> Program:
    module, distribution = MODULES[engine]
    ask = f"import importlib.metadata as m; print('version:', m.version({distribution!r}))"
    match = _VERSION.search(_output_of([str(python), "-c", ask]))
    version = None if match is None else match[1]
    return Program(name=engine, argv=(str(python), "-m", module), version=version, why=why)


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
