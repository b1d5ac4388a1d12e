"""Keys, names of people and their folders: in no record, whatever happened."""

import gzip
import json
from pathlib import Path

import pytest
from survival import QUICK, Arena, write_fake_engine, write_program, write_tiny_model

PRIVATE = ("janedoe", "SECRET123")


@pytest.fixture
def jane(arena: Arena) -> Arena:
    """Her model and her engine lie below her home."""
    home = arena.folder / "home" / "janedoe"
    arena.home = home / "arena"
    arena.bin = home / "bin"
    arena.bin.mkdir(parents=True)
    arena.model = home / "models" / "tiny.gguf"
    arena.env |= {"HOME": str(home), "USER": "janedoe", "LOGNAME": "janedoe"}
    write_tiny_model(arena.model)
    return arena


def must_not_tell(arena: Arena) -> None:
    """Nothing private in any file of any record, packed or not."""
    files = [path for path in (arena.home / "records").rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        for word in PRIVATE:
            assert word.encode() not in text, (path.name, word)


@pytest.mark.parametrize("flag", ["--api-key SECRET123", "--api-key=SECRET123"])
def test_a_key_for_the_engine_is_used_and_kept_from_the_record(jane: Arena, flag: str) -> None:
    write_fake_engine(jane)
    done = jane.run_model("--flag", flag, "--json")
    assert done.code == 0, done.err
    assert "SECRET123" not in done.out + done.err
    assert "janedoe" not in done.out
    assert done.document["engine"]["user_flags"][0].startswith("--api-key")
    must_not_tell(jane)


@pytest.mark.engine
def test_a_real_engine_that_wants_a_key_is_measured_with_it(real: Arena) -> None:
    done = real.run_model("--flag", "--api-key SECRET123", "--json")
    assert done.code == 0, done.err
    must_not_tell(real)


@pytest.mark.parametrize("script", ["just some text\n", "#!/bin/sh\necho $0 $HOME janedoe SECRET=SECRET123; exit 1\n"])
def test_an_engine_that_fails_tells_nothing_private(jane: Arena, script: str) -> None:
    write_program(jane.bin / "llama-server", script)
    assert jane.run_model().code == 1
    assert jane.record()["notes"]
    must_not_tell(jane)


def test_a_killed_run_that_was_saved_later_tells_nothing_private(jane: Arena) -> None:
    write_fake_engine(jane)
    running = jane.start("run", str(jane.model), "--flag", "--api-key SECRET123", "--duration", "60s")
    jane.wait_for(running, "tick")
    intent = (jane.journals[0] / "intent.json").read_text()
    assert "SECRET123" not in intent
    running.process.kill()
    running.end()
    assert jane.run("list").code == 0
    must_not_tell(jane)


def test_a_bug_is_written_down_without_the_key(jane: Arena) -> None:
    write_fake_engine(jane)
    site = jane.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: 1 / 0\n")
    done = jane.run_model("--flag", "--api-key SECRET123", "--json", env={"PYTHONPATH": str(site)})
    assert done.code == 3
    assert "Traceback" not in done.out + done.err
    assert done.document["error"]["what"]
    (log,) = (jane.home / "logs").iterdir()
    assert "ZeroDivisionError" in log.read_text()
    assert "SECRET123" not in log.read_text()


NAMES = ["wörter 🦙  [v1] (copy).gguf", "-%s{x}$HOME`.gguf", "link.gguf"]


@pytest.mark.parametrize("name", NAMES)
def test_models_with_odd_names_are_measured(faked: Arena, name: str) -> None:
    path = faked.folder / name
    if name == "link.gguf":
        path.symlink_to(faked.model)
    else:
        write_tiny_model(path)
    done = faked.run("run", *QUICK, "--json", "--", name)
    assert done.code == 0, done.err
    assert done.document["model"]["name"] == Path(name).stem
    assert json.loads(faked.run("show", "--json").out)["id"] == done.document["id"]
