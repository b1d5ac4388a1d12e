"""What is printed, and where: one JSON document for programs, words for people, and outputs that do not take it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from survival import QUICK, Arena

USAGE = {
    "an option that is none": ["run", "--bogus"],
    "a verb that is none": ["bogus"],
    "a duration that is none": ["run", "--duration", "soon"],
    "a load that is none": ["run", "--concurrency", "0"],
    "an engine nobody knows": ["run", "--engine", "warp-drive"],
    "a file and an address": ["run", "model.gguf", "--url", "http://127.0.0.1:9/v1"],
}


@pytest.mark.parametrize("kind", USAGE)
def test_a_usage_error_is_one_json_document_too(arena: Arena, kind: str) -> None:
    done = arena.run(*USAGE[kind], "--json")
    assert done.code == 2, done.err
    done.is_clean()
    assert set(done.document["error"]) == {"what", "why", "try"}
    assert done.document["error"]["what"] in done.err


def test_success_and_failure_are_one_json_document_and_progress_goes_elsewhere(faked: Arena) -> None:
    fine = faked.run_model("--json")
    assert fine.code == 0, fine.err
    assert fine.document["outcome"] == {"kind": "finished"}
    assert "arena: first requests" in fine.err
    failed = faked.run_model("--json", "--ready-timeout", "0.5s", env={"FAKE_ENGINE": "never ready"})
    assert failed.code == 1
    assert failed.document["outcome"]["kind"] == "failed"
    for words in (["show"], ["show", "last-failed"], ["verify"], ["list"], ["reindex"], ["doctor"]):
        done = faked.run(*words, "--json")
        assert isinstance(done.document, dict), words


def test_a_reader_who_has_enough_after_one_line_changes_nothing(faked: Arena) -> None:
    read_end, write_end = os.pipe()
    running = faked.start("run", str(faked.model), *QUICK, stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    done = running.end()
    assert done.code == 0, done.err
    done.is_clean()
    assert faked.record()["outcome"] == {"kind": "finished"}
    assert faked.run("show").code == 0


def test_an_output_that_is_full_is_a_failure_in_words(faked: Arena) -> None:
    assert faked.run_model().code == 0
    for words in (["list", "--json"], ["show"], ["--help"], ["--version"], ["show", "--json"]):
        with Path("/dev/full").open("wb") as full:
            done = faked.run(*words, stdout=full)
        assert done.code == 1
        done.says("standard output could not be written", "No space left")


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_not_keep_a_run_from_its_record(faked: Arena, closed: str) -> None:
    command = [sys.executable, "-m", "inference_arena", "run", str(faked.model), *QUICK]
    environment = faked.environment({})
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", *command], env=environment, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert b"Traceback" not in ended.stderr
    assert faked.record()["outcome"] == {"kind": "finished"}


ODD = (
    {"COLUMNS": "20", "TERM": "dumb"},
    {"LANG": "C", "LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"TERM": "", "NO_COLOR": "1"},
)


def test_odd_terminals_get_the_report(faked: Arena) -> None:
    done = faked.run_model(env={"COLUMNS": "10", "PYTHONIOENCODING": "ascii"})
    assert done.code == 0, done.err
    done.is_clean()
    for env in ODD:
        done = faked.run("show", env=env)
        assert done.code == 0, done.err
        done.is_clean()
        assert "Verdict" in done.out
