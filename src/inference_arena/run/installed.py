"""The engines that the arena keeps in environments of its own: where they are, what came, whether one is in use.

An environment counts once its manifest is there, which is written last; what an interrupted install left has none.
"""

from contextlib import suppress
from datetime import datetime
from importlib.metadata import DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import Final

import psutil
from pydantic import ValidationError

from inference_arena.errors import UsageError
from inference_arena.facts import Fact, Packages, Place, packages, version_key
from inference_arena.store import Home

MANIFEST: Final = "manifest.json"
ENVIRONMENT: Final = "env"


class Installed(Fact):
    """One release in an environment of its own. `asked`: the requirement; `version`: what came of it, as it says.

    `torch`, `cuda`: None where it has none. `bytes`: what the environment takes, part of which uv's cache may share.
    """

    engine: str
    release: str
    place: Place
    asked: str
    version: str | None
    torch: str | None = None
    cuda: str | None = None
    python: str
    packages: int
    bytes: int
    uv: str | None = None
    installed_at: datetime


def folder_of(home: Home, engine: str, release: str) -> Path:
    return home.engines / engine / release


def environment_of(home: Home, engine: str, release: str) -> Path:
    return folder_of(home, engine, release) / ENVIRONMENT


def installed(home: Home, engine: str | None = None) -> tuple[Installed, ...]:
    """What is whole, newest release of each engine first."""
    found = [
        manifest
        for name in ([engine] if engine else packages())
        for folder in folders_of(home, name)
        if (manifest := read_manifest(folder)) is not None
    ]
    return tuple(sorted(found, key=_order, reverse=True))


def unfinished(home: Home, engine: str) -> tuple[str, ...]:
    """Releases of which an install began and did not end."""
    return tuple(path.name for path in folders_of(home, engine) if read_manifest(path) is None)


def folders_of(home: Home, engine: str) -> tuple[Path, ...]:
    """One for each release, whole or not; what is being thrown away has a name with a dot."""
    folders = (home.engines / engine).glob("*")
    return tuple(sorted(path for path in folders if path.is_dir() and not path.name.startswith(".")))


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def site_packages(environment: Path) -> tuple[Path, ...]:
    """Where an environment keeps its packages; found without starting its Python."""
    return tuple(sorted(environment.glob("lib/python3*/site-packages")))


def version_in(environment: Path, names: tuple[str, ...]) -> str | None:
    """The version of the first of these packages that the environment has, read from its files."""
    context_path = [str(path) for path in site_packages(environment)]
    for name in names:
        context = DistributionFinder.Context(name=name, path=context_path)
        for found in MetadataPathFinder.find_distributions(context):
            return found.version
    return None


def release_of(card: Packages, version: str) -> str:
    """The engine's own name for a release whose package has this version: b11549 for 2026.10.11549."""
    version = version.partition("+")[0]
    known = {package: release for build in card.builds for release, package in build.package_versions.items()}
    if version in known:
        return known[version]
    mapped = any(build.package_versions for build in card.builds)
    return f"b{version.rpartition('.')[2]}" if mapped else version


def users_of(folder: Path) -> tuple[int, ...]:
    """Processes that were started from this folder, as far as this user may see."""
    inside = f"{folder}/"
    return tuple(process.pid for process in psutil.process_iter() if _uses(process, inside))


def _uses(process: psutil.Process, inside: str) -> bool:
    """By what it was started as, or by where it takes its packages from. Not every system tells."""
    with suppress(psutil.Error, OSError):
        if any(word.startswith(inside) for word in process.cmdline()):
            return True
        return process.environ().get("PYTHONPATH", "").startswith(inside)
    return False


def read_manifest(folder: Path) -> Installed | None:
    """None where it cannot be read, or its Python is gone: then the release is not whole."""
    if not python_of(folder / ENVIRONMENT).exists():
        return None
    try:
        return Installed.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def _order(one: Installed) -> tuple[str, object]:
    try:
        return one.engine, version_key(one.release)
    except UsageError:
        return one.engine, version_key("0")
