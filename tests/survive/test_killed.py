"""Kill -9: of the arena while it measures, and while it saves. The next command makes a record of what was seen."""

import json
import signal
from pathlib import Path

import pytest
from survival import QUICK, Arena, Running, until, write_program

FAKE_PIP = "import os, time\nopen(os.environ['TMPDIR'] + '/part', 'w').close()\ntime.sleep(600)\n"
SLOW_SAVE = """
import os
from pathlib import Path
real = os.fsync
def fsync(handle):
    name = os.readlink(f"/proc/self/fd/{handle}") if isinstance(handle, int) else ""
    if name.endswith("/record.json"):
        Path(os.environ["AT_FSYNC"]).touch()
        while True:
            pass
    real(handle)
os.fsync = fsync
"""


def kill(arena: Arena, running: Running) -> None:
    running.process.kill()
    assert running.end().code == -signal.SIGKILL
    arena.must_have_left_nothing()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_arena_killed_while_it_measures_is_a_record_after_the_next_command(faked: Arena) -> None:
    assert faked.run_model().code == 0
    earlier = bytes_of(faked.home / "records")
    running = faked.start("run", str(faked.model), "--concurrency", "2", "--duration", "300s")
    faked.wait_for(running, "tick", phase="steady")
    until(lambda: any(path.stat().st_size for path in faked.journals[0].glob("point-*.raw")), "raw requests on disk")
    kill(faked, running)
    (journal,) = faked.journals

    done = faked.run("list", "--json")
    assert done.code == 0
    assert f"a killed run was saved as {journal.name}" in done.err
    assert {"interrupted", "finished"} == {row["outcome"] for row in done.document["records"]}
    record = json.loads((faked.home / "records" / journal.name / "record.json").read_bytes())
    assert record["outcome"] == {"kind": "interrupted", "stage": "load", "by": "killed"}
    assert record["evidence"]["requests_lines"] > 0
    assert record["points"][0]["stopped_by"] == "interrupted"
    assert faked.journals == []
    assert faked.run("verify", journal.name).code == 0
    assert bytes_of(faked.home / "records").items() >= earlier.items()


@pytest.mark.engine
def test_a_real_engine_ends_with_its_arena(real: Arena) -> None:
    running = real.start("run", str(real.model), "--concurrency", "2", "--duration", "300s", "--input-tokens", "16")
    real.wait_for(running, "tick", phase="steady")
    kill(real, running)
    assert real.run("verify").code == 0
    assert real.record()["outcome"]["by"] == "killed"


def test_an_arena_killed_before_its_first_request_is_a_record_too(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), *QUICK, env={"FAKE_ENGINE": "never ready"})
    faked.wait_for(running, "stage", stage="launch")
    kill(faked, running)
    done = faked.run("show", "last")
    assert done.code == 0, done.err
    record = faked.record()
    assert record["outcome"] == {"kind": "interrupted", "stage": "launch", "by": "killed"}
    assert record["summary"] is None


def test_an_arena_killed_while_it_saves_loses_nothing_and_saves_once(faked: Arena) -> None:
    site = faked.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SLOW_SAVE)
    reached = faked.folder / "reached"
    running = faked.start("run", str(faked.model), *QUICK, env={"PYTHONPATH": str(site), "AT_FSYNC": str(reached)})
    until(reached.exists, "the record is being written")
    kill(faked, running)
    assert faked.records == []
    assert faked.run("list").code == 0
    assert faked.record()["outcome"] == {"kind": "finished"}
    assert faked.run("verify").code == 0


def test_a_journal_that_cannot_be_understood_is_set_aside_and_stops_no_command(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), "--concurrency", "1", "--duration", "300s")
    faked.wait_for(running, "tick", phase="steady")
    kill(faked, running)
    (journal,) = faked.journals
    for path in journal.glob("point-*.raw"):
        path.write_bytes(b"this is no request\n")
    done = faked.run("list")
    assert done.code == 0
    done.is_clean()
    assert "could not be saved" in done.err
    assert (journal.parent / f".unreadable-{journal.name}").is_dir()
    assert faked.run("list").err.count("could not be saved") == 0


def test_an_arena_killed_while_it_fetches_a_model_ends_the_download(arena: Arena) -> None:
    package = arena.folder / "site" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    write_program(package / "__main__.py", FAKE_PIP)
    running = arena.start("run", env={"PYTHONPATH": str(package.parent)})
    until(lambda: any((arena.home / "models").glob(".fetch-*/part")), running.err.read_text)
    kill(arena, running)
    assert arena.run("list").code == 0
