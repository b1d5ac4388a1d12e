"""llama.cpp: the command for settings, and what is read out of logs that it really wrote.

ARENA_GOLDEN=write makes what is expected of each log anew.
"""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.engines import ENGINES, llamacpp
from inference_arena.plan import Settings

GOLDEN = Path(__file__).parents[1] / "golden" / "llamacpp-b11549"
LOGS = sorted(GOLDEN.glob("*.log"))
CAUSES = {
    "architecture-unknown": "architecture-unknown",
    "bad-flag": "bad-flag",
    "model-missing": "model-not-loaded",
    "model-truncated": "model-broken",
    "not-gguf": "model-broken",
    "out-of-memory": "out-of-memory",
    "port-taken": "port-taken",
    "unknown-flag": "unknown-flag",
}


def argv(**settings) -> tuple[str, ...]:
    return llamacpp.command(
        program=("llama-server",),
        model="/m.gguf",
        alias="m",
        settings=Settings(**settings),
        host="127.0.0.1",
        port=7,
        release=None,
    ).argv


def chosen(**settings) -> tuple[str, ...]:
    """What settings add to the bare command."""
    bare = argv()
    assert argv(**settings)[: len(bare)] == bare
    return argv(**settings)[len(bare) :]


def test_the_bare_command_names_model_address_and_metrics_and_leaves_the_rest_to_the_engine():
    assert argv() == (
        "llama-server", "--model", "/m.gguf", "--alias", "m", "--host", "127.0.0.1", "--port", "7", "--metrics",
    )  # fmt: skip


def test_a_program_of_several_words_begins_the_command():
    command = llamacpp.command(
        program=("python", "-m", "x"), model="m", alias="m", settings=Settings(), host="::1", port=1, release=None
    )

    assert command.argv[:3] == ("python", "-m", "x")
    assert command.env == {}


def test_the_context_of_a_request_is_multiplied_by_the_slots():
    assert chosen(context_tokens=2048) == ("--ctx-size", "2048")
    assert chosen(context_tokens=2048, parallel=4) == ("--ctx-size", "8192", "--parallel", "4")


@pytest.mark.parametrize("flags", [("-np", "8"), ("--parallel=8",), ("--parallel", "2", "-np=8")])
def test_slots_given_by_flag_multiply_the_context_in_the_settings_place(flags):
    assert chosen(context_tokens=1024, parallel=4, flags=flags) == ("--ctx-size", "8192", *flags)


def test_slots_that_the_engine_is_to_choose_multiply_nothing_that_is_not_known():
    assert chosen(context_tokens=1024, flags=("-np", "-1")) == ("--ctx-size", "1024", "-np", "-1")
    assert chosen(context_tokens=1024, flags=("-np",)) == ("--ctx-size", "1024", "-np")


def test_every_setting_has_its_flag():
    assert chosen(threads=3, kv_cache_type="q8_0", gpu_layers=99) == (
        "--threads", "3", "--cache-type-k", "q8_0", "--cache-type-v", "q8_0", "--n-gpu-layers", "99",
    )  # fmt: skip
    assert chosen(gpu_layers=0) == ("--n-gpu-layers", "0")


@pytest.mark.parametrize(
    ("settings", "flags", "left"),
    [
        ({"context_tokens": 512}, ("-c", "4096"), ()),
        ({"context_tokens": 512}, ("--ctx-size=4096",), ()),
        ({"threads": 2}, ("-t", "1"), ()),
        ({"gpu_layers": 9}, ("-ngl", "1"), ()),
        ({"gpu_layers": 9}, ("--gpu-layers", "1"), ()),
        ({"parallel": 9}, ("--parallel", "1"), ()),
        ({"kv_cache_type": "f16"}, ("-ctk", "q8_0"), ("--cache-type-v", "f16")),
        ({"threads": 2}, ("--threads-batch", "1"), ("--threads", "2")),
    ],
)
def test_a_flag_passed_through_wins_over_the_setting(settings, flags, left):
    assert chosen(**settings, flags=flags) == (*left, *flags)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["-np", "--parallel", "-np=", "-c", "=", "-np=x"]), max_size=5))
def test_flags_go_last_and_unchanged_whatever_they_are(flags):
    made = argv(context_tokens=128, parallel=2, threads=1, flags=tuple(flags))

    assert made[len(made) - len(flags) :] == tuple(flags)


# real logs


def read(log: Path) -> dict:
    lines = log.read_text("utf-8").splitlines()
    diagnosis = llamacpp.diagnose(lines, exit_code=1)
    return {"startup": dict(llamacpp.startup(lines)), "diagnosis": diagnosis.model_dump(mode="json")}


def test_there_are_logs_to_read():
    assert {log.stem for log in LOGS} == {"started", *CAUSES}
    assert all(log.with_suffix(".json").exists() or os.environ.get("ARENA_GOLDEN") == "write" for log in LOGS)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_what_is_read_out_of_a_real_log_is_as_kept(log):
    made = json.dumps(read(log), indent=2) + "\n"
    kept = log.with_suffix(".json")
    if os.environ.get("ARENA_GOLDEN") == "write":
        kept.write_text(made, "utf-8")

    assert kept.read_text("utf-8") == made, "run: just golden"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_kept_log_names_no_folder_of_the_machine_that_wrote_it(log):
    text = log.read_text("utf-8")

    assert not [folder for folder in ("/tmp", "/home", "/root", "/work", "/Users") if folder in text]


def test_a_start_tells_slots_context_and_threads():
    """It was started with a context of 1024 for two slots, and one thread."""
    facts = read(GOLDEN / "started.log")["startup"]

    assert facts == {
        "build": "b0-unknown", "threads": 1, "slots": 2, "context_tokens_per_slot": 512, "kv_unified": "false",
    }  # fmt: skip


def test_a_log_that_says_nothing_tells_nothing():
    assert llamacpp.startup([]) == {}
    assert llamacpp.startup(["", "n_slots = many"]) == {}


@pytest.mark.parametrize(("name", "cause"), CAUSES.items())
def test_the_cause_is_found_in_the_log_of(name, cause):
    lines = (GOLDEN / f"{name}.log").read_text("utf-8").splitlines()

    it = llamacpp.diagnose(lines, exit_code=1)

    assert it.cause == cause
    assert it.why in [line.strip() for line in lines]
    assert it.advice
    assert len(it.evidence) == min(3, len(lines))


def test_a_healthy_log_is_no_known_cause():
    lines = (GOLDEN / "started.log").read_text("utf-8").splitlines()

    assert llamacpp.diagnose(lines, exit_code=1).cause == "engine-died"
    assert llamacpp.diagnose(lines, exit_code=None).cause == "unknown"


# ends without a word


@pytest.mark.parametrize(
    ("code", "cause"),
    [(-4, "illegal-instruction"), (-9, "killed"), (-11, "crashed"), (-6, "crashed"), (-15, "engine-died")],
)
def test_a_signal_is_a_cause(code, cause):
    it = llamacpp.diagnose(["loading"], exit_code=code)

    assert it.cause == cause
    assert str(abs(code)) in it.why


def test_what_the_log_says_goes_before_the_signal():
    assert llamacpp.diagnose(["ggml: out of memory"], exit_code=-6).cause == "out-of-memory"


def test_an_engine_that_ends_for_no_known_reason_is_quoted():
    it = llamacpp.diagnose(["", "one", "two  ", "   "], exit_code=3)

    assert it.why == "it ended with exit code 3: two"
    assert it.evidence == ("one", "two")
    assert llamacpp.diagnose([], exit_code=0).why == "it ended with exit code 0"
    assert llamacpp.diagnose([], exit_code=None).why == "it said nothing"


@given(st.lists(st.text(max_size=60), max_size=5), st.none() | st.integers(-64, 255))
def test_no_log_makes_the_diagnosis_raise(log, code):
    assert llamacpp.diagnose(log, exit_code=code).what
    llamacpp.startup(log)


def test_an_engine_goes_by_the_name_under_which_it_is_listed():
    assert [engine.NAME for engine in ENGINES.values()] == list(ENGINES)
