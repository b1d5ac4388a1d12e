"""`arena fit`, as a person types it: what it answers, what it refuses, and that it never touches the network."""

import json
import os
import struct
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_arena.cli.verbs import invoke
from planned import on

TERMS = ["weights", "kv_cache", "activations", "graphs", "context", "reserve", "free"]
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 32_768,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
PINS = (
    *("--engine", "vllm==0.24.0", "--flag", "gpu-memory-utilization=0.60"),
    *("--flag", "max-num-batched-tokens=2048", "--flag", "max-num-seqs=16"),
    *("--flag", "max-model-len=4096", "--flag", "enforce-eager"),
)


@pytest.fixture
def folder(tmp_path):
    """Writes a config.json, and gives its folder."""

    def write(config: object = CONFIG):
        place = tmp_path / "model"
        place.mkdir(exist_ok=True)
        text = config if isinstance(config, str) else json.dumps(config)
        (place / "config.json").write_text(text)
        return place

    return write


# answers


def test_a_card_is_answered_with_a_table_of_what_runs(offline_arena):
    done = offline_arena("fit", "--gpu", "RTX 3090")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("GeForce RTX 3090: 23.69 GiB for programs\n")
    assert "longest context" in done.out
    assert "arena plan " in done.out


def test_this_machine_is_answered_too_whatever_it_is(offline_arena):
    done = offline_arena("fit")

    assert done.code in {0, 1}
    assert done.err == ""
    assert "for programs" in done.out


def test_two_cards_hold_what_one_does_not(offline_arena):
    one = offline_arena("fit", "qwen2.5-32b-instruct-bf16", "--gpu", "A100 SXM4 40GB", "--json")
    four = offline_arena("fit", "qwen2.5-32b-instruct-bf16", "--gpu", "4x A100 SXM4 40GB", "--json")

    assert (one.code, four.code) == (1, 0)
    assert four.document["answers"][0]["target"]["count"] == 4
    assert {plan["cards"] for plan in four.document["answers"][0]["plans"]} == {4}


def test_what_no_engine_reads_on_a_machine_without_a_card_is_told_with_the_file_to_take_instead(
    offline_arena, monkeypatch
):
    machine = on("RTX 3090").model_copy(update={"vendor": None, "gpu": None, "title": "a processor", "unified": True})
    monkeypatch.setattr("inference_arena.cli.planning.targets_of_host", lambda *_: (machine,))

    for verb in ("plan", "fit"):
        done = offline_arena(verb, "qwen2.5-32b-instruct-awq")

        assert done.code == 1
        assert "a GGUF file of the same model, such as qwen2.5-32b-instruct-q4_k_m" in " ".join(done.out.split())


def test_a_driver_decides_the_release(offline_arena):
    done = offline_arena("fit", "qwen2.5-32b-instruct-awq", "--gpu", "RTX 3090", "--driver", "550.54.15", "--json")
    releases = {plan["engine"]: plan["release"] for plan in done.document["answers"][0]["plans"]}

    assert releases["vllm"] == "0.8.5"


def test_a_release_that_the_driver_refuses_names_the_ways_out(offline_arena):
    done = offline_arena(
        *("fit", "qwen2.5-32b-instruct-awq", "--gpu", "RTX 3090", "--driver", "550.54.15"),
        *("--engine", "vllm==0.33.0"),
    )

    assert done.code == 1
    assert "the card itself is not in the way" in done.out
    assert "vLLM 0.8.5" in done.out


@pytest.mark.parametrize("purpose", ["chat", "code", "rag", "summarise", "reasoning", "batch"])
def test_each_purpose_has_an_answer_with_known_scores_before_unknown_ones(offline_arena, purpose):
    plans = offline_arena("fit", "--gpu", "RTX 3090", "--for", purpose, "--json").document["answers"][0]["plans"]
    quick = [
        plan
        for plan in plans
        if plan["level"] in {"fits", "tight"} and not plan["offloaded"] and plan["meets_slo"] is not False
    ]
    known = [plan["score"] is not None for plan in quick]

    assert known == sorted(known, reverse=True)
    assert [plan["runs"] for plan in plans] == sorted((plan["runs"] for plan in plans), reverse=True)


def test_a_shared_memory_is_as_large_as_is_said(offline_arena):
    large = offline_arena("fit", "--gpu", "apple-m4-max-40-core-gpu", "--json").document["answers"][0]["target"]
    small = offline_arena("fit", "--gpu", "apple-m4-max-40-core-gpu", "--ram", "36GB", "--json").document
    target = small["answers"][0]["target"]

    assert target["sold_bytes"] == 36 * 2**30
    assert target["memory_bytes"] < 0.7 * 36 * 2**30 < large["memory_bytes"] < 0.7 * 128 * 2**30


def test_all_shows_more(offline_arena):
    few, many = offline_arena("fit", "--gpu", "L4"), offline_arena("fit", "--gpu", "L4", "--all")

    assert "more run here: arena fit --gpu L4 --all" in few.out
    assert len(many.out.splitlines()) > len(few.out.splitlines())


# the document


@pytest.fixture
def plan(offline_arena, folder):
    done = offline_arena("fit", folder(), "--gpu", "H100 SXM5", *PINS, "--json")
    assert (done.code, done.err) == (0, "")
    (answer,) = done.document["answers"]
    (one,) = answer["plans"]
    return one


def test_a_folder_that_holds_only_a_config_is_planned_with_every_flag_honoured(plan):
    assert (plan["engine"], plan["release"]) == ("vllm", "0.24.0")
    assert {name: value for name, value in plan["settings"].items() if value not in (None, [])} == {
        "memory_share": 0.6,
        "prefill_tokens": 2048,
        "parallel": 16,
        "context_tokens": 4096,
        "graphs": False,
    }
    assert plan["gave_way"] == []


def test_the_budget_has_one_entry_a_term_in_bytes_with_its_formula(plan):
    budget = plan["budget"]

    assert all(isinstance(budget[name], int) for name in TERMS)
    assert sum(budget[name] for name in TERMS) == budget["memory_bytes"]
    assert list(budget["formulas"]) == list(budget["explained"]) == TERMS
    assert all(budget["formulas"].values())


def test_the_pinned_flags_decide_the_numbers(plan):
    budget = plan["budget"]

    assert budget["share"] == 0.6
    assert budget["share_bytes"] == -(-budget["memory_bytes"] * 6 // 10)
    assert budget["graphs"] == 0
    # 36 layers, 2 heads of 128 keys and values in 16 bits
    assert budget["sequence_bytes"] == 4096 * 36 * 2 * 2 * 128 * 2
    assert budget["kv_cache_tokens"] == pytest.approx(budget["kv_cache"] / (36 * 2 * 2 * 128 * 2), abs=4096)


def test_weights_come_from_the_numbers_of_the_config(plan):
    embedding, layer = 151_936 * 2048, 2048 * (2048 + 2 * 256) + 2048 * 2048 + 3 * 2048 * 11008

    assert plan["budget"]["weights"] == pytest.approx(2 * (embedding + 36 * layer), rel=0.02)


def test_what_could_not_be_known_of_a_folder_is_said(offline_arena, folder):
    assert offline_arena("fit", folder(), "--gpu", "L4", "--json").document["notes"]


def test_a_document_says_what_was_asked(offline_arena):
    answer = offline_arena("fit", "--gpu", "L4", "--users", 3, "--context", 5000, "--json").document["answers"][0]

    assert (answer["users"], answer["context_tokens"]) == (3, 5000)
    assert answer["target"]["gpu"] == "l4"
    assert answer["slo"]["name"] == "chat"


# refusals


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["qwen3-9b"], 1, "did you mean: "),
        (["no-such-model-at-all-xyz"], 1, "a .gguf file"),
        (["--gpu", "RTX 9999"], 1, "geforce-rtx-4090"),
        (["--gpu", "RTX 3060"], 1, "geforce-rtx-3060-12gb, geforce-rtx-3060-8gb"),
        (["--gpu", ""], 1, "no card"),
        (["--gpu", "0x L4"], 2, "cannot be meant"),
        (["--gpu", "99999x L4"], 2, "cannot be meant"),
        (["--users", "-3"], 2, "--users"),
        (["--users", "many"], 2, "--users"),
        (["--context", "0"], 2, "--context"),
        (["--ram", "64GB"], 2, "--ram goes with --gpu"),
        (["--gpu", "L4", "--ram", "-5"], 2, "not an amount of memory"),
        (["--gpu", "L4", "--driver", "banana"], 2, "no version"),
        (["--gpu", "L4", "--engine", "tgi"], 2, "llamacpp, sglang, vllm"),
        (["--gpu", "L4", "--engine", "vllm=="], 2, "names no release"),
        (["--gpu", "L4", "--engine", "vllm== "], 2, "names no release"),
        (["--gpu", "L4", "--engine", "vllm==banana"], 2, "no version"),
        (["--gpu", "L4", "--engine", "vllm==99.1"], 1, "vLLM 99.1 is not among the releases that were read"),
        (["--gpu", "L4", "--engine", "sglang==9.9"], 1, "the newest is 0.5.23"),
        (["--gpu", "L4", "--engine", "vllm==0.0.1"], 1, "0.1.3, the first that was read"),
        (["--gpu", "L4", "--engine", "vllm", "--engine", "vllm==0.8.5"], 2, "named twice"),
        (["--gpu", "L4", "--workload", "banana"], 1, "rag-long-prompt"),
        (["--gpu", "L4", "--for", "banana"], 2, "--for chat"),
        (["--gpu", "L4", "--slo", "banana"], 1, "interactive"),
        (["--gpu", "L4", "--flag", "max-num-seqs=4"], 2, "needs one --engine"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", ""], 2, "names no flag"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "gpu-memory-utilization=7"], 2, "between 0 and 1"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "gpu-memory-utilization=nan"], 2, "between 0 and 1"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "max-model-len=0"], 2, "whole number of 1 or more"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "max-num-seqs=-4"], 2, "whole number"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "enforce-eager=perhaps"], 2, "takes no value"),
        (["--gpu", "L4", "--engine", "vllm", "--flag", "kv-cache-dtype=banana"], 2, "KV cache type"),
        (["nobody/nothing-at-all", "--gpu", "L4", "--offline"], 1, "is not asked"),
        (["./nothing.gguf", "--gpu", "L4"], 1, "nothing.gguf"),
        (["--banana"], 2, "--banana"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(offline_arena, words, code, said):
    done = offline_arena("fit", *words)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert "bug" not in done.err


def test_with_json_an_error_is_the_document(offline_arena):
    done = offline_arena("fit", "qwen3-9b", "--json")

    assert done.code == 1
    assert done.document["error"]["what"] == "no model is called 'qwen3-9b'"


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("swap-space=8", "has no --swap-space"),
        ("mem-fraction-static=0.8", "has no --mem-fraction-static"),
        ("tensor-parallel-size=2", "there is 1"),
        ("max-model-len=999999999", "ends at"),
    ],
)
def test_a_flag_that_cannot_work_here_is_a_no_with_its_reason(offline_arena, flag, said):
    done = offline_arena("fit", "qwen3-4b-bf16", "--gpu", "L4", "--engine", "vllm", "--flag", flag)

    assert (done.code, done.err) == (1, "")
    assert said in done.out


def test_the_swap_space_was_a_flag_once(offline_arena):
    words = ("--gpu", "L4", "--engine", "vllm==0.8.5", "--flag", "swap-space=8")

    assert offline_arena("fit", "qwen3-4b-bf16", *words).code == 0


# files of others


def test_a_folder_without_a_config_is_refused(offline_arena, tmp_path):
    done = offline_arena("fit", tmp_path, "--gpu", "L4")

    assert done.code == 1
    assert "no config.json" in done.err


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GGUF",
        b"GGUF\x03\x00\x00\x00",
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 2**62),
        b"not a model",
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_a_truncated_or_hostile_gguf_is_one_error(offline_arena, tmp_path, head):
    path = tmp_path / "model.gguf"
    path.write_bytes(head)

    done = offline_arena("fit", path, "--gpu", "L4")

    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) <= 3
    assert "model.gguf" in done.err


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        "[" * 100_000,
        json.dumps({**CONFIG, "hidden_size": 10**400}),
        '{"hidden_size": 1e999}',
        json.dumps({**CONFIG, "num_hidden_layers": -1}),
        json.dumps({**CONFIG, "num_hidden_layers": 10**12}),
        json.dumps({**CONFIG, "num_attention_heads": 0}),
        json.dumps({**CONFIG, "num_key_value_heads": "two"}),
        json.dumps({**CONFIG, "vocab_size": [1]}),
        json.dumps({**CONFIG, "max_position_embeddings": -5}),
        json.dumps({**CONFIG, "architectures": [7]}),
        json.dumps({**CONFIG, "architectures": "\u001b[2J"}),
        json.dumps({**CONFIG, "quantization_config": 7}),
        json.dumps({**CONFIG, "quantization_config": {"quant_method": "\u001b[31m", "bits": -4}}),
        json.dumps({**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 10**9, "group_size": 0}}),
        json.dumps({**CONFIG, "torch_dtype": {"a": 1}}),
        json.dumps({**CONFIG, "layer_types": ["full_attention"] * 3}),
        json.dumps({**CONFIG, "sliding_window": -4096, "use_sliding_window": True}),
    ],
)
def test_a_hostile_config_is_one_error_or_an_answer_and_never_acts_on_the_terminal(offline_arena, folder, config):
    done = offline_arena("fit", folder(config), "--gpu", "L4")

    assert done.code in {0, 1}
    assert (done.out == "") != (done.err == "")
    assert all(line.isprintable() for line in (done.out + done.err).splitlines())
    assert "Traceback" not in done.err


@pytest.mark.parametrize("number", [10**400, -1, 0, 10**15, 1.5, "12", None, [], {}, True])
@pytest.mark.parametrize("field", [name for name, value in CONFIG.items() if isinstance(value, int)])
def test_no_single_wrong_number_is_a_bug_or_a_made_up_answer(offline_arena, folder, field, number):
    done = offline_arena("fit", folder({**CONFIG, field: number}), "--gpu", "L4", "--json")

    assert done.code in {0, 1}
    assert "Traceback" not in done.err
    if done.code == 0 and "error" not in done.document:
        for plan in done.document["answers"][0]["plans"]:
            assert plan["budget"]["weights"] > 0
            assert plan["budget"]["kv_cache"] > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from([*CONFIG, "quantization_config", "layer_types", "head_dim"]), JSON))
def test_no_config_whatever_is_a_bug(home, no_network, capsys, folder, changes):
    code = invoke(["fit", str(folder({**CONFIG, **changes})), "--gpu", "L4"])

    said = capsys.readouterr()
    assert code in {0, 1}, said.err


# from outside


def arena(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inference_arena", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_program_itself_answers_with_its_exit_code(home):
    yes = arena("fit", "qwen3-4b-bf16", "--gpu", "L4")
    no = arena("fit", "llama-3.3-70b-instruct-bf16", "--gpu", "L4", "--engine", "vllm")
    wrong = arena("fit", "--users", "0")

    assert [done.returncode for done in (yes, no, wrong)] == [0, 1, 2]
    assert all("Traceback" not in done.stdout + done.stderr for done in (yes, no, wrong))


def test_a_hub_that_does_not_answer_is_one_error_that_names_it(home):
    done = arena("fit", "nobody/nothing-at-all", "--gpu", "L4", HF_ENDPOINT="http://127.0.0.1:9")

    assert done.returncode == 1
    assert "nobody/nothing-at-all" in done.stderr
    assert "Traceback" not in done.stderr
