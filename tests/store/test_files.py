"""Leftovers of killed processes go; work in progress stays."""

import os
import time

import pytest

from inference_arena.errors import StorageError
from inference_arena.store import whole_file
from inference_arena.store.files import sweep


def test_trash_and_old_temporary_things_are_swept(tmp_path):
    for name in (".trash-1", ".tmp-old", ".tmp-new", "20261123-120101-aaaaaa"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    (tmp_path / ".trash-link").symlink_to(tmp_path / "20261123-120101-aaaaaa")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(tmp_path / ".tmp-old", (two_days_ago, two_days_ago))

    sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".tmp-new", "20261123-120101-aaaaaa"]
    assert (tmp_path / "20261123-120101-aaaaaa" / "file").exists()


def test_sweeping_a_folder_that_is_not_there_is_harmless(tmp_path):
    sweep(tmp_path / "nothing")


def test_a_file_that_could_not_be_finished_leaves_the_old_one(tmp_path):
    (tmp_path / "it").write_text("old")

    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "it") as file:  # noqa: PT012 - it must fail half-way
        file.write(b"new")
        raise ZeroDivisionError

    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_leaves_the_old_file_and_says_so(full_folder):
    before = sorted(path.name for path in full_folder.iterdir())

    with pytest.raises(StorageError, match="disk full"), whole_file(full_folder / "it") as file:
        file.write(bytes(100_000))

    assert sorted(path.name for path in full_folder.iterdir()) == before
