"""Engines that are several processes, as vLLM and SGLang are: what they leave, how they hang, and how they fail."""

import json

import pytest
from survival import QUICK, SCRIPT, Arena, Done, until
from vllms import GOLDEN, acts, failing, write_environment, write_model


def run(arena: Arena, *args: str, mode: str = "serve", engine: str = "vllm", **env: str) -> Done:
    folder = write_environment(arena, engine)
    words = ("run", str(write_model(arena)), "--engine", engine, "--program", str(folder), "--weights", "dummy")
    return arena.run(*words, *QUICK, *args, env={"FAKE_MODE": mode, **env})


def records(arena: Arena) -> list[dict]:
    """As they began: ids of one second stand in any order."""
    read = [json.loads((path / "record.json").read_bytes()) for path in arena.records]
    return sorted(read, key=lambda record: float(record["clock_zero_unix_s"]))


@pytest.mark.parametrize("mode", ["serve", "leaves children, ignores SIGTERM"])
def test_an_engine_is_measured_and_leaves_no_process_however_it_ends(arena: Arena, mode: str) -> None:
    done = run(arena, "--json", mode=mode)
    assert done.code == 0, done.err
    assert done.document["engine"]["version"] == "0.24.0"
    assert done.document["model"]["weights"] == "dummy"
    assert arena.journals == []


def test_an_engine_that_hangs_is_given_up_in_time_and_told_by_what_it_was_doing(arena: Arena) -> None:
    done = run(arena, "--ready-timeout", "4s", mode="leaves children, hangs while loading")
    assert done.code == 1
    done.is_clean()
    outcome = arena.record()["outcome"]
    assert (outcome["stage"], outcome["cause"], outcome["engine_stage"]) == ("ready", "never-ready", "weights")
    assert "it was still loading the weights" in outcome["what"]
    assert "Starting to load model" in outcome["why"]
    assert "no processor time" in outcome["why"]
    assert "it hangs, or waits" in outcome["advice"]
    assert "loading the weights" in done.err


def test_an_engine_that_stays_after_its_core_failed_is_told_by_what_its_log_says(arena: Arena) -> None:
    log = GOLDEN / "vllm-0.24.0" / "no-kv-cache-memory.log"
    done = run(arena, "--ready-timeout", "3s", mode="core dies, parent stays", FAKE_LOG=str(log))
    assert done.code == 1
    outcome = arena.record()["outcome"]
    assert (outcome["stage"], outcome["cause"]) == ("ready", "no-kv-cache-memory")
    assert "did not end by itself" in outcome["what"]


def test_an_engine_that_answers_health_alone_is_given_up_in_time_and_told_as_that(arena: Arena) -> None:
    done = run(arena, "--request-timeout", "2s", mode="health alone")
    assert done.code == 1
    done.is_clean()
    outcome = arena.record()["outcome"]
    assert outcome["stage"] == "probe"
    assert outcome["what"] == "the engine says that it is ready, and does not answer requests"
    assert "--request-timeout" in outcome["advice"]


def test_an_engine_that_never_tells_how_many_tokens_it_made_is_measured_by_what_came(arena: Arena) -> None:
    done = run(arena, "--json", FAKE_SCRIPT=json.dumps({**SCRIPT, "usage": "missing"}))
    assert done.code == 0, done.err
    assert done.document["summary"]["points"][0]["ok"] == 2
    assert arena.run("verify").code == 0


def test_an_engine_that_prints_without_end_is_measured_and_its_log_stays_small(arena: Arena) -> None:
    done = run(arena, "--json", mode="prints gigabytes")
    assert done.code == 0, done.err
    (path,) = arena.records
    assert sum(file.stat().st_size for file in path.iterdir()) < 20_000_000
    assert arena.journals == []


def test_a_failure_is_mended_by_its_own_advice_and_every_attempt_is_a_record(arena: Arena) -> None:
    """Two failures that vLLM really wrote, one after the other."""
    fails = acts(
        failing("vllm-0.24.0/unknown-flag", has=["--swap-space"]),
        failing("vllm-0.24.0/kv-cache-too-small", lacks=["--max-model-len=10144"]),
    )
    flags = ("--flag", "--swap-space=4", "--flag", "--max-model-len=32768")
    done = run(arena, *flags, "--retry-fixes", "--json", **fails)
    assert done.code == 0, done.err
    first, second, third = records(arena)
    assert [one["outcome"].get("cause") for one in (first, second, third)] == [
        "unknown-flag",
        "kv-cache-too-small",
        None,
    ]
    assert [one["retry_of"] for one in (first, second, third)] == [None, first["id"], second["id"]]
    assert "--swap-space=4" not in third["engine"]["command"]
    assert third["trial"]["settings"]["context_tokens"] == 10144
    told = " ".join(third["engine"]["choices"].values())
    assert "--swap-space=4 left out, which was asked for" in told
    assert "context_tokens 10144 instead of 32768, which was asked for" in told
    assert "Attempt 1 failed" in done.err
    assert "Attempt 2 failed" in done.err
    assert done.document["id"] == third["id"]
    assert arena.run("verify").code == 0
    assert f"retry of {first['id']}" in arena.run("list").out


def test_without_being_asked_nothing_is_tried_again(arena: Arena) -> None:
    done = run(arena, **acts(failing("vllm-0.24.0/kv-cache-too-small")))
    assert done.code == 1
    assert len(arena.records) == 1
    assert "arena run --retry-fixes" in done.out


def test_what_does_not_help_is_not_tried_twice(arena: Arena) -> None:
    done = run(arena, "--retry-fixes", "--retries", "9", **acts(failing("vllm-0.24.0/kv-cache-type")))
    assert done.code == 1
    causes = [one["outcome"]["cause"] for one in records(arena)]
    assert causes == ["kv-cache-type-unsupported"] * 2
    assert "nothing is known that the arena could change" in done.err


def test_ctrl_c_ends_the_attempts(arena: Arena) -> None:
    folder, model = write_environment(arena), write_model(arena)
    env = acts(failing("vllm-0.24.0/unknown-flag", has=["--swap-space"]))
    words = ("run", str(model), "--engine", "vllm", "--program", str(folder), "--weights", "dummy", "--retry-fixes")
    running = arena.start(*words, "--flag", "--swap-space=4", "--concurrency", "1", "--duration", "300s", env=env)
    until(lambda: len(arena.records) == 1 and bool(arena.events()), "a second attempt")
    arena.wait_for(running, "tick")
    running.signal_group(2)
    assert running.end().code == 130
    kinds = [one["outcome"]["kind"] for one in records(arena)]
    assert kinds == ["failed", "interrupted"]


def test_a_server_of_others_is_not_mended(arena: Arena) -> None:
    done = arena.run("run", "--url", "http://127.0.0.1:1/v1", "--retry-fixes")
    assert done.code == 2
    done.says("--retry-fixes goes with an engine that is started here")


def test_a_number_of_attempts_without_the_wish_for_them_is_a_usage_error(arena: Arena) -> None:
    done = arena.run("run", "--retries", "2")
    assert done.code == 2
    assert "--retries goes with --retry-fixes" in done.err
