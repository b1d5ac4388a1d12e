"""Runs uv: makes an environment, works out which packages an engine needs, brings them. Knows no engine.

Each step is a program of its own under a supervisor, so that Ctrl-C or the arena's end ends all of it. What was
brought so far stays in uv's cache, from where the next try takes it.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference_arena.errors import ArenaError, NotFoundError, StorageError
from inference_arena.run.model_sources import find_programs, without_secrets
from inference_arena.run.process import start_engine

Argv = tuple[str, ...]
OnLines = Callable[[Sequence[str]], None]

POLL_S: Final = 0.5
_UNREACHABLE: Final = (
    "failed to lookup address",
    "error sending request",
    "connection refused",
    "timed out",
    "dns error",
)
_NO_VERSION: Final = re.compile(r"no version of ([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)|no versions of (\S+)")
# what pip was told of places for packages holds for uv too, where uv was told nothing
_PLACES: Final[Mapping[str, str]] = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
}


class NoSuchVersion(ArenaError):  # noqa: N818 - reads as what happened
    """The index has no such release; `package` is the one that is not there, which may be a part of what was asked."""

    def __init__(self, package: str, *, why: str) -> None:
        super().__init__(f"the package index has no {package}", why=why)
        self.package = package


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package that an environment gets. `download_bytes` is None where the index does not say."""

    name: str
    version: str
    download_bytes: int | None


def find_uv() -> Argv:
    """The uv on PATH, else as a module of this Python. Raises NotFoundError."""
    uv = find_programs().uv
    if uv is None:
        raise NotFoundError(
            "uv is not on this machine",
            why="it makes the environments of engines, and brings their packages",
            try_='pip install "inference-arena[engines]"',
        )
    return uv


def make_environment(uv: Argv, folder: Path, *, python: str, log_path: Path) -> None:
    """A new, empty environment for this interpreter, or for the best one within bounds such as >=3.11,<3.15."""
    _call((*uv, "venv", "--no-project", "--python", python, str(folder)), log_path=log_path)


def resolve(
    uv: Argv,
    requirement: str,
    *,
    python: Path,
    lock_path: Path,
    log_path: Path,
    without: Sequence[str] = (),
    constraints: Sequence[str] = (),
    torch_backend: str | None = None,
) -> None:
    """Writes every package with version, address and hash into `lock_path`. Raises NoSuchVersion, ArenaError."""
    folder = lock_path.parent
    files = {
        "asked.in": (requirement,),
        # a condition that never holds leaves a package out wherever it is asked for
        "without.txt": tuple(f'{name} ; python_version < "0"' for name in without),
        "constraints.txt": tuple(constraints),
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    words = ["pip", "compile", "asked.in", "--overrides", "without.txt", "--constraints", "constraints.txt"]
    words += ["--python", str(python), "--format", "pylock.toml", "--no-header", "--quiet", "-o", lock_path.name]
    words += ["--torch-backend", torch_backend] if torch_backend else []
    _call((*uv, "--directory", str(folder), *words), log_path=log_path)


def bring(uv: Argv, lock_path: Path, *, python: Path, log_path: Path, on_lines: OnLines) -> None:
    """Makes the environment hold what the lock says and nothing else. `on_lines` is told all that uv said so far."""
    words = ("pip", "sync", "--python", str(python), lock_path.name)
    _call((*uv, "--directory", str(lock_path.parent), *words), log_path=log_path, on_lines=on_lines)


def version_of(uv: Argv, *, log_path: Path) -> str | None:
    lines = _call((*uv, "--version"), log_path=log_path)
    match = re.search(r"\d+(\.\d+)+", lines[0]) if lines else None
    return match[0] if match else None


def read_lock(lock_path: Path) -> tuple[Package, ...]:
    """The packages of a lock that resolve wrote; the smaller of several files of one is what is fetched at least."""
    document = tomllib.loads(lock_path.read_text("utf-8"))
    return tuple(
        Package(name=one["name"], version=one.get("version", ""), download_bytes=_bytes_of(one))
        for one in document.get("packages", ())
    )


def _bytes_of(package: Mapping[str, object]) -> int | None:
    files = package.get("wheels") or [package.get("sdist") or {}]
    assert isinstance(files, list)
    sizes = [size for file in files if (size := file.get("size") or _local_bytes(file.get("url", "")))]
    return min(sizes, default=None)


def _local_bytes(url: str) -> int | None:
    path = Path(url.removeprefix("file://"))
    return path.stat().st_size if url.startswith("file://") and path.is_file() else None


def _call(argv: Argv, *, log_path: Path, on_lines: OnLines = lambda _lines: None) -> tuple[str, ...]:
    """Runs it to its end, whatever ends it, and gives what it said. Raises ArenaError in words where it failed."""
    child = start_engine(argv, env=_environment(), log_path=log_path, grace_s=0.0)
    try:
        while child.wait(POLL_S) is None:
            on_lines(tuple(child.log_lines()))
    finally:
        code = child.stop(immediately=True)
    lines = tuple(child.log_lines())
    on_lines(lines)
    if code != 0:
        raise _failed(argv, code, lines)
    return lines


def _environment() -> dict[str, str]:
    """Ours, without what ties uv to another environment."""
    told = {theirs: os.environ[ours] for ours, theirs in _PLACES.items() if ours in os.environ}
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}}
    return {**{name: ",".join(value.split()) for name, value in told.items()}, **kept, "NO_COLOR": "1"}


def _failed(argv: Argv, code: int | None, lines: Sequence[str]) -> ArenaError:
    output = "\n".join(lines)
    if "No space left on device" in output:
        return StorageError("no room left for the engine", why="the disk is full", try_="free some space there")
    missing = _NO_VERSION.search(re.sub(r"\{[^}]*\}", "", output))
    if missing:
        package = f"{missing[1]}=={missing[2]}" if missing[1] else missing[3]
        return NoSuchVersion(package, why=_words(lines))
    if any(word in output.lower() for word in _UNREACHABLE):
        return ArenaError(
            "the package index could not be reached",
            why=_words(lines),
            try_="look at the network, then the same command again: it goes on where it stopped",
        )
    if "no interpreter found" in output.lower() or "no download found" in output.lower():
        return NotFoundError(
            "no Python that this release runs on is here, and uv found none to fetch",
            why=_words(lines),
            try_="install such a Python, or another release",
        )
    step = next((word for word in ("venv", "compile", "sync") if word in argv), "uv")
    return ArenaError(f"uv {step} ended with code {code}", why=_words(lines), try_="the same command again")


def _words(lines: Sequence[str]) -> str:
    """What it said went wrong: from its first error on, in one line of bounded length, without secrets."""
    said = [line.strip().lstrip("×╰─▶│├ ") for line in lines if line.strip() and not line.startswith("warning:")]
    first = next((at for at, line in enumerate(said) if line.lower().startswith("error")), max(0, len(said) - 3))
    text = without_secrets(" ".join(said[first:]).removeprefix("error: "))
    return text if len(text) <= 400 else f"{text[:400].rsplit(' ', 1)[0]} …"
