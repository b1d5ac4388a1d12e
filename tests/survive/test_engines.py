"""Engines that are missing, wrong, or die; models that are none."""

import json
import os
import resource
import signal
import socket
from functools import partial
from pathlib import Path

import pytest
from survival import QUICK, Arena, write_fake_engine, write_program, write_tiny_model

HIDE_METADATA = """
import importlib.metadata as metadata
found = metadata.Distribution.from_name
def from_name(name):
    if name == "xllamacpp":
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.Distribution.from_name = from_name
"""
HIDE_MODULE = """
import sys
class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "xllamacpp":
            raise ModuleNotFoundError("No module named 'xllamacpp'", name=name)
sys.meta_path.insert(0, Hidden)
"""


def hide_built_in(arena: Arena, how: str) -> None:
    """As where it was not installed: every Python below reads this file as it starts."""
    folder = arena.folder / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(how)
    arena.env["PYTHONPATH"] = str(folder)


def test_without_any_engine_the_extra_to_install_is_named_and_nothing_is_kept(arena: Arena) -> None:
    write_tiny_model(arena.model)
    hide_built_in(arena, HIDE_METADATA + HIDE_MODULE)
    done = arena.run_model()
    assert done.code == 1
    done.says("llama.cpp is not on this machine", "inference-arena[embedded]")
    assert arena.records == arena.journals == []


def test_a_built_in_engine_that_cannot_be_imported_is_a_failure_on_record(arena: Arena) -> None:
    write_tiny_model(arena.model)
    hide_built_in(arena, HIDE_MODULE)
    done = arena.run_model()
    assert done.code == 1
    done.is_clean()
    outcome = arena.record()["outcome"]
    assert (outcome["kind"], outcome["cause"]) == ("failed", "engine-missing")
    assert "inference-arena[embedded]" in outcome["advice"]


def test_an_engine_nobody_knows_is_a_usage_error_that_names_those_we_know(faked: Arena) -> None:
    done = faked.run_model("--engine", "warp-drive")
    assert done.code == 2
    assert "warp-drive" in done.err
    assert "llamacpp" in done.err
    assert faked.records == faked.journals == []


@pytest.mark.parametrize("first_line", ["#!/no/such/interpreter", "just some text"])
def test_a_llama_server_that_cannot_be_run_at_all_is_noted_and_the_built_in_one_is_tried(
    arena: Arena, first_line: str
) -> None:
    write_program(arena.bin / "llama-server", f"{first_line}\n")
    write_tiny_model(arena.model)
    done = arena.run_model()
    assert done.code == 1  # the built-in one then finds that the model holds next to nothing
    done.is_clean()
    record = arena.record()
    assert any("llama-server was tried first" in note for note in record["notes"])
    assert record["outcome"]["cause"] in {"model-not-loaded", "model-broken"}


def test_a_llama_server_that_is_not_executable_is_passed_over(arena: Arena) -> None:
    write_program(arena.bin / "llama-server", "#!/bin/sh\nexit 1\n", mode=0o644)
    write_tiny_model(arena.model)
    assert arena.run_model().code == 1
    record = arena.record()
    assert record["notes"] == []
    assert record["outcome"]["cause"] in {"model-not-loaded", "model-broken"}


def test_a_llama_server_that_ends_with_an_error_is_noted_by_its_last_line(faked: Arena) -> None:
    done = faked.run_model(env={"FAKE_ENGINE": "exit 1"})
    assert done.code == 1
    done.is_clean()
    assert "the moon is in the wrong phase" in " ".join(faked.record()["notes"])


def test_a_llama_server_that_says_nothing_at_all_is_not_waited_for_longer_than_asked(faked: Arena) -> None:
    done = faked.run_model("--ready-timeout", "1s", env={"FAKE_ENGINE": "silent"})
    assert done.code == 1
    done.is_clean()
    outcome = faked.record()["outcome"]
    assert (outcome["stage"], outcome["cause"]) == ("ready", "never-ready")
    assert "--ready-timeout" in outcome["advice"]


def test_what_a_llama_server_leaves_behind_when_it_is_asked_for_its_version_is_ended(arena: Arena) -> None:
    write_program(arena.bin / "llama-server", "#!/bin/sh\n/bin/sleep 600 &\n")
    write_tiny_model(arena.model)
    assert arena.run_model().code == 1
    assert "llama-server was tried first" in " ".join(arena.record()["notes"])


@pytest.mark.engine
def test_a_llama_server_made_for_another_processor_gives_way_to_the_built_in_one(real: Arena) -> None:
    write_fake_engine(real)
    done = real.run_model("--json", env={"FAKE_ENGINE": "sigill"})
    assert done.code == 0, done.err
    record = done.document
    assert record["engine"]["program"] == "built-in llama.cpp"
    assert any("llama-server was tried first" in note and "processor" in note for note in record["notes"])
    assert real.run("verify").code == 0


def damaged(path: Path, kind: str) -> Path:
    content = {
        "empty": b"",
        "a web page": b"<!DOCTYPE html><html>not found",
        "a zip archive": b"PK\x03\x04" + bytes(99),
    }
    if kind in content:
        path.write_bytes(content[kind])
    elif kind == "is a folder":
        path.mkdir()
    elif kind == "cut short":
        write_tiny_model(path)
        path.write_bytes(path.read_bytes()[:-100])
    return path


@pytest.mark.parametrize("kind", ["no file", "is a folder", "empty", "cut short", "a web page", "a zip archive"])
def test_a_model_that_is_none_is_refused_before_anything_starts(faked: Arena, kind: str) -> None:
    path = damaged(faked.folder / "other.gguf", kind)
    done = faked.run("run", str(path), *QUICK, "--json")
    assert done.code == 1
    done.is_clean()
    error = done.document["error"]
    assert kind in f"{error['what']} {error['why']}" or kind == "cut short"
    assert error["try"]
    assert faked.records == faked.journals == []


def test_an_engine_that_dies_while_it_is_measured_leaves_a_record_of_that(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), "--concurrency", "1", "--duration", "60s")
    faked.wait_for(running, "tick", phase="steady")
    os.kill(faked.pid_of("truth_server --no-stdin"), signal.SIGKILL)
    done = running.end()
    assert done.code == 1
    done.is_clean()
    record = faked.record()
    assert (record["outcome"]["stage"], record["outcome"]["cause"]) == ("load", "killed")
    assert record["points"][0]["stopped_by"] == "engine-died"
    assert record["evidence"]["requests_lines"] > 0
    assert faked.run("verify").code == 0


@pytest.mark.engine
def test_a_real_engine_is_mended_of_a_flag_a_port_and_a_context_that_does_not_fit(real: Arena) -> None:
    """Three failures, each after the one before was mended; memory is short as on a small machine."""
    little = partial(resource.setrlimit, resource.RLIMIT_AS, (1_800_000_000, 1_800_000_000))
    asked = ("--flag", "--frobnicate", "--context", "8192", "--parallel", "8", "--retry-fixes", "--json")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = real.run("run", str(real.model), *QUICK, *asked, "--port", port, preexec_fn=little)
    assert done.code == 0, done.err
    records = [json.loads((path / "record.json").read_bytes()) for path in real.records]
    records.sort(key=lambda record: float(record["clock_zero_unix_s"]))  # ids of one second stand in any order
    causes = [record["outcome"].get("cause") for record in records]
    assert causes == ["unknown-flag", "port-taken", "out-of-memory", None]
    assert [record["retry_of"] for record in records] == [None, *(record["id"] for record in records[:-1])]
    assert records[-1]["trial"]["settings"]["context_tokens"] == 2048
    assert {"retry 1", "retry 2", "retry 3"} <= set(records[-1]["engine"]["choices"])
    assert real.run("verify").code == 0
