"""Homes that are full, read-only, or no folder."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from survival import Arena, Running, until


def can_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("unshare") is not None and mounts_work()


def mounts_work() -> bool:
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return tried.returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="only root may mount a small or read-only disk")


@contextmanager
def mounted(path: Path, *, options: str) -> Iterator[None]:
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(folder: Path) -> Path:
    """To the last byte."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return path


def run_until_measured(arena: Arena) -> Running:
    running = arena.start("run", str(arena.model), "--concurrency", "2", "--duration", "300s")
    arena.wait_for(running, "tick", phase="steady")
    return running


@needs_mounts
def test_a_disk_that_fills_while_it_measures_ends_the_run_and_loses_no_earlier_record(faked: Arena) -> None:
    with mounted(faked.home, options="size=6m"):
        assert faked.run_model().code == 0
        (earlier,) = faked.records
        before = (earlier / "record.json").read_bytes()
        running = run_until_measured(faked)
        filler = fill(faked.home)
        done = running.end()
        assert done.code == 1
        done.is_clean()
        assert "disk full" in done.err + done.out or "No space left" in done.err + done.out
        assert (earlier / "record.json").read_bytes() == before

        filler.unlink()
        after = faked.run("list", "--json")
        assert after.code == 0
        failed = [row for row in after.document["records"] if row["outcome"] != "finished"]
        assert [row["cause"] for row in failed] in (["storage"], [None])
        assert after.document["unreadable"] == []
        for path in faked.records:
            assert faked.run("verify", path.name).code == 0


@needs_mounts
def test_a_killed_run_waits_in_its_journal_while_the_disk_is_full(faked: Arena) -> None:
    with mounted(faked.home, options="size=6m"):
        running = run_until_measured(faked)
        until(lambda: any(path.stat().st_size for path in faked.journals[0].glob("point-*.raw")), "raw requests")
        running.process.kill()
        running.end()
        filler = fill(faked.home)
        full = faked.run("show", "last")
        assert full.code == 1
        full.is_clean()
        assert "could not be saved" in full.err
        filler.unlink()
        assert faked.run("verify", "last").code == 0
        assert faked.record()["outcome"]["by"] == "killed"


@needs_mounts
def test_a_full_home_is_refused_before_anything_starts(faked: Arena) -> None:
    with mounted(faked.home, options="size=64k"):
        filler = fill(faked.home)
        done = faked.run_model("--json")
        assert done.code == 1
        done.says("disk full", "ARENA_HOME=")
        assert done.document["error"]["what"]
        filler.unlink()


@needs_mounts
@pytest.mark.parametrize("verb", [["run"], ["list"], ["reindex"], ["rm", "last", "--yes"]])
def test_a_read_only_home_is_said_in_words_by_every_verb(faked: Arena, verb: list[str]) -> None:
    with mounted(faked.home, options="size=1m,ro"):
        done = faked.run(*verb)
    done.is_clean()
    assert done.code == (0 if verb == ["list"] else 1), done.err


@pytest.mark.parametrize("words", [["run"], ["list"]])
def test_a_home_that_is_a_file_is_told_once(arena: Arena, words: list[str]) -> None:
    arena.home.write_text("not a folder")
    done = arena.run(*words, "--json")
    assert done.code == 1
    done.says("is not a directory", "ARENA_HOME=")
    assert done.err.count("cannot be used") == 1
    assert done.document["error"]["why"]
    assert arena.home.read_text() == "not a folder"


@pytest.mark.parametrize("name", ["records", "journals", "models", "measuring.lock", "machine-id"])
def test_a_thing_of_the_wrong_kind_in_the_home_is_named(faked: Arena, name: str) -> None:
    faked.home.mkdir()
    if name in {"measuring.lock", "machine-id"}:
        (faked.home / name).mkdir()
    else:
        (faked.home / name).write_text("not a folder")
    done = faked.run("run") if name == "models" else faked.run_model()
    assert done.code == 1, done.err
    done.is_clean()
    assert name in done.err
