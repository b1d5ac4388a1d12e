"""Where things live, and what is said when they cannot."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inference_arena.errors import BadFileError, StorageError
from inference_arena.store import Home, check_writable, machine_id, open_home


def test_the_environment_names_the_home_and_the_argument_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "a"))

    assert open_home().root == tmp_path / "a"
    assert open_home(tmp_path / "b").root == tmp_path / "b"


def test_without_a_name_the_home_is_the_users_data_folder(monkeypatch):
    monkeypatch.delenv("ARENA_HOME", raising=False)

    assert "inference-arena" in open_home().root.parts


def test_opening_a_home_writes_nothing(tmp_path):
    open_home(tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_the_home_is_an_error_that_names_a_way_out(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="not a directory") as caught:
        open_home(tmp_path / "file")

    assert "ARENA_HOME=/some/writable/folder arena ..." in str(caught.value)


def test_a_home_below_a_file_is_an_error_before_anything_is_measured(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="ARENA_HOME="):
        check_writable(open_home(tmp_path / "file" / "home"))


def test_a_read_only_home_is_an_error_before_anything_is_measured(read_only_folder):
    with pytest.raises(StorageError, match="read-only"):
        check_writable(open_home(read_only_folder))


def test_a_full_disk_is_an_error_before_anything_is_measured(full_folder):
    with pytest.raises(StorageError, match="disk full"):
        check_writable(open_home(full_folder))


def test_a_check_leaves_no_file_behind(home):
    check_writable(home)

    assert list(home.records.iterdir()) == []


def test_a_machine_keeps_its_pseudonym(home):
    first = machine_id(home)

    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert machine_id(home) == first
    assert [path.name for path in home.root.iterdir()] == ["machine-id"]


def test_processes_that_ask_at_once_agree_on_the_pseudonym(home):
    code = "from inference_arena.store import *; input(); print(machine_id(open_home()))"
    asking = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in asking:
        process.stdin.write("go\n")
        process.stdin.flush()

    assert len({process.communicate()[0] for process in asking}) == 1


def test_a_damaged_pseudonym_is_an_error_that_names_the_file(home):
    machine_id(home)
    home.machine_path.write_text("\xff not hex", encoding="latin-1")

    with pytest.raises(BadFileError, match="machine-id is damaged"):
        machine_id(home)


def test_a_home_is_found_through_a_tilde(monkeypatch):
    monkeypatch.setenv("ARENA_HOME", "~/arena")

    assert open_home() == Home(root=Path(os.path.expanduser("~")) / "arena")  # noqa: PTH111
