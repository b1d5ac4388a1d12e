"""`transformers serve` itself, with continuous batching and without: one flag, and what it does."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from survival import Arena, Done

from inference_arena.engines import ENGINES
from inference_arena.plan import Settings

LOAD = ("--concurrency", "4", "--requests", "8", "--input-tokens", "48", "--output-tokens", "16")
LIMIT_S = 300.0


def run(arena: Arena, model: Path, env: Path, *args: str) -> Done:
    options = ("--engine", "transformers", "--program", str(env), *LOAD, *args)
    return arena.run("run", str(model), *options, timeout_s=LIMIT_S)


def made(arena: Arena, done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    found = [json.loads((path / "record.json").read_bytes()) for path in arena.records]
    return max(found, key=lambda record: record["started_at"])


def test_one_flag_makes_two_records_that_can_be_compared(arena: Arena, model: Path, transformers_env: Path) -> None:
    batched = made(arena, run(arena, model, transformers_env))
    alone = made(arena, run(arena, model, transformers_env, "--flag", "--no-continuous-batching"))

    for record, on in ((batched, True), (alone, False)):
        assert record["outcome"]["kind"] == "finished"
        assert record["engine"]["version"] == "5.23.0"
        assert record["trial"]["settings"]["continuous_batching"] is on
        facts = record["startup"]["facts"]
        assert (facts["continuous_batching"], facts["dtype"]) == (on, "bfloat16")
        # it counts tokens, and answers have the length that was asked for
        point = record["summary"]["points"][0]
        assert point["ok"] >= 8
        assert {doubt["code"] for doubt in record["summary"]["doubts"]} & {"short-output", "usage-missing"} == set()
    assert batched["engine"]["choices"]["batching"].startswith("continuous")

    compared = arena.run("compare", batched["id"], alone["id"])
    said = " ".join(compared.out.split())
    assert re.search(r"Compared: settings \(.*continuous batching on against .*continuous batching off\)", said)
    # one launch of each: numbers, and no claim
    assert "output tokens/s" in said
    assert "No difference can be claimed" in said
    assert compared.code == 1


def test_a_flag_that_it_does_not_know_is_named(arena: Arena, model: Path, transformers_env: Path) -> None:
    done = run(arena, model, transformers_env, "--flag", "--swap-space=8")

    assert done.code == 1
    done.is_clean()
    assert arena.record()["outcome"]["cause"] == "unknown-flag"


def test_random_weights_are_refused_before_anything_starts(arena: Arena, model: Path, transformers_env: Path) -> None:
    done = run(arena, model, transformers_env, "--weights", "dummy")

    assert done.code == 2
    done.is_clean()
    assert arena.records == []


def test_every_flag_that_is_written_for_it_is_in_the_programs_own_help(transformers_env: Path) -> None:
    program = (str(transformers_env / "bin" / "python"), "-m", "transformers.cli.transformers")
    engine, argvs = ENGINES["transformers"], []
    for on in (True, False):
        settings = Settings(
            continuous_batching=on, graphs=on, kv_cache_tokens=64, prefill_tokens=1, memory_share=0.5, dtype="auto",
            quantization="bnb-4bit",
        )  # fmt: skip
        made = engine.command(
            program=program, model="m", alias="a", settings=settings, host="::1", port=1, release="5.23.0"
        )
        argvs.append(made.argv[3:])
    said = subprocess.run([*program, "serve", "--help"], check=True, capture_output=True, text=True, timeout=LIMIT_S)
    names = set(re.findall(r"(?<![\w-])(--[a-zA-Z][\w-]*)", said.stdout))

    assert {word for argv in argvs for word in argv if word.startswith("--")} - names == set()
