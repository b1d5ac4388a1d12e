"""Where other load generators are: an environment of their own below the arena's home, made with uv, or on PATH."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from inference_arena.errors import ArenaError, NotFoundError
from inference_arena.run.drivers import guidellm, vllm_bench
from inference_arena.run.drivers.task import Driver
from inference_arena.run.process import start_engine
from inference_arena.store import Home, make_folder, storage

DRIVERS: Final[Mapping[str, Driver]] = MappingProxyType(
    {
        "guidellm": Driver(
            name="guidellm",
            title="GuideLLM",
            program="guidellm",
            package="guidellm",
            version=guidellm.VERSION,
            order=guidellm.order,
        ),
        "vllm": Driver(
            name="vllm",
            title="vllm bench serve",
            program="vllm",
            package=None,
            version=None,
            order=vllm_bench.order,
        ),
    }
)
_READY: Final = "ready"
_SHOWN: Final = 3
_WAIT_S: Final = 3600.0


class Stages(Protocol):
    def stage(self, name: str, detail: str = "") -> None: ...


def find_driver(driver: Driver, *, home: Home, progress: Stages, uv: Sequence[str] | None = None) -> str:
    """The program's path; an environment is made where the tool needs one of its own and has none yet."""
    if driver.package is None:
        return _on_path(driver)
    assert driver.version is not None
    folder = home.tools / driver.name / driver.version
    program = folder / "env" / "bin" / driver.program
    if not (folder / _READY).is_file():
        progress.stage(f"install {driver.title}", f"{driver.version}, once, some GB")
        _install(driver, folder, uv=find_uv() if uv is None else uv)
    return str(program)


def _on_path(driver: Driver) -> str:
    found = shutil.which(driver.program)
    if found is None:
        raise NotFoundError(
            f"{driver.title} is not installed here",
            why=f"there is no {driver.program} on PATH",
            try_="--with guidellm, which the arena installs by itself",
        )
    return found


def find_uv() -> tuple[str, ...]:
    """The uv on PATH, else as a module of this Python."""
    if program := shutil.which("uv"):
        return (program,)
    if find_spec("uv") is not None:
        return (sys.executable, "-m", "uv")
    raise NotFoundError(
        "uv is not on this machine",
        why="it makes the environment that another tool needs of its own",
        try_="pip install uv",
    )


def _install(driver: Driver, folder: Path, *, uv: Sequence[str]) -> None:
    """Whole, or not there: the mark that it is ready is written last, and what is left without it is made anew."""
    environment = folder / "env"
    with storage(f"{driver.title} could not be kept in {folder}"):
        shutil.rmtree(environment, ignore_errors=True)
        make_folder(folder)
        try:
            _call((*uv, "venv", "--quiet", "--python", sys.executable, str(environment)), folder=folder)
            requirement = f"{driver.package}=={driver.version}"
            python = str(environment / "bin" / "python")
            _call((*uv, "pip", "install", "--quiet", "--python", python, requirement), folder=folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / _READY).touch()


def _call(argv: Sequence[str], *, folder: Path) -> None:
    """Under a supervisor, so that it ends when we do."""
    process = start_engine(argv, env=dict(os.environ), log_path=folder / "install.log")
    try:
        code = process.wait(_WAIT_S)
    finally:
        process.stop()
    if code != 0:
        said = " ".join(line.strip() for line in process.log_tail(_SHOWN) if line.strip())
        raise ArenaError(
            f"{Path(argv[0]).name} could not install it",
            why=said or f"it ended with {code}",
            try_="look at the network and at the room on the disk, then run it again",
        )
