"""vLLM itself, its build for processors: launch, readiness, facts, counters, help, shutdown, and how it fails."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from survival import Arena, Done

from inference_arena.engines import ENGINES, vllm
from inference_arena.plan import Settings

RELEASE = "0.32.0"
SHORT = ("--requests", "3", "--input-tokens", "48", "--output-tokens", "8", "--flag", "--enforce-eager")
LIMIT_S = 400.0  # a start takes half a minute on two idle cores


def run(arena: Arena, model: Path, env: Path, *args: str, load: str = "1") -> Done:
    options = ("--engine", "vllm", "--program", str(env), "--concurrency", load, *SHORT, *args)
    return arena.run("run", str(model), *options, timeout_s=LIMIT_S)


def failed(arena: Arena, done: Done) -> dict[str, Any]:
    assert done.code == 1, done.err
    done.is_clean()
    outcome: dict[str, Any] = arena.record()["outcome"]
    assert outcome["kind"] == "failed"
    return outcome


def samples(arena: Arena, kind: str) -> list[dict[str, Any]]:
    (folder,) = arena.records
    lines = gzip.decompress((folder / "samples.jsonl.gz").read_bytes()).decode().splitlines()
    return [sample for sample in map(json.loads, lines) if sample["kind"] == kind]


def copied(model: Path, folder: Path, *, without: str) -> Path:
    """The model's folder, less some of its files."""
    made = folder / "some-model"
    shutil.copytree(model, made, ignore=shutil.ignore_patterns(without))
    return made


@pytest.fixture(scope="module")
def measured(shared: Arena, model: Path, vllm_env: Path) -> Arena:
    """One good run; its processes are gone."""
    done = run(shared, model, vllm_env, "--requests", "8", "--output-tokens", "32", load="1,4")
    assert done.code == 0, done.err
    shared.must_have_left_nothing()
    return shared


def test_a_run_ends_in_a_record_with_the_engines_facts(measured: Arena) -> None:
    record = measured.record()

    assert record["outcome"]["kind"] == "finished"
    assert (record["engine"]["name"], record["engine"]["version"]) == ("vllm", RELEASE)
    facts = record["startup"]["facts"]
    assert facts == facts | {
        "engine_version": "0.32.0", "device": "cpu", "architecture": "LlamaForCausalLM", "dtype": "bfloat16",
        "graphs": False, "prefix_caching": True,
    }  # fmt: skip
    asked = record["trial"]["settings"]
    assert facts["kv_cache_bytes"] == pytest.approx(asked["kv_cache_bytes"], rel=0.05)
    assert facts["kv_cache_tokens"] >= asked["context_tokens"] == facts["context_tokens"]
    assert [point["load"]["concurrency"] for point in record["points"]] == [1, 4]
    assert record["engine"]["dropped_parameters"] == []


def test_its_counters_are_read_while_it_works(measured: Arena) -> None:
    seen = [sample["values"] for sample in samples(measured, "counters")]
    known = set(ENGINES["vllm"].COUNTERS) - set(vllm.COUNTERS_OF_SPECULATION)

    assert len(seen) > 1
    assert known - set(seen[-1]) == set()
    assert seen[-1]["output_tokens_total"] > seen[0]["output_tokens_total"]
    assert max(values["requests_running"] for values in seen) >= 1
    assert max(values["kv_cache_used_share"] for values in seen) > 0


def test_prompts_of_a_run_are_looked_for_in_its_prefix_cache_and_not_found(measured: Arena) -> None:
    """Hits would make prompts cheaper than those of users are; no two prompts of a run begin alike."""
    last = samples(measured, "counters")[-1]["values"]

    assert last["prefix_cache_queries_total"] > 0
    assert last["prefix_cache_hits_total"] <= 0.1 * last["prefix_cache_queries_total"]


def test_a_flag_that_it_does_not_know_is_named(arena: Arena, model: Path, vllm_env: Path) -> None:
    outcome = failed(arena, run(arena, model, vllm_env, "--flag", "--swap-space=8"))

    assert outcome["cause"] == "unknown-flag"
    assert "--swap-space" in outcome["what"]


def test_a_folder_without_tokenizer_is_told(arena: Arena, model: Path, vllm_env: Path) -> None:
    folder = copied(model, arena.folder, without="tokenizer*")

    assert failed(arena, run(arena, folder, vllm_env))["cause"] == "tokenizer-missing"


def test_a_model_that_is_nowhere_is_refused_before_anything_starts(arena: Arena, vllm_env: Path) -> None:
    done = run(arena, arena.folder / "nowhere", vllm_env)

    assert done.code in {1, 2}
    done.is_clean()
    assert "nowhere" in done.err
    assert arena.records == []


def test_a_port_that_is_taken_is_told(arena: Arena, model: Path, vllm_env: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = failed(arena, run(arena, model, vllm_env, "--port", str(port)))

    assert outcome["cause"] == "port-taken"


def test_an_engine_whose_worker_is_killed_in_the_middle_is_told_as_killed(
    arena: Arena, model: Path, vllm_env: Path
) -> None:
    options = ("--engine", "vllm", "--program", str(vllm_env), "--concurrency", "2", "--duration", "300s")
    running = arena.start("run", str(model), *options, *SHORT[2:])
    arena.wait_for(running, "tick", timeout_s=LIMIT_S)
    worker = next(pid for pid, line in arena.processes().items() if "VLLM::Worker" in line)
    os.kill(worker, signal.SIGKILL)
    done = running.end(timeout_s=LIMIT_S)

    outcome = failed(arena, done)
    assert (outcome["stage"], outcome["cause"]) == ("load", "killed")


def test_random_weights_are_run_without_a_file_of_weights_and_marked_as_such(
    arena: Arena, model: Path, vllm_env: Path
) -> None:
    folder = copied(model, arena.folder, without="*.safetensors")
    done = run(arena, folder, vllm_env, "--weights", "dummy")
    assert done.code == 0, done.err
    record = arena.record()

    assert record["model"]["weights"] == "dummy"
    assert "--load-format" in record["engine"]["command"]
    doubts = {doubt["code"]: doubt for doubt in record["summary"]["doubts"]}
    assert "cannot tell" in doubts["dummy-weights"]["advice"]


def test_every_flag_that_is_written_for_it_is_in_the_programs_own_help(vllm_env: Path) -> None:
    engine = ENGINES["vllm"]
    settings = Settings(
        context_tokens=1, parallel=1, prefill_tokens=1, memory_share=0.5, kv_cache_bytes=1, graphs=False, dtype="auto",
        quantization="awq", tensor_parallel=1, prefix_caching=True, kv_cache_type="auto",
    )  # fmt: skip
    program = (str(vllm_env / "bin" / "python"), "-m", "vllm.entrypoints.cli.main")
    made = [
        engine.command(
            program=program, model="m", alias="a", settings=each, host="::1", port=1, release=RELEASE, dummy=True
        ).argv
        for each in (settings, settings.model_copy(update={"graphs": True, "prefix_caching": False}))
    ]
    said = subprocess.run(
        [*program, "serve", "--help=all"], check=True, capture_output=True, text=True, timeout=LIMIT_S
    )
    names = set(re.findall(r"(?<![\w-])(--[a-zA-Z][\w-]*)", said.stdout))

    assert len(names) > 300
    assert {word for argv in made for word in argv[3:] if word.startswith("--")} - names == set()
