"""A virtual environment for each peer under the user's cache folder, made once and used again."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from kit.table import say

INSTALL_LIMIT_S = 900.0


class CannotMake(Exception):  # noqa: N818  # named for what happened
    """The tool cannot be had here; says why in one line."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """`first` is installed by pip before the tool, in a step of its own."""

    name: str
    version: str
    first: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


# pip alone finds a build of torch for the processor where one lies on disk; PyPI's own brings 4 GB of CUDA
GUIDELLM = Tool(name="guidellm", version="0.8.1", first=("torch==2.13.0",))
AIPERF = Tool(name="aiperf", version="0.13.0")


def cache_folder() -> Path:
    return user_cache_path("inference-arena", appauthor=False) / "benchmarks"


def scripts(folder: Path) -> Path:
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def ensure(tool: Tool) -> Path:
    """The folder of its programs. Raises CannotMake."""
    folder = cache_folder() / f"{tool.name}-{tool.version}"
    if not _is_there(tool, folder):
        say(f"{tool.requirement}: making its environment in {folder}, once; this takes minutes")
        _make(tool, folder)
    if not _is_there(tool, folder):
        raise CannotMake(f"{tool.requirement} was installed in {folder}, but is not found there")
    return scripts(folder)


def _is_there(tool: Tool, folder: Path) -> bool:
    python = scripts(folder) / "python"
    if not python.exists():
        return False
    ask = f"from importlib.metadata import version; print(version({tool.name!r}))"
    told = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=False, timeout=60)
    return told.stdout.strip() == tool.version


def _make(tool: Tool, folder: Path) -> None:
    uv = None if tool.first else shutil.which("uv")
    try:
        if uv is not None:
            run([uv, "venv", "--clear", "--python", sys.executable, str(folder)])
            run([uv, "pip", "install", "--python", str(scripts(folder) / "python"), tool.requirement])
            return
    except CannotMake as error:
        say(f"uv could not ({error}); trying pip")
    run([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(scripts(folder) / "python"), "-m", "pip", "install", "--quiet"]
    for step in filter(None, (tool.first, (tool.requirement,))):
        run([*pip, *step])


def run(argv: list[str], *, limit_s: float = INSTALL_LIMIT_S) -> str:
    """Its standard output. Raises CannotMake with the program's last line."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit_s)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotMake(f"{argv[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise CannotMake(f"{Path(argv[0]).name} ended with {done.returncode}: {last}")
    return done.stdout
