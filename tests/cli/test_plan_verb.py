"""`arena plan`, as a person types it: memory, verdict, commands that can be pasted, and the questions turned around."""

import json
import shlex

import pytest

from inference_arena import facts

QWEN = "qwen2.5-32b-instruct-awq"


def test_a_plan_shows_the_bar_the_verdict_and_commands(offline_arena):
    done = offline_arena("plan", QWEN, "--gpu", "RTX 3090", "--engine", "vllm")

    assert (done.code, done.err) == (0, "")
    for heading in ("Memory", "Speed, predicted and not measured", "To paste", "Turned around"):
        assert f"\n{heading}" in done.out
    assert "vllm serve Qwen/Qwen2.5-32B-Instruct-AWQ" in done.out
    assert "docker run" in done.out


def test_explaining_adds_a_sentence_for_each_term(offline_arena):
    plain = offline_arena("plan", QWEN, "--gpu", "RTX 3090", "--engine", "vllm")
    explained = offline_arena("plan", QWEN, "--gpu", "RTX 3090", "--engine", "vllm", "--explain")

    assert "Each term in one sentence" not in plain.out
    assert "Each term in one sentence" in explained.out


def test_what_does_not_run_has_no_command_and_exit_code_1(offline_arena):
    done = offline_arena("plan", "llama-3.3-70b-instruct-bf16", "--gpu", "RTX 3090")

    assert (done.code, done.err) == (1, "")
    assert "To paste" not in done.out
    assert "What would change that" in done.out


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize("version", ["0.6.0", "0.8.5", "0.24.0", "0.33.0"])
def test_every_flag_in_a_pasted_command_exists_in_that_release(offline_arena, engine, version):
    if engine == "sglang":
        version = {"0.6.0": "0.4.4.post3", "0.8.5": "0.4.10", "0.24.0": "0.5.14", "0.33.0": "0.5.23"}[version]
    words = ("--gpu", "RTX 3090", "--users", 4, "--engine", f"{engine}=={version}", "--json")
    (plan,) = offline_arena("plan", "qwen2.5-7b-instruct-awq", *words).document["answers"][0]["plans"]

    assert plan["commands"]
    for command in plan["commands"].values():
        parts = shlex.split(command)
        start = parts.index("serve") if engine == "vllm" else parts.index("sglang.launch_server")
        names = [part for part in parts[start:] if part.startswith("--")]
        assert names
        assert all(facts.has_flag(engine, version, name) for name in names if name not in {"--host", "--port"})


def test_the_budget_of_the_document_adds_up(offline_arena):
    for plan in offline_arena("plan", "qwen3-8b", "--gpu", "RTX 4090", "--json").document["answers"][0]["plans"]:
        budget = plan["budget"]
        assert sum(budget[name] for name in budget["formulas"]) == budget["memory_bytes"]


def test_turned_around_it_names_users_context_and_the_smallest_card(offline_arena):
    turned = offline_arena("plan", QWEN, "--gpu", "RTX 3090", "--json").document["answers"][0]["turned"]

    assert turned["most_users"] >= 1
    assert turned["longest_context_tokens"] > 4096
    assert turned["smallest_card"] in facts.gpus()


@pytest.mark.parametrize(
    ("gpu", "contained"), [("L4", True), ("RX 7900 XTX", False), ("apple-m4-pro", False), ("Arc B580", False)]
)
def test_a_container_of_nvidias_toolkit_is_offered_on_nvidias_cards_alone(offline_arena, gpu, contained):
    done = offline_arena("plan", "qwen3-4b-q4_k_m", "--gpu", gpu)

    assert done.code == 0
    assert ("--gpus all" in done.out) == contained
    assert "llama-server" in done.out


def test_qwen3_omni_on_an_engine_release_before_it_is_told_what_will_not_help(offline_arena):
    done = offline_arena(
        "plan", "qwen3-omni-30b-a3b-instruct-bf16", "--gpu", "A100 SXM4 80GB", "--engine", "vllm==0.6.0"
    )

    assert done.code == 1
    assert "vLLM 0.11.1 or newer" in done.out
    assert "no help" in done.out


def test_a_model_without_a_name_is_a_usage_error(offline_arena):
    done = offline_arena("plan")

    assert done.code == 2
    assert "MODEL" in done.err


@pytest.mark.parametrize("words", [["qwen3-9b"], ["qwen3-4b", "--gpu", "RTX 9999"], ["./none.gguf", "--gpu", "L4"]])
def test_what_is_not_there_is_one_error(offline_arena, words):
    done = offline_arena("plan", *words)

    assert (done.code, done.out) == (1, "")
    assert "try" in done.err


def test_a_shorter_context_than_the_model_has_needs_no_other_card_and_a_longer_one_is_refused(offline_arena):
    fits = offline_arena("plan", "gemma-2-2b-it", "--gpu", "L4", "--context", 8192)
    refused = offline_arena("plan", "gemma-2-2b-it", "--gpu", "L4", "--context", 8193, "--json")

    assert fits.code == 0
    assert refused.code == 1
    assert all("ends at 8,192 tokens" in plan["deciding"] for plan in refused.document["answers"][0]["plans"])
    assert json.dumps(refused.document)


def test_a_gguf_file_is_fetched_before_either_command_and_a_folder_for_the_container_alone(offline_arena):
    def downloads(name, engine):
        words = ("plan", name, "--gpu", "RTX 3090", "--engine", engine, "--json")
        (plan,) = offline_arena(*words).document["answers"][0]["plans"]
        assert set(plan["downloads"]) <= set(plan["commands"])
        return list(plan["downloads"].values())

    pattern = "hf download ggml-org/Qwen3-8B-GGUF --include '*[Qq]4_[Kk]_[Mm]*.gguf' --local-dir"
    assert downloads("qwen3-8b-q4_k_m", "llamacpp") == [f"{pattern} .", f"{pattern} ~/models"]
    assert downloads("qwen3-8b-awq", "vllm") == [
        "hf download Qwen/Qwen3-8B-AWQ --local-dir ~/models/Qwen3-8B-AWQ"
    ]  # fmt: skip


def test_a_file_whose_name_is_known_is_fetched_and_started_by_that_name(offline_arena):
    shown = offline_arena("plan", "smollm2-135m-instruct-q4_1", "--gpu", "RTX 3090").out
    hub = facts.checkpoint("smollm2-135m-instruct-q4_1").known_file.hub

    assert f"hf download {hub.repository} {hub.file} --revision {hub.revision} --local-dir ." in shown
    assert f"--model {hub.file} " in shown


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_a_name_that_a_terminal_would_obey_is_shown_in_the_error(offline_arena, verb):
    done = offline_arena(verb, "\x1b[31mred.gguf")

    assert done.code == 1
    assert "\x1b" not in done.err
    assert r"\x1b[31mred.gguf" in done.err
