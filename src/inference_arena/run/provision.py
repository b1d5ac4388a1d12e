"""Brings a release of an engine into an environment of its own, and takes it away again.

HOME/engines/ENGINE/RELEASE holds the environment (env), the list of all its packages with their hashes (pylock.toml),
and at the very end a manifest: without that it does not count. An install that was cut off keeps its list of packages,
and uv keeps what it has fetched, so that the next try goes on from there.
"""

import re
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Protocol

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from inference_arena import units
from inference_arena.errors import ArenaError, NotFoundError, StorageError
from inference_arena.facts import Build, release
from inference_arena.plan import Offer, package_card, versions_of
from inference_arena.run import uv
from inference_arena.run.installed import (
    ENVIRONMENT,
    MANIFEST,
    Installed,
    folder_of,
    folders_of,
    python_of,
    read_manifest,
    release_of,
    users_of,
    version_in,
)
from inference_arena.store import Home, make_folder, signed_lock, storage, sweep, throw_away, whole_file

LOCK: Final = "pylock.toml"
_LOG: Final = "uv.log"
_LEAST_FREE_BYTES: Final = 256 * units.MIB
_DOWNLOADED: Final = re.compile(r"^ *Downloaded (\S+)$")
_PREPARED: Final = re.compile(r"^Prepared \d+ package")


class View(Protocol):
    """Who is told how far it is."""

    def stage(self, name: str, detail: str = "") -> None: ...

    def fetch(self, done_bytes: int, total_bytes: int | None) -> None: ...


def install(offer: Offer, *, home: Home, view: View, argv: uv.Argv | None = None) -> Installed:
    """The release that is offered, whole. What is there already is taken as it is.

    Raises ArenaError where nothing is offered, where another install of it is going on, or where it fails.
    """
    build = offer.build
    if build is None or offer.version is None:
        raise NotFoundError(f"{offer.title} cannot be installed here", why=offer.why, try_=offer.instead)
    offer = offer.model_copy(update={"version": _checked(offer, build)})
    folder = folder_of(home, offer.engine, offer.version or "")
    with _alone(home):
        sweep(folder.parent)
        found = read_manifest(folder)
        if found is not None:
            return found
        with storage(f"{offer.title} could not be kept in {folder}"):
            return _install(offer, build, folder, view=view, argv=argv or uv.find_uv())


def remove(home: Home, engine: str, release: str) -> int:
    """Takes a release away, whole or not, and says how many bytes that were. Refuses while a process runs from it."""
    title = f"{package_card(engine).title} {release}"
    there = {path.name: path for path in folders_of(home, engine)}
    if release not in there:
        names = ", ".join(f"{engine}=={name}" for name in there)
        raise NotFoundError(f"{title} is not installed", try_=f"one of: {names}" if names else "arena engines")
    with _alone(home):
        sweep(there[release].parent)
        running = users_of(there[release])
        if running:
            pids = ", ".join(map(str, running))
            raise ArenaError(f"{title} is in use", why=f"started from there: process {pids}", try_="end that first")
        size = bytes_below(there[release])
        with storage(f"{there[release]} could not be removed"):
            throw_away(there[release])
    _tidy(there[release])
    return size


def _alone(home: Home) -> AbstractContextManager[None]:
    """One install or removal at a time."""
    return signed_lock(
        home.engines_lock_path,
        busy="another install or removal of an engine is going on",
        try_="wait for it",
    )


def _tidy(folder: Path) -> None:
    """The engine's own folder goes with its last release."""
    with suppress(OSError):
        folder.parent.rmdir()


def bytes_below(folder: Path) -> int:
    """Bytes in files below the folder, each counted once however many names it has."""
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.lstat()
            if not path.is_dir() or path.is_symlink():
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def _checked(offer: Offer, build: Build) -> str:
    """Its usual name where it is known. It becomes a folder and a part of a requirement, so it must look like one."""
    assert offer.version is not None
    names = {package: one for one, package in build.package_versions.items()}
    if offer.version in build.package_versions:
        return offer.version
    try:
        asked = Version(names.get(offer.version, offer.version).removeprefix("b") if names else offer.version)
    except InvalidVersion as error:
        raise _unknown(offer, build) from error
    known = (one for one in versions_of(offer.engine, build) if Version(one.removeprefix("b")) == asked)
    return next(known, str(asked))


def _install(offer: Offer, build: Build, folder: Path, *, view: View, argv: uv.Argv) -> Installed:
    is_new = not (folder / LOCK).is_file()
    make_folder(folder)
    environment, log_path = folder / ENVIRONMENT, folder / _LOG
    try:
        view.stage("make environment", f"{offer.title} {offer.version}")
        shutil.rmtree(environment, ignore_errors=True)  # half of one cannot be told from a whole one
        uv.make_environment(argv, environment, python=_python(offer, build), log_path=log_path)
        _resolve(offer, build, folder, view=view, argv=argv)
    except BaseException:
        if is_new and not (folder / LOCK).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            _tidy(folder)
        raise
    wanted = uv.read_lock(folder / LOCK)
    _check_room(offer, build, folder, wanted)
    _bring(folder, wanted, view=view, argv=argv)
    view.stage("check", offer.title)
    _alias(build, environment, wanted)
    return _finish(offer, build, folder, wanted, argv=argv)


def _resolve(offer: Offer, build: Build, folder: Path, *, view: View, argv: uv.Argv) -> None:
    """Which packages; a second try takes the same. PyTorch's index is asked where the usual one has no such torch."""
    if (folder / LOCK).is_file():
        return
    view.stage("find packages", _requirement(offer, build))
    for backend in dict.fromkeys((None, build.torch_backend)):
        try:
            uv.resolve(
                argv,
                _requirement(offer, build),
                python=python_of(folder / ENVIRONMENT),
                lock_path=folder / LOCK,
                log_path=folder / _LOG,
                without=build.without,
                constraints=build.constraints,
                torch_backend=backend,
            )
        except uv.NoSuchVersion as error:
            if _name(error.package) == _name(build.package):
                raise _unknown(offer, build) from error
            if backend == build.torch_backend:
                raise
        else:
            return


def _requirement(offer: Offer, build: Build) -> str:
    assert offer.version is not None
    return f"{build.package}=={build.package_versions.get(offer.version, offer.version)}"


def _name(package: str) -> str:
    return re.split(r"[\[=<>~! ]", package)[0].lower().replace("_", "-")


def _unknown(offer: Offer, build: Build) -> NotFoundError:
    known = versions_of(offer.engine, build)
    near = get_close_matches(offer.version or "", known, n=3, cutoff=0.6)
    names = list(dict.fromkeys((*near, known[-1])))
    return NotFoundError(
        f"there is no {offer.title} {offer.version} among the packages of {build.package}",
        try_="one of: " + ", ".join(f"{offer.engine}=={name}" for name in names),
    )


def _python(offer: Offer, build: Build) -> str:
    """This interpreter where it is within the release's bounds; else the bounds, for uv to find or fetch one."""
    bounds = build.python or ""
    if build.cuda and offer.version is not None:
        with suppress(ArenaError):
            bounds = release(offer.engine, offer.version).python or bounds
    ours = ".".join(map(str, sys.version_info[:3]))
    return sys.executable if SpecifierSet(bounds.replace(" ", "")).contains(ours) else bounds


def _check_room(offer: Offer, build: Build, folder: Path, wanted: Sequence[uv.Package]) -> None:
    download_bytes = sum(one.download_bytes or 0 for one in wanted)
    needed_bytes = max(build.installed_bytes or 0, download_bytes) + _LEAST_FREE_BYTES
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise StorageError(
            f"no room for {offer.title} {offer.version} in {folder.parent}",
            why=f"it needs at least {units.size(needed_bytes)}, and {units.size(free_bytes)} are free",
            try_="free some space there, or ARENA_HOME=/another/disk arena engines install ...",
        )


def _bring(folder: Path, wanted: Sequence[uv.Package], *, view: View, argv: uv.Argv) -> None:
    """Told by uv's own words: which packages have come; those of which it says nothing are small or were there."""
    sizes = {_name(one.name): one.download_bytes or 0 for one in wanted}
    total = sum(sizes.values())
    view.stage("fetch", f"{len(wanted)} packages")
    said = {"prepared": False}

    def told(lines: Sequence[str]) -> None:
        if any(_PREPARED.match(line) for line in lines) and not said["prepared"]:
            said["prepared"] = True
            view.fetch(total, total)
            view.stage("install", f"{len(wanted)} packages")
        elif not said["prepared"]:
            came = {_name(match[1]) for line in lines if (match := _DOWNLOADED.match(line))}
            view.fetch(sum(sizes.get(name, 0) for name in came), total)

    environment = folder / ENVIRONMENT
    uv.bring(argv, folder / LOCK, python=python_of(environment), log_path=folder / _LOG, on_lines=told)


def _alias(build: Build, environment: Path, wanted: Sequence[uv.Package]) -> None:
    """A package of another name passes for the one that the engine asks for; nothing but its name and version."""
    version = next((one.version for one in wanted if _name(one.name) == _name(build.package)), None)
    if build.alias is None or version is None or version_in(environment, (build.alias,)) is not None:
        return
    for packages in environment.glob("lib/python3*/site-packages"):
        folder = packages / f"{build.alias}-{version}+cpu.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {build.alias}\nVersion: {version}+cpu\n", "utf-8"
        )
        (folder / "INSTALLER").write_text("inference-arena\n", "utf-8")
        (folder / "RECORD").write_text(
            "".join(f"{folder.name}/{name},,\n" for name in ("METADATA", "INSTALLER", "RECORD"))
        )


def _finish(offer: Offer, build: Build, folder: Path, wanted: Sequence[uv.Package], *, argv: uv.Argv) -> Installed:
    """The manifest, last of all."""
    assert offer.version is not None
    card, environment = package_card(offer.engine), folder / ENVIRONMENT
    came = version_in(environment, (_name(build.package), *card.distributions))
    if came is None:
        raise ArenaError(f"{build.package} is not in the environment that uv made", try_="the same command again")
    versions = {_name(one.name): one.version for one in wanted}
    made = Installed(
        engine=offer.engine,
        release=offer.version,
        place=offer.place,
        asked=_requirement(offer, build),
        version=release_of(card, came),
        torch=versions.get("torch"),
        cuda=next((versions[name] for name in versions if name.startswith("nvidia-cuda-runtime")), None),
        python=_python_version(environment),
        packages=len(wanted),
        bytes=bytes_below(environment),
        uv=uv.version_of(argv, log_path=folder / _LOG),
        installed_at=datetime.now(UTC).replace(microsecond=0),
    )
    with whole_file(folder / MANIFEST) as file:
        file.write(f"{made.model_dump_json(indent=2)}\n".encode())
    return made


def _python_version(environment: Path) -> str:
    lines = (environment / "pyvenv.cfg").read_text("utf-8").splitlines()
    words = (line.partition("=") for line in lines)
    return next((value.strip() for key, _, value in words if key.strip() in {"version_info", "version"}), "unknown")
