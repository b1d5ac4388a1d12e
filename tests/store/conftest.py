"""A home of its own for every test, and the builders of records beside this folder."""

import gzip
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from inference_arena.record import Record
from inference_arena.store import Home, open_home


def _load_builders() -> ModuleType:
    """By its path: with pytest's importlib mode the tests are no package."""
    spec = importlib.util.spec_from_file_location("builders", Path(__file__).parents[1] / "builders.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_BUILDERS = _load_builders()


@pytest.fixture
def builders() -> ModuleType:
    return _BUILDERS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ARENA_DATABASE_URL", raising=False)
    return open_home()


@pytest.fixture
def keep(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Saves a record in the home, with an engine log if one is given."""

    def save(record: Record, **options: str) -> Path:
        return _BUILDERS.keep(home, record, raw=tmp_path / "raw", **options)

    return save


def _mounted(folder: Path, *, options: str) -> Path:
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system of one's own needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    return folder


@pytest.fixture
def small_folder(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = _mounted(tmp_path / "small", options="size=1m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def full_folder(small_folder: Path) -> Path:
    """A file system with no byte left."""
    with suppress(OSError), (small_folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return small_folder


def _freeze(folder: Path) -> Path:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return folder


@pytest.fixture
def freeze() -> Callable[[Path], Path]:
    """Makes the small folder take no writes any more, from root either."""
    return _freeze


@pytest.fixture
def read_only_folder(small_folder: Path) -> Path:
    return _freeze(small_folder)


@pytest.fixture
def read_only_home(small_folder: Path, tmp_path: Path, builders: ModuleType) -> Home:
    """One saved record, never listed, then no writes any more."""
    builders.keep(open_home(small_folder), builders.a_record(), raw=tmp_path / "raw")
    return open_home(_freeze(small_folder))


@pytest.fixture
def packed_zeros() -> Callable[[int], bytes]:
    """A small gzip file of so many MiB of zeros."""
    return lambda mib: gzip.compress(bytes(mib * 1024**2))
