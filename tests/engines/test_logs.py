"""vLLM and SGLang: what is read out of logs that they really wrote, and out of lines that others reported.

ARENA_GOLDEN=write makes what is expected of each log anew.
"""

import json
import math
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.engines import (
    ENGINES,
    READERS,
    STAGES,
    explain,
    llamacpp,
    sglang_causes,
    transformers,
    transformers_causes,
    vllm,
    vllm_causes,
)
from inference_arena.engines.causes import LONGEST_LINE, error_lines, excerpt, stages
from inference_arena.telemetry.counters import parse_counters
from inference_arena.units import GIB

GOLDEN = Path(__file__).parents[1] / "golden"
FOLDERS = {
    "vllm-0.24.0": "vllm",
    "vllm-0.32.0": "vllm",
    "sglang-0.5.14": "sglang",
    "transformers-5.23.0": "transformers",
    "reported": None,
}
LOGS = sorted(log for folder in FOLDERS for log in (GOLDEN / folder).glob("*.log"))
VLLM = GOLDEN / "vllm-0.24.0"
STARTS = sorted(VLLM.glob("start-*.log"))
ALIVE = ("start-", "never-ready")  # nobody knows how these ended
DIGIT = GIB / 100  # what vLLM prints
# (folder, log) -> cause, stage, and words that must be told
CAUSES = {
    ("vllm-0.24.0", "memory-share-above-free"): ("memory-share-above-free", "device", "75.22 70.15 79.18 0.88"),
    ("vllm-0.24.0", "kv-cache-too-small"): ("kv-cache-too-small", "memory", "32768 4.0 1.24 10144"),
    ("vllm-0.24.0", "no-kv-cache-memory"): ("no-kv-cache-memory", "memory", "2.97 0.27"),
    ("vllm-0.24.0", "out-of-memory-loading"): ("out-of-memory", "weights", "768.00 322.62 79.18 3812 39.17"),
    ("vllm-0.24.0", "killed"): ("killed", "memory", "killed"),
    ("vllm-0.24.0", "unknown-flag"): ("unknown-flag", "arguments", "--swap-space"),
    ("vllm-0.24.0", "model-missing"): ("model-missing", "config", "/models/nope"),
    ("vllm-0.24.0", "model-offline"): ("model-offline", "config", "HF_HUB_OFFLINE"),
    ("vllm-0.24.0", "architecture-unknown"): ("architecture-unknown", "config", "MadeUpForCausalLM"),
    ("vllm-0.24.0", "model-type-unknown"): ("architecture-unknown", "config", "made_up"),
    ("vllm-0.24.0", "tokenizer-missing"): ("tokenizer-missing", "config", "--tokenizer"),
    ("vllm-0.24.0", "port-taken"): ("port-taken", "config", "--port"),
    ("vllm-0.24.0", "quantization-unknown"): ("quantization-unknown", "config", "made_up"),
    ("vllm-0.24.0", "quantization-bits"): ("quantization-unsupported", "config", "bits=3"),
    ("vllm-0.24.0", "quantization-flag"): ("quantization-mismatch", "config", "awq"),
    ("vllm-0.24.0", "kv-cache-type"): ("kv-cache-type-unsupported", "warm-up", "nvfp4 sm100f"),
    ("vllm-0.24.0", "context-above-model"): ("context-above-model", "config", "99999 4096"),
    ("sglang-0.5.14", "port-too-high"): ("port-too-high", None, "65917 55535"),
    ("vllm-0.32.0", "worker-killed"): ("killed", "serving", "VllmWorker-0"),
    ("vllm-0.32.0", "unknown-flag"): ("unknown-flag", "arguments", "--swap-space"),
    ("vllm-0.32.0", "bad-flag"): ("bad-flag", "arguments", "--dtype float7"),
    ("vllm-0.32.0", "model-missing"): ("model-missing", "config", "/models/nope"),
    ("vllm-0.32.0", "tokenizer-missing"): ("tokenizer-missing", "config", "--tokenizer"),
    ("vllm-0.32.0", "architecture-unknown"): ("architecture-unknown", "config", "MadeUpForCausalLM"),
    ("vllm-0.32.0", "context-above-model"): ("context-above-model", "config", "99999 8192"),
    ("vllm-0.32.0", "port-taken"): ("port-taken", "config", "--port"),
    ("vllm-0.32.0", "memory-share-above-free"): ("memory-share-above-free", "device", "0.98 23.54"),
    ("vllm-0.32.0", "kv-cache-too-small"): ("kv-cache-too-small", "memory", "8192"),
    ("transformers-5.23.0", "unknown-flag"): ("unknown-flag", "arguments", "--swap-space"),
    ("transformers-5.23.0", "bad-flag"): ("bad-flag", "arguments", "--cb-num-blocks 'many'"),
    ("transformers-5.23.0", "bad-dtype"): ("bad-flag", "arguments", "float7"),
    ("transformers-5.23.0", "model-missing"): ("model-missing", "config", "/models/nope"),
    ("transformers-5.23.0", "model-offline"): ("model-offline", "config", "HF_HUB_OFFLINE"),
    ("transformers-5.23.0", "tokenizer-missing"): ("tokenizer-missing", "config", "tokenizer.json"),
    ("transformers-5.23.0", "weights-missing"): ("weights-missing", "config", "model.safetensors"),
    ("transformers-5.23.0", "architecture-unknown"): ("architecture-unknown", "config", "MadeUpForCausalLM"),
    ("transformers-5.23.0", "model-type-unknown"): ("architecture-unknown", "config", "made_up"),
    ("transformers-5.23.0", "port-taken"): ("port-taken", "serving", "18611"),
    ("transformers-5.23.0", "cache-too-small"): ("kv-cache-too-small", "serving", "--cb-num-blocks"),
    ("sglang-0.5.14", "never-ready"): ("never-ready", "warm-up", "warming up"),
    ("sglang-0.5.14", "unknown-flag"): ("unknown-flag", "arguments", "--gpu-memory-utilization"),
    ("reported", "driver-too-old-image"): ("driver-too-old", None, "12.8"),
    ("reported", "driver-too-old-torch"): ("driver-too-old", None, "12.2"),
    ("reported", "no-kernel-image"): ("no-kernel-image", None, "generation"),
    ("reported", "library-too-old"): ("library-too-old", None, "GLIBC_2.32"),
    ("reported", "model-gated"): ("model-gated", None, "mistralai/Mistral-7B-Instruct-v0.2 HF_TOKEN"),
    ("reported", "package-missing"): ("package-missing", None, "bitsandbytes>=0.42.0"),
    ("reported", "communication-failed"): ("communication-failed", None, "unhandled system error"),
    ("reported", "dtype-unsupported"): ("dtype-unsupported", None, "Tesla T4 7.5 8.0 half"),
    ("reported", "kv-cache-too-small-old"): ("kv-cache-too-small", None, "32768 2048"),
    ("reported", "out-of-memory-graphs-vllm"): ("out-of-memory", "warm-up", "136.00 --enforce-eager"),
    ("reported", "out-of-memory-graphs-sglang"): ("out-of-memory", "warm-up", "0.80"),
    ("reported", "out-of-memory-serving-vllm"): ("out-of-memory", "serving", "50.00 --gpu-memory-utilization"),
    ("reported", "out-of-memory-serving-sglang"): ("out-of-memory", "serving", "448.00 --mem-fraction-static 0.88"),
    ("reported", "quantization-capability"): ("quantization-unsupported", None, "awq 80 75"),
    ("reported", "quantization-scheme"): ("quantization-unsupported", None, "80 75"),
    ("reported", "dtype-for-quantization"): ("dtype-unsupported", None, "awq bfloat16 half"),
    ("reported", "static-share-too-low"): ("static-share-too-low", None, "--mem-fraction-static"),
    ("reported", "static-share-too-low-0.5.14"): ("static-share-too-low", "memory", "0.232 0.29"),
}


def lines_of(log: Path) -> list[str]:
    return log.read_text("utf-8").splitlines()


def diagnosed(log: Path):
    """As by a run for an engine's own log, as by `explain` for a piece of somebody's."""
    name = FOLDERS[log.parent.name]
    if name is None:
        return explain(lines_of(log), readers=READERS, engine=None).diagnosis
    return READERS[name].diagnose(lines_of(log), exit_code=None if log.stem.startswith(ALIVE) else 1)


def read(log: Path) -> dict:
    name = FOLDERS[log.parent.name]
    facts = {} if name is None else dict(READERS[name].startup(lines_of(log)))
    return {"startup": facts, "diagnosis": diagnosed(log).model_dump(mode="json")}


def facts(stem: str) -> dict:
    return dict(vllm.startup(lines_of(VLLM / f"{stem}.log")))


def _id(log: Path) -> str:
    return f"{log.parent.name}/{log.stem}"


# goldens


def test_there_are_logs_to_read():
    kept = {(log.parent.name, log.stem) for log in LOGS if not log.stem.startswith("start-")}
    assert kept == set(CAUSES)
    assert len(STARTS) > 5
    assert all(log.with_suffix(".json").exists() or os.environ.get("ARENA_GOLDEN") == "write" for log in LOGS)


@pytest.mark.parametrize("log", LOGS, ids=_id)
def test_what_is_read_out_of_a_log_is_as_kept(log):
    made = json.dumps(read(log), indent=2, ensure_ascii=False) + "\n"
    kept = log.with_suffix(".json")
    if os.environ.get("ARENA_GOLDEN") == "write":
        kept.write_text(made, "utf-8")

    assert kept.read_text("utf-8") == made, "run: just golden"


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_kept_names_no_folder_of_the_machine_that_wrote_it_and_is_small(folder):
    files = [path for path in (GOLDEN / folder).iterdir() if path.suffix != ".md"]
    texts = {path.name: path.read_text("utf-8") for path in files}
    private = ("/tmp/", "/home/", "/root/", "/Users/")

    assert [name for name, text in texts.items() if any(place in text for place in private)] == []
    assert [path.name for path in files if path.stat().st_size > 60_000 and path.name != "help.txt"] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_log_has_its_row_in_the_readme(folder):
    readme = (GOLDEN / folder / "README.md").read_text("utf-8")

    assert [log.stem for log in LOGS if log.parent.name == folder and f"| `{log.stem}` |" not in readme] == []


# facts


def test_a_start_with_graphs_tells_its_memory_sizes_kernels_and_settings():
    """Mistral 7B, --gpu-memory-utilization 0.3 --max-model-len 4096: its numbers read off by eye."""
    told = facts("start-mistral-7b-graphs")

    assert told == told | {
        "engine_version": "0.24.0", "model_runner": "V2", "architecture": "MistralForCausalLM", "dtype": "bfloat16",
        "context_tokens": 4096, "prefill_tokens": 8192, "parallel": 1024, "tensor_parallel": 1, "graphs": True,
        "prefix_caching": True, "memory_share": 0.3, "attention_backend": "FLASH_ATTN",
        "kv_cache_tokens": 74608, "requests_at_full_context": 18.21,
        "weights_bytes": round(13.5 * GIB), "activation_bytes": round(0.92 * GIB), "non_torch_bytes": round(0.22 * GIB),
        "kv_cache_bytes": round(9.11 * GIB), "graphs_bytes": round(0.98 * GIB), "card_bytes": round(79.18 * GIB),
    }  # fmt: skip
    assert "quantization" not in told
    assert "graphs_estimated_bytes" not in told, "the second runner estimates nothing"


def test_the_first_runner_is_told_from_the_second_and_estimates_its_graphs():
    told = facts("start-qwen2.5-32b-awq-graphs")

    assert (told["model_runner"], told["quantization"], told["parallel"]) == ("V1", "auto_awq", 16)
    assert told["graphs_estimated_bytes"] == round(0.11 * GIB)
    assert told["graphs_bytes"] == round(0.09 * GIB)


@pytest.mark.parametrize(("stem", "kernel"), [
    ("start-qwen2.5-32b-awq-eager", "MacheteLinearKernel"),
    ("start-qwen2.5-32b-awq-eager-marlin", "MarlinLinearKernel"),
    ("start-llama-2-13b-gptq-eager", "MacheteLinearKernel"),
])  # fmt: skip
def test_the_kernel_of_quantized_layers_is_told(stem, kernel):
    assert facts(stem)["linear_kernel"] == kernel


def test_the_backend_of_the_experts_is_told():
    assert facts("start-qwen3-coder-30b-graphs")["moe_kernel"] == "TRITON"


@pytest.mark.parametrize("log", STARTS, ids=_id)
def test_the_terms_of_a_start_add_up_to_what_was_asked_for(log):
    """Asked = weights + activations + the rest + pool (+ graphs where they are estimated), to the printed digits."""
    told = facts(log.stem)
    terms = ("weights_bytes", "activation_bytes", "non_torch_bytes", "kv_cache_bytes", "graphs_estimated_bytes")

    assert abs(sum(told.get(term, 0) for term in terms) - told["requested_bytes"]) <= 3.5 * DIGIT
    assert abs(told["card_bytes"] * told["memory_share"] - told["requested_bytes"]) <= 1.5 * DIGIT
    assert told["graphs"] == ("graphs" in log.stem)


def test_info_lines_alone_tell_the_weights_and_the_pool():
    """What a user sees who did not ask for DEBUG."""
    lines = [line for line in lines_of(VLLM / "start-mistral-7b-graphs.log") if "DEBUG" not in line]
    told = vllm.startup(lines)

    assert {"weights_bytes", "kv_cache_bytes", "kv_cache_tokens", "graphs_bytes", "memory_share"} <= set(told)
    assert "activation_bytes" not in told


def test_sglang_tells_its_pool_and_settings():
    told = READERS["sglang"].startup(lines_of(GOLDEN / "sglang-0.5.14" / "never-ready.log"))

    assert told == told | {
        "static_share": 0.25, "context_tokens": 4096, "prefill_tokens": 2048, "parallel": 2048, "graphs": False,
        "kv_cache_tokens": 5569, "kv_cache_bytes": round(1.36 * GIB), "weights_bytes": round(18.21 * GIB),
        "free_bytes": round(78.5 * GIB), "attention_backend": "triton", "linear_kernel": "awq_marlin",
    }  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_log_that_says_nothing_tells_nothing(name):
    assert READERS[name].startup([]) == {}
    assert READERS[name].startup(["", "weights took a while"]) == {}
    assert not READERS[name].started([])


# causes


@pytest.mark.parametrize(("log", "expected"), CAUSES.items(), ids=lambda it: "/".join(it) if len(it) == 2 else "")
def test_the_cause_is_found_with_its_stage_its_line_and_its_numbers(log, expected):
    path = GOLDEN / log[0] / f"{log[1]}.log"
    cause, stage, words = expected

    it = diagnosed(path)

    assert (it.cause, it.stage) == (cause, stage)
    assert it.reproduced == (log[0] != "reported")
    told = f"{it.what} {it.advice}"
    assert [word for word in words.split() if word not in told] == []
    assert "{" not in told
    assert it.evidence[0] == it.why or it.cause == "never-ready"
    assert excerpt(lines_of(path)[it.line - 1])[:60].strip("…") in it.why or len(it.why) > LONGEST_LINE
    assert all(part in it.advice for part in it.flags)


@pytest.mark.parametrize("log", STARTS, ids=_id)
def test_a_healthy_start_has_no_known_cause_though_it_was_stopped(log):
    lines = lines_of(log)

    assert vllm.started(lines)
    assert vllm.diagnose(lines, exit_code=None).cause == "unknown"


def test_the_advised_share_was_free_and_would_have_been_accepted():
    """The engine refuses where free < share of the card."""
    it = diagnosed(VLLM / "memory-share-above-free.log")

    assert it.flags == ("--gpu-memory-utilization", "0.88")
    assert float(it.flags[1]) * 79.18 < 70.15 < (float(it.flags[1]) + 0.01) * 79.18


def test_the_advised_share_holds_the_whole_context():
    """4.0 GiB are needed; the pool grows by what the budget grows."""
    it = diagnosed(VLLM / "kv-cache-too-small.log")
    share = float(it.advice.split("--gpu-memory-utilization ")[1])

    assert 1.24 + (share - 0.2) * 79.18 >= 4.0
    assert 1.24 + (share - 0.01 - 0.2) * 79.18 < 4.0 + 0.05


def test_the_advised_share_gives_a_pool_to_the_model_that_had_none():
    """The same settings started with 0.295 (start-qwen2.5-32b-awq-eager): weights and the rest take 18.81 GiB."""
    it = diagnosed(VLLM / "no-kv-cache-memory.log")
    share = float(it.flags[1])

    assert share < 0.295
    assert share * 79.18 - 18.81 > 2.0


def test_without_debug_lines_no_share_is_made_up():
    lines = [line for line in lines_of(VLLM / "no-kv-cache-memory.log") if "DEBUG" not in line]
    it = vllm.diagnose(lines, exit_code=1)

    assert it.cause == "no-kv-cache-memory"
    assert it.flags == ()
    assert it.advice.startswith("--gpu-memory-utilization above 0.2;")


def test_a_share_that_the_card_does_not_have_is_not_advised():
    lines = [
        line.replace("free_memory=78.66", "free_memory=17.00") for line in lines_of(VLLM / "kv-cache-too-small.log")
    ]
    it = vllm.diagnose(lines, exit_code=1)

    assert it.advice == "--max-model-len 10144"


def test_sglang_is_advised_a_share_above_what_its_weights_take():
    lines = [
        "[x] Load weight begin. avail mem=20.00 GB",
        "[x] Load weight end. elapsed=1 s, type=A, avail mem=5.00 GB, mem usage=15.00 GB.",
        "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.",
    ]
    it = READERS["sglang"].diagnose(lines, exit_code=1)

    assert it.flags == ("--mem-fraction-static", "0.80")


def test_sglang_is_advised_no_share_where_its_weights_take_the_card():
    it = READERS["sglang"].diagnose(
        [
            "[x] Load weight begin. avail mem=20.00 GB",
            "[x] Load weight end. elapsed=1 s, type=A, avail mem=0.50 GB, mem usage=19.50 GB.",
            "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.",
        ],
        exit_code=1,
    )

    assert it.flags == ()
    assert it.advice.startswith("--mem-fraction-static above what it is now")


@pytest.mark.parametrize(("milestone", "stage", "word"), [
    ("Starting to load model /m", "weights", "--tensor-parallel-size"),
    ("Model loading took 1.0 GiB and 1 seconds", "memory", "--max-num-batched-tokens"),
    ("GPU KV cache size: 1,000 tokens", "warm-up", "--enforce-eager"),
    ("Application startup complete.", "serving", "--gpu-memory-utilization"),
])  # fmt: skip
def test_what_to_do_about_a_full_card_depends_on_how_far_it_came(milestone, stage, word):
    card = "GPU 0 has a total capacity of 23.60 GiB of which 0.50 GiB is free."
    full = f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB. {card}"
    it = vllm.diagnose([milestone, full], exit_code=1)

    assert (it.cause, it.stage) == ("out-of-memory", stage)
    assert word in it.advice


def test_an_engine_that_died_while_it_served_is_not_called_started():
    lines = [
        "(APIServer pid=1) INFO:     Application startup complete.",
        "(EngineCore pid=2) ERROR 11-24 [core.py:1] RuntimeError: the moon is in the wrong phase",
        "(APIServer pid=1) ERROR 11-24 [async_llm.py:1] EngineDeadError: EngineCore encountered an issue.",
    ]
    it = vllm.diagnose(lines, exit_code=1)

    assert not vllm.started(lines)
    assert it.cause == "engine-died"
    assert "wrong phase" in it.why
    assert it.line == 2


@pytest.mark.parametrize("name", ["vllm", "sglang"])
@pytest.mark.parametrize(
    ("code", "cause"),
    [(-4, "illegal-instruction"), (-9, "killed"), (-11, "crashed"), (-15, "engine-died"), (3, "engine-died")],
)
def test_an_end_without_a_word_is_told_by_its_code(name, code, cause):
    it = READERS[name].diagnose(["loading"], exit_code=code)

    assert it.cause == cause
    assert str(abs(code)) in it.why


def test_rows_that_claim_to_be_reproduced_are_found_in_a_log_of_our_own():
    ours = "\n".join(log.read_text("utf-8") for log in LOGS if log.parent.name != "reported")
    rows = {*vllm_causes.CAUSES, *vllm_causes.SILENT, *sglang_causes.CAUSES, *transformers_causes.CAUSES}

    assert [row.words for row in rows if row.reproduced and not re.search(row.words, ours)] == []


def test_every_stage_that_a_row_or_a_log_names_has_its_words():
    rows = (*vllm_causes.CAUSES, *sglang_causes.CAUSES)
    named = {row.at for row in rows} | {row.stage for row in rows} | {diagnosed(log).stage for log in LOGS}

    assert named - {"", None} <= set(STAGES)


@given(
    st.lists(st.text(max_size=60), max_size=5),
    st.none() | st.integers(-64, 255),
    st.sampled_from(["vllm", "sglang", "transformers"]),
)
def test_no_log_makes_the_diagnosis_raise(log, code, name):
    it = READERS[name].diagnose(log, exit_code=code)

    assert it.what
    assert it.line is None or 1 <= it.line <= len(log)
    READERS[name].startup(log)


@given(st.lists(st.sampled_from(["a", "b", "c", "x"])))
def test_a_stage_never_goes_back(log):
    milestones = (("config", "a"), ("weights", "b"), ("serving", "c"))
    order = [None, *STAGES]
    reached = [order.index(stage) for stage in stages(milestones, log)]

    assert reached == sorted(reached)


@given(st.text(min_size=1), st.integers(0, 3000))
def test_what_is_quoted_of_a_long_line_is_short(piece, around):
    assert len(excerpt(piece * 1000, around=around)) <= LONGEST_LINE + 2


def test_warnings_and_what_names_no_reason_are_no_errors():
    log = [
        "WARNING 11-24 [system_utils.py:299] This can cause errors like `OSError: [Errno 24] Too many open files`",
        '  File "/site-packages/x.py", line 1, in raise ValueError(',
        "    raise ValueError(",
        "ValueError: one",
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.",
    ]

    assert error_lines(log) == (3,)


# counters


def test_every_counter_that_is_declared_is_in_the_page_of_that_release():
    page = (VLLM / "metrics.txt").read_text("utf-8")
    values = parse_counters(page, names=vllm.COUNTERS)

    assert set(vllm.COUNTERS) - set(values) == set(vllm.COUNTERS_OF_SPECULATION), "they need speculation to be there"
    assert values["prompt_tokens_total"] == 118
    assert values["prefix_cache_hits_total"] == 48
    assert values["output_tokens_total"] == 4 * 16
    assert math.isclose(values["kv_cache_used_share"], 0)


def test_every_counter_of_sglang_is_a_name_of_its_source():
    names = (GOLDEN / "sglang-0.5.14" / "metric-names.txt").read_text("utf-8").splitlines()

    assert set(READERS["sglang"].COUNTERS.values()) <= set(names)


def test_a_start_on_a_processor_tells_its_cache_and_what_it_computes_in():
    """--kv-cache-memory-bytes 268435456, SmolLM2: 11,648 tokens of 23,040 bytes are 256 MiB."""
    told = dict(vllm.startup(lines_of(GOLDEN / "vllm-0.32.0" / "start-eager.log")))

    assert told == told | {
        "engine_version": "0.32.0", "device": "cpu", "model_runner": "V1", "architecture": "LlamaForCausalLM",
        "dtype": "bfloat16", "context_tokens": 2048, "graphs": False, "prefix_caching": True,
        "kv_cache_bytes": GIB // 4, "kv_cache_tokens": 11_648, "load_s": 0.14, "requests_at_full_context": 5.69,
    }  # fmt: skip


@pytest.mark.parametrize("on", [True, False])
def test_transformers_tells_whether_requests_may_join_and_what_it_computes_in(on):
    log = lines_of(GOLDEN / "transformers-5.23.0" / f"start-{'' if on else 'no-'}continuous-batching.log")

    assert transformers.startup(log) == {
        "architecture": "LlamaForCausalLM", "dtype": "bfloat16", "continuous_batching": on,
    }  # fmt: skip
    assert transformers.started(log)


def test_counters_that_engines_share_have_one_name():
    common = {"requests_running", "requests_waiting", "prompt_tokens_total", "output_tokens_total"}

    assert all(common <= set(engine.COUNTERS) for engine in READERS.values() if engine.METRICS_PATH)


def test_an_engine_that_can_be_read_goes_by_the_name_under_which_it_is_listed():
    assert [engine.NAME for engine in READERS.values()] == list(READERS)
    assert ENGINES["llamacpp"] is READERS["llamacpp"] is llamacpp
