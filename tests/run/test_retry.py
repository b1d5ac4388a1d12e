"""What is changed after a failure, and that it helps: engines that print what real ones printed until it is changed."""

import json
import sys
from pathlib import Path

import pytest

from builders import a_record
from inference_arena.facts import Device
from inference_arena.plan import Lengths, Prediction, Settings
from inference_arena.record import Failed, Finished, Interrupted
from inference_arena.run.failure import RunFailed
from inference_arena.run.job import Job, Limits, Program
from inference_arena.run.retry import FIXES, attempts, fixed
from inference_arena.run.server import launch
from inference_arena.run.waiting import wait_ready

GOLDEN = Path(__file__).parents[1] / "golden"
GIB = 2**30
# prints the log and ends until its command line has the words and not the others; then it is healthy
ENGINE = """
import http.server, json, sys
log, has, lacks = json.loads(sys.argv[1])
words = " ".join(sys.argv[2:]).replace("=", " ") + " "
if not all(f"{word} " in words for word in has) or any(f"{word} " in words for word in lacks):
    sys.stdout.write(open(log, encoding="utf-8").read())
    sys.exit(1)


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass


port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


@pytest.fixture
def job(sample_trial, sample_record):
    trial = sample_trial.model_copy(
        update={
            "engine": "vllm",
            "settings": Settings(),
            "lengths": Lengths(input_tokens=128, output_tokens=64, output_jitter=0.0),
        }
    )
    program = Program(name="vllm", argv=("vllm",), version="0.24.0", why="it is there")
    return Job(
        purpose="measurement",
        trial=trial,
        host=sample_record.host,
        model=sample_record.model,
        engine=sample_record.engine.model_copy(update={"effective": {}, "choices": {}, "user_flags": ()}),
        limits=Limits(ready_s=60.0, request_s=1.0),
        programs=(program,),
        model_path="some/model",
    )


def with_settings(job: Job, *, engine: str = "vllm", **settings) -> Job:
    trial = job.trial.model_copy(update={"engine": engine, "settings": Settings(**settings)})
    return job.model_copy(update={"trial": trial})


def failed(cause: str, **fields) -> Failed:
    return Failed(stage="ready", cause=cause, what="no", why="so", advice="this", **fields)


def settings_after(job: Job, failure: Failed) -> Settings | None:
    fix = fixed(job, failure)
    return None if fix is None else fix.job.trial.settings


# applied to engines


def program(tmp_path: Path, log: Path, *, has=(), lacks=(), version=None) -> Program:
    script = tmp_path / "engine.py"
    script.write_text(ENGINE)
    orders = json.dumps([str(log), has, lacks])
    return Program(name="fake", argv=(sys.executable, str(script), orders), version=version, why="it is a fake")


def started(tmp_path: Path):
    """Runs as a run does up to its first request, and keeps what a record keeps of it."""
    kept = []

    def run(job: Job):
        outcome = Finished()
        try:
            server = launch(job, job.programs[0], log_path=tmp_path / "engine.log", cpus=None)
            try:
                wait_ready(server, limit_s=job.limits.ready_s, on_log=lambda _: None)
            finally:
                server.stop(immediately=True)
        except RunFailed as error:
            outcome = error.failed
        kept.append(a_record(id=f"2026112{len(kept)}-000000-abcdef", outcome=outcome, retry_of=job.retry_of))
        return kept[-1], tmp_path

    return run, kept


APPLIED = [
    ("vllm-0.24.0/memory-share-above-free", {"memory_share": 0.95}, ["--gpu-memory-utilization 0.88"]),
    ("vllm-0.24.0/kv-cache-too-small", {"context_tokens": 32768}, ["--max-model-len 10144"]),
    ("vllm-0.24.0/no-kv-cache-memory", {"memory_share": 0.2}, ["--gpu-memory-utilization 0.27"]),
    ("vllm-0.24.0/context-above-model", {"context_tokens": 99999}, ["--max-model-len 4096"]),
    ("vllm-0.24.0/kv-cache-type", {"kv_cache_type": "nvfp4"}, ["--kv-cache-dtype auto"]),
    ("reported/dtype-unsupported", {"dtype": "bfloat16"}, ["--dtype half"]),
    ("reported/kv-cache-too-small-old", {"context_tokens": 32768}, ["--max-model-len 2048"]),
    ("reported/out-of-memory-graphs-vllm", {}, ["--enforce-eager"]),
    ("reported/static-share-too-low-0.5.14", {"static_share": 0.232}, ["--mem-fraction-static 0.29"]),
    ("reported/out-of-memory-graphs-sglang", {"static_share": 0.85}, ["--mem-fraction-static 0.80"]),
    ("reported/out-of-memory-serving-vllm", {"memory_share": 0.95}, ["--gpu-memory-utilization 0.9"]),
    ("reported/out-of-memory-serving-sglang", {"static_share": 0.93}, ["--mem-fraction-static 0.88"]),
    ("reported/dtype-for-quantization", {}, ["--dtype half"]),
    ("reported/static-share-too-low", {"static_share": 0.5}, ["--mem-fraction-static 0.6"]),
]


@pytest.mark.parametrize(("log", "settings", "has"), APPLIED, ids=[log for log, _, _ in APPLIED])
def test_the_advice_for_a_real_log_is_applied_and_the_engine_starts(job, tmp_path, log, settings, has):
    engine = "sglang" if "static" in log or "sglang" in log else "vllm"
    asked = with_settings(job, engine=engine, **settings)
    has = [word.replace("0.80", "0.8") for word in has]
    asked = asked.model_copy(update={"programs": (program(tmp_path, GOLDEN / f"{log}.log", has=has),)})
    run, kept = started(tmp_path)

    record, _ = attempts(asked, retries=1, run=run, tell=lambda _: None, ended=lambda: False)

    assert record.outcome == Finished()
    assert [one.retry_of for one in kept] == [None, kept[0].id]


DROPPED = [
    ("vllm-0.24.0/unknown-flag", "vllm", "--swap-space"),
    ("vllm-0.24.0/quantization-flag", "vllm", "--quantization"),
    ("sglang-0.5.14/unknown-flag", "sglang", "--gpu-memory-utilization"),
    ("llamacpp-b11549/unknown-flag", "llamacpp", "--frobnicate"),
    ("llamacpp-b11549/bad-flag", "llamacpp", "--cache-reuse"),
]


@pytest.mark.parametrize(("log", "engine", "flag"), DROPPED, ids=[log for log, _, _ in DROPPED])
def test_a_flag_that_the_engine_refuses_is_left_out_and_the_engine_starts(job, tmp_path, log, engine, flag):
    asked = with_settings(job, engine=engine, flags=(flag, "4"))
    there = program(tmp_path, GOLDEN / f"{log}.log", lacks=[flag])
    run, kept = started(tmp_path)

    attempts(
        asked.model_copy(update={"programs": (there,)}), retries=1, run=run, tell=lambda _: None, ended=lambda: False
    )

    assert [one.outcome.kind for one in kept] == ["failed", "finished"]


@pytest.mark.parametrize("log", ["vllm-0.24.0/port-taken", "llamacpp-b11549/port-taken"])
def test_a_port_that_is_taken_gives_way_to_a_free_one(job, tmp_path, log):
    engine = "llamacpp" if "llama" in log else "vllm"
    there = program(tmp_path, GOLDEN / f"{log}.log", lacks=["--port 18231"])
    asked = with_settings(job, engine=engine).model_copy(update={"programs": (there,), "port": 18231})
    run, kept = started(tmp_path)
    said: list[str] = []

    attempts(asked, retries=3, run=run, tell=said.append, ended=lambda: False)

    assert [one.outcome.kind for one in kept] == ["failed", "finished"]
    assert "a free port instead of 18231, which was asked for" in said[0]


@pytest.mark.parametrize(
    "log", ["architecture-unknown", "model-type-unknown", "quantization-unknown", "quantization-bits"]
)
def test_where_the_release_is_at_fault_the_next_that_is_here_gets_its_turn(job, tmp_path, log):
    old = program(tmp_path, GOLDEN / "vllm-0.24.0" / f"{log}.log", has=["never"], version="0.11.0")
    new = program(tmp_path, GOLDEN / "vllm-0.24.0" / f"{log}.log", version="0.24.0")
    run, kept = started(tmp_path)
    said: list[str] = []

    attempts(job.model_copy(update={"programs": (old, new)}), retries=3, run=run, tell=said.append, ended=lambda: False)

    assert [one.outcome.kind for one in kept] == ["failed", "finished"]
    assert "fake 0.24.0 instead of fake 0.11.0" in said[0]


@pytest.mark.parametrize("log", [
    "vllm-0.24.0/model-missing", "vllm-0.24.0/model-offline", "vllm-0.24.0/tokenizer-missing", "vllm-0.24.0/killed",
    "vllm-0.24.0/out-of-memory-loading", "reported/model-gated", "reported/driver-too-old-torch",
    "llamacpp-b11549/not-gguf",
])  # fmt: skip
def test_what_a_person_must_do_is_left_to_them_and_told(job, tmp_path, log):
    engine = "llamacpp" if "llama" in log else "vllm"
    there = program(tmp_path, GOLDEN / f"{log}.log", has=["never"])
    run, kept = started(tmp_path)
    said: list[str] = []

    attempts(with_settings(job, engine=engine).model_copy(update={"programs": (there,)}), retries=3, run=run,
             tell=said.append, ended=lambda: False)  # fmt: skip

    assert len(kept) == 1
    assert kept[0].outcome.advice
    assert said == [
        f"Given up after 1 attempt: nothing is known that the arena could change about {kept[0].outcome.cause}."
    ]


# the loop


def outcomes(*those):
    """Runs that end so, one after the other."""
    left = list(those)

    def run(job: Job):
        return a_record(id=f"20261124-00000{len(left)}-abcdef", outcome=left.pop(0), retry_of=job.retry_of), Path()

    return run


DROP = [failed("unknown-flag", drops=(f"--{name}",)) for name in "abcdef"]
FLAGS = tuple(f"--{name}" for name in "abcdef")


def test_the_attempts_are_as_many_as_asked_for(job):
    said: list[str] = []
    record, _ = attempts(with_settings(job, flags=FLAGS), retries=2, run=outcomes(*DROP), tell=said.append,
                         ended=lambda: False)  # fmt: skip

    assert record.outcome == DROP[2]
    assert said[-1] == "Given up after 3 attempts; --retries allows more."


def test_somebody_who_ends_a_run_ends_the_attempts(job):
    said: list[str] = []
    attempts(with_settings(job, flags=FLAGS), retries=2, run=outcomes(*DROP), tell=said.append, ended=lambda: True)
    assert said == []

    record, _ = attempts(with_settings(job, flags=FLAGS), retries=2, tell=said.append, ended=lambda: False,
                         run=outcomes(DROP[0], Interrupted(stage="ready", by="ctrl-c"), DROP[1]))  # fmt: skip
    assert record.outcome.kind == "interrupted"
    assert len(said) == 1


def test_a_run_that_works_is_not_spoken_about(job):
    said: list[str] = []
    record, _ = attempts(job, retries=3, run=outcomes(Finished()), tell=said.append, ended=lambda: False)
    assert record.outcome == Finished()
    assert said == []


# one fix


def test_a_fix_is_not_proposed_twice(job):
    asked = with_settings(job, memory_share=0.9)
    failure = failed("memory-share-above-free", flags=("--gpu-memory-utilization", "0.88"))
    first = fixed(asked, failure)
    assert first.job.trial.settings.memory_share == 0.88
    second = fixed(first.job, failure, tried=[asked, first.job])
    assert second.job.trial.settings.memory_share == 0.83, "the same advice again: a little less then"


def test_a_context_that_would_not_hold_the_load_is_not_tried(job):
    asked = with_settings(job, context_tokens=4096)
    assert fixed(asked, failed("kv-cache-too-small", flags=("--max-model-len", "200"))) is None
    assert fixed(asked, failed("kv-cache-too-small", flags=("--max-model-len", "400"))) is not None


def test_instead_of_a_context_that_is_too_small_for_the_load_more_of_a_free_card_is_taken(job):
    card = Device(index=0, vendor="nvidia", memory_bytes=80 * GIB, free_bytes=30 * GIB)
    host = job.host.model_copy(update={"devices": (card,)})
    asked = with_settings(job, context_tokens=4096, memory_share=0.3).model_copy(update={"host": host})
    failure = failed("kv-cache-too-small", flags=("--max-model-len", "200"))
    assert settings_after(asked, failure).memory_share == 0.35, "30 of 80 GiB are free, less a little"

    full = host.model_copy(update={"devices": (card.model_copy(update={"free_bytes": 24 * GIB}),)})
    assert fixed(asked.model_copy(update={"host": full}), failure) is None


def test_an_advised_flag_replaces_what_said_the_same_however_it_was_said(job):
    asked = with_settings(job, flags=("--max-model-len=32768", "--max-model-len", "30000", "--seed", "3"))
    after = settings_after(asked, failed("kv-cache-too-small", flags=("--max-model-len", "10144")))
    assert after.context_tokens == 10144
    assert after.flags == ("--seed", "3")


def test_a_flag_that_is_no_setting_replaces_its_like(job):
    asked = with_settings(job, engine="sglang", flags=("--cuda-graph-max-bs=160", "--seed", "3"))
    after = settings_after(asked, failed("out-of-memory", flags=("--cuda-graph-max-bs", "16")))
    assert after.flags == ("--seed", "3", "--cuda-graph-max-bs", "16")


def test_an_advice_that_is_no_value_is_no_fix(job):
    assert fixed(with_settings(job, memory_share=0.9), failed("x", flags=("--gpu-memory-utilization", "7"))) is None


def test_llama_cpp_is_given_less_context_as_long_as_the_load_has_room_then_fewer_slots(job):
    asked = with_settings(job, engine="llamacpp", context_tokens=8192, parallel=4)
    seen = []
    while (fix := fixed(asked, failed("out-of-memory"))) is not None:
        asked = fix.job
        seen.append((asked.trial.settings.context_tokens, asked.trial.settings.parallel))
    assert seen == [(2048, 4), (512, 4), (512, 2), (512, 1)]


def test_llama_cpp_whose_context_is_a_flag_loses_the_flag(job):
    asked = with_settings(job, engine="llamacpp", context_tokens=512, parallel=2, flags=("-c", "16384"))
    after = settings_after(asked, failed("out-of-memory"))
    assert (after.context_tokens, after.flags) == (2048, ())


@pytest.mark.parametrize(("stage", "share"), [("weights", None), ("warm-up", 0.85), ("serving", 0.85)])
def test_a_full_card_is_given_room_beside_the_share_only_where_the_share_is_not_what_is_too_small(job, stage, share):
    after = settings_after(with_settings(job, memory_share=0.9), failed("out-of-memory", engine_stage=stage))
    assert (None if after is None else after.memory_share) == share


def test_a_prediction_of_other_settings_is_not_kept(job):
    kept = Prediction.model_construct(engine="vllm")
    asked = with_settings(job, context_tokens=8192, flags=("--x",)).model_copy(update={"prediction": kept})
    assert fixed(asked, failed("unknown-flag", drops=("--x",))).job.prediction is kept
    less = fixed(asked, failed("kv-cache-too-small", flags=("--max-model-len", "4096")))
    assert less.job.prediction is None


def test_the_record_of_an_attempt_says_what_is_other_than_asked_and_why(job):
    engine = job.engine.model_copy(
        update={"choices": {"context_tokens": "asked for", "program": "x"}, "effective": {"context_tokens": 32768}}
    )
    asked = with_settings(job, context_tokens=32768).model_copy(update={"engine": engine})
    fix = fixed(asked, failed("kv-cache-too-small", flags=("--max-model-len", "10144")))
    assert fix.said == ("context_tokens 10144 instead of 32768, which was asked for",)
    assert fix.job.engine.effective == {"context_tokens": 10144}
    assert fix.job.engine.choices == {
        "context_tokens": "changed after kv-cache-too-small",
        "program": "x",
        "retry 1": "context_tokens 10144 instead of 32768, which was asked for (after kv-cache-too-small: no)",
    }
    again = fixed(fix.job, failed("out-of-memory", flags=("--enforce-eager",)))
    assert {"retry 1", "retry 2"} <= set(again.job.engine.choices)


def test_what_is_said_of_a_dropped_flag_holds_no_secret(job):
    fix = fixed(with_settings(job, flags=("--api-key", "sk-abc")), failed("unknown-flag", drops=("--api-key",)))
    assert "sk-abc" not in " ".join(fix.said)
    assert "--api-key" in fix.said[0]


def test_code_of_a_models_own_is_never_run_unasked(job):
    assert fixed(job, failed("remote-code")) is None
    assert "remote-code" not in FIXES
