"""Which programs on this machine can run an engine, best first.

One that is given; else an environment of the arena's own; else one on PATH; else the built-in engine. Portable builds
come after what is on PATH. Versions are read
from the packages beside a program where there are any: starting vLLM only to ask it takes a quarter of a minute.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_here
from pathlib import Path
from typing import Final, Literal

from inference_arena.errors import NotFoundError
from inference_arena.facts import Fact, Packages
from inference_arena.plan import package_card
from inference_arena.run.installed import (
    Installed,
    environment_of,
    installed,
    python_of,
    release_of,
    site_packages,
    version_in,
)
from inference_arena.run.job import Program
from inference_arena.store import Home

Argv = tuple[str, ...]

VERSION_LIMIT_S: Final = 10.0
VERSION_BYTES: Final = 64 * 1024
_VERSION: Final = re.compile(r"version:\s*(\S+)")
_ASK: Final = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        sys.exit(print("version:", version(name)))
    except PackageNotFoundError:
        pass
"""
_EXTRA: Final = ', or pip install "inference-arena[embedded]"'
_OURS: Final = "inference_arena.run.llama_server"


def programs_for(
    engine: str, *, home: Home, release: str | None = None, program: str | None = None
) -> tuple[Program, ...]:
    """What can start the engine here, best first: in a release if one is asked for. Raises NotFoundError."""
    card = package_card(engine)
    if program is not None:
        return (_given(card, program, release=release),)
    found = [one.program for one in here(engine, home=home)]
    wanted = tuple(one for one in found if release is None or one.version == release.partition("+")[0])
    if wanted:
        return wanted
    others = ", ".join(dict.fromkeys(one.version or "one of unknown version" for one in found))
    asked = engine if release is None else f"{engine}=={release}"
    raise NotFoundError(
        f"{card.title}{f' {release}' if release else ''} is not on this machine",
        why=f"there is {others}" if others else _looked(card),
        try_=f"arena engines install {asked}" + (_EXTRA if card.name == "llamacpp" and release is None else ""),
    )


class Here(Fact):
    """A program that is here, and where it is from."""

    where: Literal["arena", "PATH", "built-in"]
    program: Program


def here(engine: str, *, home: Home) -> tuple[Here, ...]:
    """All that can start the engine on this machine, best first; raises NotFoundError for an unknown engine."""
    card = package_card(engine)
    own = [Here(where="arena", program=one) for one in _own(card, home)]
    # a build for any processor gives way to one on PATH, which may be for this one or its card
    portable = [one for one in own if _OURS in one.program.argv]
    return (
        *(one for one in own if one not in portable),
        *(Here(where="PATH", program=one) for one in _on_path(card)),
        *portable,
        *(Here(where="built-in", program=one) for one in _built_in(card)),
    )


def _looked(card: Packages) -> str:
    name = card.program or f"Python with {card.module}"
    return f"there is no {name} on PATH, and none that the arena has installed"


def _own(card: Packages, home: Home) -> Iterator[Program]:
    """Environments of the arena's own, newest first."""
    for one in installed(home, card.name):
        argv, env = _start(card, environment_of(home, card.name, one.release))
        yield Program(name=f"{card.title} {one.release}", argv=argv, env=env, version=one.release, why=_why(one))


def _why(one: Installed) -> str:
    return f"installed by `arena engines install {one.engine}=={one.release}`"


def _start(card: Packages, environment: Path) -> tuple[Argv, dict[str, str]]:
    """How the engine in an environment is started: its program, its module, or by our own server for xllamacpp."""
    program = environment / "bin" / (card.program or "")
    if not program.is_file() and version_in(environment, ("xllamacpp",)) is not None:
        return (sys.executable, "-m", _OURS), {"PYTHONPATH": os.pathsep.join(map(str, site_packages(environment)))}
    by_module = card.module is not None and not program.is_file()
    argv = _argv(card, python_of(environment)) if by_module else (str(program),)
    # compilers of kernels lie beside it and are started by name
    return argv, {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _argv(card: Packages, path: Path) -> Argv:
    """A program by itself; a Python with the engine's module."""
    if card.module is not None and path.name.startswith("python"):
        return (str(path), "-m", card.module)
    return (str(path),)


def _given(card: Packages, text: str, *, release: str | None) -> Program:
    """An executable, or an environment's folder. Raises NotFoundError where it is neither, or of another release."""
    path = Path(_found(text)).expanduser().absolute()
    if not path.exists():
        raise NotFoundError(f"there is no {text}", try_="--program PATH: the engine's program or its environment")
    argv, env = _start(card, path) if path.is_dir() else (_argv(card, path), {})
    if not Path(argv[0]).is_file() or not os.access(argv[0], os.X_OK):
        raise NotFoundError(
            f"{text} cannot be started",
            why=f"there is no program {argv[0]}" if path.is_dir() else "it is not executable",
            try_=f"--program PATH: {card.program or 'its Python'}, or an environment with it in bin",
        )
    found = _version_beside(card, path)
    if release is not None and found is not None and found != release:
        raise NotFoundError(
            f"{text} is {card.title} {found}, not {release}", try_=f"arena engines install {card.name}=={release}"
        )
    return Program(name=card.program or card.name, argv=argv, env=env, version=found, why="it was named")


def _found(text: str) -> str:
    """A bare name is looked for on PATH where there is no such file here."""
    return text if os.sep in text or Path(text).exists() else shutil.which(text) or text


def _on_path(card: Packages) -> Iterator[Program]:
    """Its program on PATH, else the Python there, if it has its module."""
    program = None if card.program is None else shutil.which(card.program)
    if program is not None:
        version = _version_beside(card, Path(program))
        yield Program(name=card.program or "", argv=(program,), version=version, why=_why_path(card, program))
        return
    python = None if card.module is None else shutil.which("python3")
    version = None if python is None else _version_beside(card, Path(python))
    if python is not None and version is not None:
        yield Program(name=card.name, argv=_argv(card, Path(python)), version=version, why=_why_path(card, python))


def _why_path(card: Packages, path: str) -> str:
    if card.name == "llamacpp":
        return "a llama-server on PATH may be built for this processor or card"
    return f"{path} is on PATH"


def _version_beside(card: Packages, path: Path) -> str | None:
    """From the packages of the environment that a program, or its folder, belongs to; else what it says when asked."""
    places = (path,) if path.is_dir() else (path.parent.parent, path.resolve().parent.parent)
    read = next((found for place in places if (found := version_in(place, card.distributions))), None)
    if read is None and path.is_file() and card.name == "llamacpp":
        return _version_of(str(path))
    if read is None and path.is_file():
        read = _asked(card, _interpreter(path))
    return None if read is None else release_of(card, read)


def _interpreter(path: Path) -> Path:
    """The Python itself, or the one that a script's first line names, or the one beside it."""
    if path.name.startswith("python"):
        return path
    with path.open("rb") as file:
        first = file.readline(1024).decode(errors="replace")
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    return Path(words[-1]) if words and "python" in words[-1] else path.parent / "python"


def _asked(card: Packages, python: Path) -> str | None:
    """What the interpreter's own list of packages says; the engine is not imported."""
    match = _VERSION.search(_output_of([str(python), "-c", _ASK, *card.distributions]))
    return None if match is None else match[1]


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


def _built_in(card: Packages) -> Iterator[Program]:
    if card.name != "llamacpp":
        return
    try:
        found = version_here("xllamacpp")
    except PackageNotFoundError:
        return
    yield Program(
        name="built-in llama.cpp",
        argv=(sys.executable, "-m", _OURS),
        version=f"b{found.rpartition('.')[2]}",
        built_in=True,
        why=f"the portable build in xllamacpp {found}; no better llama-server is on PATH",
    )
