"""Folders that take no more: small, full, and read-only file systems."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from inference_arena.store import Home, open_home


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
