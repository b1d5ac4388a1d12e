"""What a person is told of a checkpoint on a card: the questions that an article could not answer, and what holds for
all cards.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena import facts, units
from inference_arena.engines import DIALECTS
from inference_arena.errors import NotFoundError
from inference_arena.plan import Fit, Interval, Settings, default_releases, engines_for, survey
from planned import an_ask, catalogue, on, pair, planned

OMNI, QWEN, TODAY = "qwen3-omni-30b-a3b-instruct-bf16", "qwen2.5-32b-instruct-awq", "580.95.05"
# what a person gave to vLLM on a 24 GB card
ARTICLE = {"memory_share": 0.95, "context_tokens": 4096, "prefill_tokens": 512, "parallel": 16, "graphs": False}


def rules(fit: Fit) -> dict[str, str]:
    return {one.rule: one.severity for one in fit.obstacles}


def kv_gib(fit: Fit) -> float:
    return fit.budget.bytes_of("kv_cache") / units.GIB


# drivers and releases


def test_todays_vllm_on_a_3090_with_an_old_driver_is_refused_with_three_ways_out():
    fit = planned(QWEN, "vllm", on("RTX 3090", driver="550.54.15"), release="0.33.0")

    assert fit.level == "not-supported"
    assert fit.deciding == "vLLM 0.33.0 needs a newer driver than 550.54.15; the card itself is not in the way"
    assert fit.ways_out == (
        "vLLM 0.8.5, the newest whose image accepts this driver",
        "vLLM 0.19.0, the newest whose wheels may run, unverified",
        "update the driver to >= 580.95.05",
    )


def test_where_no_release_is_named_the_one_that_the_driver_surely_takes_is_planned():
    fit = planned(QWEN, "vllm", on("RTX 3090", driver="550.54.15"))

    assert (fit.release, fit.level) == ("0.8.5", "fits")


def test_a_beta_driver_leaves_only_what_nobody_checked_and_says_so():
    fit = planned(QWEN, "vllm", on("RTX 3090", driver="550.40"))

    assert fit.level == "unverified"
    assert any("0.8.5" in way for way in fit.ways_out)
    assert any("update the driver" in way for way in fit.ways_out)


def test_qwen3_omni_is_no_matter_of_memory_on_a_release_before_it():
    fit = planned(OMNI, "vllm", on("A100 SXM4 80GB"), release="0.6.0")

    assert rules(fit)["architecture-unknown"] == "blocks"
    assert fit.budget.refusal is None
    assert fit.ways_out == ("vLLM 0.11.1 or newer", "SGLang 0.5.4 or newer")
    assert "upgrading that is no help" in fit.obstacles[0].evidence


def test_a_release_before_all_that_were_read_is_an_error_that_names_the_first():
    with pytest.raises(NotFoundError) as caught:
        planned(QWEN, "sglang", on("RTX 3090"), release="0.0.1")

    assert "0.0.1" in str(caught.value)


# the article's checkpoint on a 24 GB card


def test_qwen_2_5_32b_awq_runs_on_vllm_with_the_articles_flags():
    fit = planned(QWEN, "vllm", on("RTX 3090"), users=4, **ARTICLE)

    assert fit.runs
    assert 3.6 <= kv_gib(fit) <= 4.1
    assert 14_000 <= fit.budget.kv_cache_tokens <= 17_000
    assert {name: getattr(fit.settings, name) for name in ARTICLE} == ARTICLE


def test_it_does_not_start_at_the_share_that_sglang_takes_by_itself():
    from inference_arena.facts import engines, era_of, overheads  # noqa: PLC0415
    from inference_arena.plan import memory, question  # noqa: PLC0415

    model, card = pair(QWEN)
    alone = question(
        model=model,
        checkpoint=card,
        target=on("RTX 3090"),
        settings=Settings(prefill_tokens=4096, context_tokens=4096),
        era=era_of(engines()["sglang"], "0.5.23"),
        overhead=overheads()["sglang"],
    )
    refusal = memory(alone).refusal

    assert refusal is not None
    assert refusal.cause == "share-too-small"


def test_the_share_that_makes_sglang_start_is_found_and_named():
    fit = planned(QWEN, "sglang", on("RTX 3090"))

    assert fit.level == "fits"
    assert fit.settings.static_share is not None
    assert fit.gave_way == (f"a share of {fit.settings.static_share:g} of the card",)
    assert 18.1 / 23.2 < fit.settings.static_share < 0.95


def test_with_the_share_pinned_the_prefill_step_that_makes_sglang_start_is_found():
    pinned = {"static_share": 0.95, "graphs": True}
    large = planned(QWEN, "sglang", on("RTX 3090"), release="0.5.14", prefill_tokens=2048, **pinned)
    free = planned(QWEN, "sglang", on("RTX 3090"), release="0.5.14", **pinned)

    assert large.level == "does-not-fit"
    assert large.budget.refusal is not None
    assert large.budget.refusal.cause == "out-of-memory-later"
    assert free.level == "fits"
    assert free.settings.static_share == 0.95
    assert (free.settings.prefill_tokens or 0) < 2048
    assert free.gave_way == (f"prefill steps of {free.settings.prefill_tokens} tokens",)


# formats and compute types, with the kernel that is used


@pytest.mark.parametrize(
    ("checkpoint", "gpu", "release", "kernel", "price"),
    [
        ("gpt-oss-20b-mxfp4", "RTX 3090", None, "weights: Marlin MXFP4", None),
        ("qwen3-8b-fp8", "RTX 3090", None, "weights: Marlin FP8", "quantization-slow"),
        ("qwen3-8b-fp8", "RTX 4090", None, "weights: FP8 tensor cores", None),
        ("qwen2.5-7b-instruct-awq", "T4", None, "weights: Marlin", None),
        ("qwen2.5-7b-instruct-awq", "T4", "0.10.0", "weights: AWQ GEMM", None),
        ("llama-3.2-3b-instruct-bf16", "T4", None, "attention: Triton", "dtype"),
    ],
)
def test_the_kernel_that_will_compute_is_named_and_what_it_costs(checkpoint, gpu, release, kernel, price):
    fit = planned(checkpoint, "vllm", on(gpu), release=release)

    assert fit.runs
    assert kernel in fit.computes_with
    assert rules(fit) == ({} if price is None else {price: "costs"})


def test_mxfp4_has_no_kernel_on_turing_and_llama_cpp_has_one():
    assert planned("gpt-oss-20b-mxfp4", "vllm", on("T4")).level == "not-supported"
    assert planned("gpt-oss-20b-mxfp4-gguf", "llamacpp", on("T4")).level == "fits"


def test_sparse_attention_has_no_kernel_in_vllm_before_hopper():
    cards = ("A100 SXM4 80GB", "H100 SXM5", "rtx-pro-6000-blackwell")
    levels = [planned("deepseek-v3.2-fp8", "vllm", on(gpu, count=16)).level for gpu in cards]

    assert levels == ["not-supported", "fits", "unverified"]
    assert planned("deepseek-v3-fp8", "vllm", on("A100 SXM4 80GB", count=16)).runs


def test_bfloat16_that_was_asked_for_is_refused_on_turing_and_float16_is_the_way_out():
    fit = planned("llama-3.2-3b-instruct-bf16", "vllm", on("T4"), dtype="bfloat16")

    assert (fit.level, fit.ways_out) == ("not-supported", ("dtype float16",))


@pytest.mark.parametrize("checkpoint", ["gemma-2-9b-it-awq", "gemma-3-4b-it-gptq", "gemma-3-4b-it-bf16"])
def test_gemma_on_turing_is_refused_by_vllm_whatever_its_format_because_it_overflows_in_float16(checkpoint):
    fit = planned(checkpoint, "vllm", on("T4"))

    assert fit.level == "not-supported"
    assert "a GGUF file of it on llama.cpp" in fit.ways_out
    assert planned(checkpoint, "vllm", on("RTX 3090")).runs


def test_compressed_tensors_run_on_sglang_too():
    assert planned("llama-3.1-8b-instruct-w4a16", "sglang", on("RTX 3090")).level == "fits"


def test_what_blocks_is_not_mixed_with_what_would_make_room():
    fit = planned("llama-3.3-70b-instruct-fp8", "sglang", on("T4"))

    assert fit.level == "not-supported"
    assert not any("GiB more" in way for way in fit.ways_out)


# what past tokens keep


def a_request_gib(checkpoint: str, engine: str) -> float:
    return planned(checkpoint, engine, on("H100 SXM5"), context=131_072).budget.sequence_bytes / units.GIB


def textbook_gib(checkpoint: str) -> float:
    model, _ = pair(checkpoint)
    each = sum(
        layers.count * (layers.kv_heads or layers.heads) * ((layers.key_dim or 0) + (layers.value_dim or 0)) * 2
        for layers in model.layers
    )
    return each * 131_072 / units.GIB


def test_gemma_keeps_a_quarter_or_less_of_what_the_textbook_says():
    assert textbook_gib("gemma-3-27b-it-bf16") == pytest.approx(62, rel=0.01)
    # 10 full layers at 8 KiB a token, 52 that keep 1,024 tokens and a step of at most 8,192
    assert 10 < a_request_gib("gemma-3-27b-it-bf16", "vllm") < 14
    assert textbook_gib("gemma-3-27b-it-bf16") > 4 * a_request_gib("gemma-3-27b-it-bf16", "vllm")


def test_deepseek_keeps_one_vector_a_token_for_all_heads():
    # 27 layers of 512 + 64 values in 16 bits, where 16 heads of 192 + 128 would keep 8.9 times as much
    assert a_request_gib("deepseek-v2-lite-chat-bf16", "vllm") == pytest.approx(
        27 * 576 * 2 * 131_072 / 2**30, rel=1e-3
    )


@pytest.mark.parametrize(("gpu", "gib"), [("H100 SXM5", 79.19), ("RTX 3090", 23.69)])
def test_a_plan_has_what_cuda_shows_of_a_card_not_what_its_name_says(gpu, gib):
    fit = planned("qwen3-4b-bf16", "vllm", on(gpu))

    assert fit.budget.memory_bytes / units.GIB == pytest.approx(gib, abs=0.02)


# llama.cpp and what does not fit the card


def test_layers_that_do_not_fit_compute_in_ram_and_it_is_said_how_much_they_take():
    fit = planned("qwen3-32b-q4_k_m", "llamacpp", on("RTX 4060 laptop"))

    assert (fit.level, fit.offloaded) == ("partly", True)
    assert units.gib(fit.budget.host_bytes) in fit.deciding
    assert fit.speed is not None
    assert fit.speed.tpot_s is not None
    assert fit.speed.tpot_s.basis == "formula"
    assert fit.meets_slo is False  # even the fastest memory of a desktop reads 12 GB too slowly


def test_one_llama_cpp_card_waits_for_the_other_so_two_are_not_faster():
    one, two = (planned("qwen3-8b-q8_0", "llamacpp", on("RTX 3090", count=count)) for count in (1, 2))

    assert one.speed is not None
    assert two.speed is not None
    assert two.cards == 2
    assert two.speed.tpot_s == one.speed.tpot_s


def test_a_context_beyond_the_models_own_is_refused_if_it_was_asked_for():
    fit = planned("gemma-2-2b-it-bf16", "vllm", on("RTX 3090"), context=32_768)

    assert fit.level == "not-supported"
    assert fit.ways_out[0] == "a context of 8,192 tokens or less"


def test_more_cards_than_there_are_cannot_share_the_layers():
    fit = planned("qwen3-4b-bf16", "vllm", on("L4"), tensor_parallel=2)

    assert fit.level == "not-supported"
    assert fit.deciding == "2 cards are to share each layer, and there is 1"


def test_heads_that_cards_cannot_share_out_evenly_are_refused():
    fit = planned("qwen3-4b-bf16", "vllm", on("L4", count=4), tensor_parallel=3)

    assert fit.deciding == "32 attention heads cannot be shared out evenly among 3 cards"


def test_a_release_newer_than_all_that_were_read_is_unverified():
    fit = planned("qwen3-4b-bf16", "vllm", on("L4"), release="99.0")

    assert fit.level == "unverified"
    assert "newer than all that was read" in fit.obstacles[0].what


def test_what_fits_neither_card_nor_ram_does_not_fit():
    fit = planned("llama-3.3-70b-instruct-q4_k_m", "llamacpp", on("RTX 4060 laptop", ram_bytes=16 * units.GIB))

    assert fit.level == "does-not-fit"
    assert "the machine's own memory" in fit.deciding


def test_the_gguf_files_of_gpt_oss_are_as_large_as_llama_bench_says():
    small = planned("gpt-oss-20b-mxfp4-gguf", "llamacpp", on("RTX 3090"))
    large = planned("gpt-oss-120b-mxfp4-gguf", "llamacpp", on("H100 SXM5"))

    for fit, gib in ((small, 11.27), (large, 59.02)):
        there = fit.budget.bytes_of("weights") + fit.budget.host_bytes
        assert there / units.GIB == pytest.approx(gib, rel=0.005)


# engines and machines


def test_without_a_card_only_llama_cpp_is_planned_for():
    alone = on("RTX 3090").model_copy(update={"vendor": None})

    assert engines_for(alone) == ("llamacpp",)
    assert set(default_releases(alone)) == {"llamacpp"}


def test_apples_chips_get_llama_cpp_and_a_reason_against_the_others():
    fits = survey(an_ask(on("apple-m4-pro")), checkpoints=[pair("qwen3-8b-bf16"), pair("qwen3-8b-q4_k_m")])
    by_engine = {fit.engine: fit for fit in fits}

    assert by_engine["llamacpp"].level == "fits"
    assert {by_engine[name].level for name in ("vllm", "sglang")} == {"not-supported"}
    assert all("NVIDIA" in by_engine[name].deciding for name in ("vllm", "sglang"))


@pytest.mark.parametrize("name", ["RX 7900 XTX", "Arc A770"])
def test_on_other_makers_cards_only_llama_cpp_is_planned_and_the_others_get_no_speed(name):
    fits = survey(an_ask(on(name)), checkpoints=[pair("qwen3-4b-bf16"), pair("qwen3-8b-q4_k_m")])
    by_engine = {fit.engine: fit for fit in fits}

    assert by_engine["llamacpp"].level == "fits"
    for engine in ("vllm", "sglang"):
        assert (by_engine[engine].level, by_engine[engine].speed) == ("not-supported", None)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_without_a_card_builds_for_cuda_are_refused_with_llama_cpp_as_the_way_out(engine):
    alone = on("RTX 3090").model_copy(update={"vendor": None, "title": "AMD EPYC", "compute_capability": None})
    fit = planned("qwen3-4b-bf16", engine, alone)

    assert (fit.level, fit.speed, rules(fit)["vendor"]) == ("not-supported", None, "blocks")
    assert "not for AMD EPYC" in fit.deciding
    assert fit.ways_out == ("a GGUF file of it on llama.cpp, which has a build for this processor",)


def test_heads_bound_how_many_cards_work_together():
    assert planned("qwen2.5-32b-instruct-bf16", "vllm", on("RTX 3090", count=4)).cards == 4
    assert planned("qwen2.5-32b-instruct-bf16", "vllm", on("RTX 3090", count=3)).cards == 2
    assert planned("smollm3-3b-bf16", "vllm", on("RTX 3090", count=32)).cards == 16  # heads


def test_cards_that_hold_layers_in_turn_decode_no_faster_than_one_card_reads_all_weights():
    fit = planned("llama-3.3-70b-instruct-q4_k_m", "llamacpp", on("RTX 3090", count=2))
    weights, bandwidth = fit.budget.bytes_of("weights") * fit.cards, facts.find_gpu("RTX 3090").bandwidth_bytes_per_s

    assert fit.cards == 2
    assert fit.speed.decode_tokens_per_s_per_user.high < bandwidth / weights


def test_a_plan_is_fast_enough_only_where_the_slow_end_is():
    quick = planned("qwen3-4b-bf16", "vllm", on("H100 SXM5"))
    slow = planned("llama-3.3-70b-instruct-q4_k_m", "llamacpp", on("apple-m2-pro", ram_bytes=96 * units.GIB))

    assert quick.meets_slo is True
    assert slow.meets_slo is False


def test_where_some_wait_for_a_place_nobody_knows_when_their_answers_start_nor_calls_it_fast_enough():
    many, few = (planned(QWEN, "vllm", on("RTX 3090"), users=users) for users in (100_000, 1))

    assert (many.level, many.meets_slo, many.speed.ttft_s) == ("tight", None, None)
    assert "some wait for their first token" in many.speed.unknown[-1]
    assert (few.speed.ttft_s is not None, few.speed.unknown) == (True, ())


# what holds for all of them

CATALOGUE = catalogue()
NAMES = st.sampled_from([card.name for _, card in CATALOGUE])
CARDS = st.sampled_from(sorted(facts.gpus()))
USERS, CONTEXTS = st.sampled_from([1, 2, 8, 64]), st.sampled_from([512, 4096, 32_768, 131_072])
SIZES = st.floats(min_value=2.0, max_value=200.0)


def engine_of(checkpoint: str, index: int) -> str:
    return "llamacpp" if pair(checkpoint)[1].format == "gguf" else ("vllm", "sglang")[index]


def resized(gib: float):
    memory_bytes = int(gib * units.GIB)
    sizes = {"memory_bytes": memory_bytes, "free_bytes": memory_bytes, "sold_bytes": memory_bytes}
    return on("RTX 3090").model_copy(update={**sizes, "ram_bytes": 0})


@settings(max_examples=150, deadline=None)
@given(checkpoint=NAMES, index=st.integers(0, 1), gib=SIZES, more=SIZES, users=USERS, context=CONTEXTS)
def test_more_memory_never_turns_a_yes_into_a_no(*, checkpoint, index, gib, more, users, context):
    engine = engine_of(checkpoint, index)
    less, plenty = (
        planned(checkpoint, engine, resized(size), users=users, context=context) for size in (gib, gib + more)
    )

    assert plenty.runs or not less.runs


@settings(max_examples=150, deadline=None)
@given(checkpoint=NAMES, index=st.integers(0, 1), gpu=CARDS, users=USERS, one=CONTEXTS, other=CONTEXTS)
def test_a_longer_context_never_turns_a_no_into_a_yes(*, checkpoint, index, gpu, users, one, other):
    engine = engine_of(checkpoint, index)
    short, long = (
        planned(checkpoint, engine, on(gpu, ram_bytes=0), users=users, context=context)
        for context in sorted((one, other))
    )

    assert short.runs or not long.runs


def intervals(fit: Fit) -> list[Interval]:
    return [] if fit.speed is None else [value for _, value in fit.speed if isinstance(value, Interval)]


@settings(max_examples=200, deadline=None)
@given(
    checkpoint=NAMES,
    index=st.integers(0, 1),
    gpu=CARDS,
    count=st.sampled_from([1, 2, 8]),
    users=USERS,
    context=CONTEXTS,
)
def test_terms_add_up_intervals_hold_their_point_and_flags_exist(*, checkpoint, index, gpu, count, users, context):
    engine = engine_of(checkpoint, index)
    fit = planned(checkpoint, engine, on(gpu, count=count), users=users, context=context)

    assert sum(term.bytes for term in fit.budget.terms) == fit.budget.memory_bytes
    assert all(term.bytes >= 0 for term in fit.budget.terms if term.name != "free")
    assert all(0 < value.low <= value.point <= value.high for value in intervals(fit))
    flags = [word for word in DIALECTS[engine].flags(fit.settings, release=fit.release) if word.startswith("-")]
    assert all(facts.has_flag(engine, fit.release, flag) for flag in flags)
    assert (fit.speed is None) == (not fit.runs)
    assert fit.runs or fit.ways_out
    assert fit.deciding


@settings(max_examples=60, deadline=None)
@given(checkpoint=NAMES, gpu=CARDS, version=st.sampled_from([one.version for one in facts.releases("vllm")]))
def test_every_release_of_vllm_is_given_only_flags_that_it_has(checkpoint, gpu, version):
    if pair(checkpoint)[1].format == "gguf" or facts.version_key(version) < facts.version_key("0.6.0"):
        return
    fit = planned(checkpoint, "vllm", on(gpu), release=version, users=8)

    flags = [word for word in DIALECTS["vllm"].flags(fit.settings, release=version) if word.startswith("-")]
    assert all(facts.has_flag("vllm", version, flag) for flag in flags)
