"""Where other load generators are: an environment of their own below the arena's home, made with uv, or on PATH."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from inference_arena.errors import NotFoundError
from inference_arena.run import uv
from inference_arena.run.drivers import guidellm, vllm_bench
from inference_arena.run.drivers.task import Driver
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


class Stages(Protocol):
    def stage(self, name: str, detail: str = "") -> None: ...


def find_driver(driver: Driver, *, home: Home, progress: Stages, argv: uv.Argv | None = None) -> str:
    """The program's path; an environment is made where the tool needs one of its own and has none yet."""
    if driver.package is None:
        return _on_path(driver)
    assert driver.version is not None
    folder = home.tools / driver.name / driver.version
    program = folder / "env" / "bin" / driver.program
    if not (folder / _READY).is_file():
        progress.stage(f"install {driver.title}", f"{driver.version}, once, some GB")
        _install(driver, folder, argv=uv.find_uv() if argv is None else argv)
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


def _install(driver: Driver, folder: Path, *, argv: uv.Argv) -> None:
    """Whole, or not there: the mark that it is ready is written last, and what is left without it is made anew."""
    environment, log_path, lock = folder / "env", folder / "uv.log", folder / "pylock.toml"
    python = environment / "bin" / "python"
    with storage(f"{driver.title} could not be kept in {folder}"):
        make_folder(folder)
        shutil.rmtree(environment, ignore_errors=True)  # half of one cannot be told from a whole one
        try:
            uv.make_environment(argv, environment, python=sys.executable, log_path=log_path)
            requirement = f"{driver.package}=={driver.version}"
            uv.resolve(argv, requirement, python=python, lock_path=lock, log_path=log_path)
            uv.bring(argv, lock, python=python, log_path=log_path, on_lines=lambda _lines: None)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / _READY).touch()
