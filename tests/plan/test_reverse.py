"""The questions turned around: smallest card, most users, longest context, each checked against the plan itself."""

from inference_arena import facts
from inference_arena.plan import smallest_card, turned
from planned import an_ask, on, pair, planned

QWEN = "qwen2.5-32b-instruct-awq"


def cards(*names: str):
    return [facts.find_gpu(name) for name in names]


def test_the_smallest_card_is_the_one_of_least_memory_that_holds_all_of_it():
    found = smallest_card(
        an_ask(on("RTX 3090")),
        checkpoints=[pair(QWEN)],
        cards=cards("H100 SXM5", "RTX 3090", "RTX 3060 12GB", "RTX 4080"),
    )

    assert found is not None
    assert found[0].name == "geforce-rtx-3090"
    assert found[1].level in {"fits", "tight"}


def test_of_cards_of_one_size_the_slowest_will_do():
    found = smallest_card(an_ask(on("RTX 3090")), checkpoints=[pair(QWEN)], cards=cards("RTX 4090", "RTX 3090", "L4"))

    assert found is not None
    assert found[0].name == "l4"


def test_a_card_that_must_put_layers_elsewhere_does_not_count():
    found = smallest_card(
        an_ask(on("RTX 3090")),
        checkpoints=[pair("qwen3-32b-q4_k_m")],
        cards=cards("RTX 3060 12GB", "RTX 3090"),
    )

    assert found is not None
    assert found[0].name == "geforce-rtx-3090"


def test_no_single_card_holds_deepseek_v3():
    assert smallest_card(an_ask(on("L4")), checkpoints=[pair("deepseek-v3-fp8")], cards=facts.gpus().values()) is None


def test_only_the_named_engines_count():
    both = [pair("qwen3-4b-q8_0"), pair("qwen3-4b-bf16")]
    ask, few = an_ask(on("RTX 3090")), cards("RTX 4060", "RTX 3060 12GB")

    any_engine = smallest_card(ask, checkpoints=both, cards=few)
    vllm_alone = smallest_card(ask, checkpoints=both, cards=few, engine_names=["vllm"])

    assert any_engine is not None
    assert vllm_alone is not None
    assert (any_engine[1].engine, vllm_alone[1].engine) == ("llamacpp", "vllm")


def test_as_many_users_as_are_said_do_fit_and_one_more_does_not():
    fit = planned(QWEN, "vllm", on("RTX 3090"))
    most = turned(an_ask(on("RTX 3090")), fit, checkpoints=[pair(QWEN)], cards=()).most_users

    assert most == int(fit.budget.requests) >= 1
    assert planned(QWEN, "vllm", on("RTX 3090"), users=most, **chosen(fit)).level in {"fits", "tight"}
    assert planned(QWEN, "vllm", on("RTX 3090"), users=most + 1, **chosen(fit)).level == "tight"


def test_the_longest_context_that_is_said_does_fit_and_a_block_more_does_not():
    fit = planned(QWEN, "vllm", on("RTX 3090"))
    longest = turned(an_ask(on("RTX 3090")), fit, checkpoints=[pair(QWEN)], cards=()).longest_context_tokens

    assert planned(QWEN, "vllm", on("RTX 3090"), **chosen(fit, context_tokens=longest)).runs
    assert not planned(QWEN, "vllm", on("RTX 3090"), **chosen(fit, context_tokens=longest + 64)).runs


def chosen(fit, **others: object) -> dict[str, object]:
    """The plan's own settings, each pinned, so that nothing gives way."""
    pinned = {"memory_share": fit.budget.share, "prefill_tokens": fit.settings.prefill_tokens or 2048}
    return {**pinned, "context_tokens": fit.settings.context_tokens, "graphs": True, **others}


def test_what_does_not_run_holds_no_users():
    fit = planned("llama-3.3-70b-instruct-bf16", "vllm", on("RTX 3090"))

    assert turned(an_ask(on("RTX 3090")), fit, checkpoints=(), cards=()).most_users == 0
