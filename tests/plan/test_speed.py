"""Speeds: known cases by hand, real measurements inside the interval, and what no speed may ever do."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inference_arena import facts
from inference_arena.errors import UsageError
from inference_arena.facts import Checkpoint, Experts, Gpu, Layers, Model, Spread
from inference_arena.plan.interval import Interval
from inference_arena.plan.roofline import AT_BEST, Rates, decode_work, kernel_rate, prefill_work, step_s, token_s
from inference_arena.plan.speed import (
    NO_BANDWIDTH,
    NO_FACTORS,
    NO_HOST_PREFILL,
    NO_RAM,
    NO_RATE,
    NO_SHARE,
    Speed,
    speed,
)
from inference_arena.plan.target import Target, target_of_card
from inference_arena.plan.weights import active_bytes

CHECKED = {"source": "made for the tests", "checked": date(2026, 11, 24)}
FORMS = ("desktop", "laptop", "workstation", "data-centre", "unified")
ENGINES = ("vllm", "sglang", "llamacpp")


def a_model(*, hidden: int, layers: int, heads: int, kv_heads: int, width: int, vocab: int, **fields) -> Model:
    """Parameters are counted from the shapes; a mixture's experts and router instead of a feed-forward part."""
    attention = hidden * width * 2 * (heads + kv_heads)
    experts = fields.get("experts")
    wide = experts.count * experts.intermediate_size if experts else fields["intermediate_size"]
    router = experts.count * hidden if experts else 0
    parameters = 2 * vocab * hidden + layers * (attention + 3 * hidden * wide + router) + (2 * layers + 1) * hidden
    kind = Layers(kind="full", count=layers, heads=heads, kv_heads=kv_heads, key_dim=width, value_dim=width)
    return Model(
        name="m",
        title="m",
        family="m",
        hidden_size=hidden,
        vocab_size=vocab,
        layers=(kind,),
        tied_embeddings=False,
        parameters=parameters,
        context_tokens=32768,
        **fields,
        **CHECKED,
    )


def a_checkpoint(**fields) -> Checkpoint:
    plain = {"format": "safetensors", "quantization": "none", "quantized": "nothing", "dtype": "bfloat16"}
    return Checkpoint(**{"name": "c", "title": "c", "model": "m", **plain, **CHECKED, **fields})


def a_card(**fields) -> Target:
    given = {"name": "g", "title": "g", "vendor": "nvidia", "form": "desktop", "architecture": "a"}
    return target_of_card(Gpu(**{**given, "memory_bytes": 24 * 2**30, **CHECKED, **fields}))


# shapes from the models' config.json
MISTRAL_7B = a_model(hidden=4096, layers=32, heads=32, kv_heads=8, width=128, vocab=32000, intermediate_size=14336)
QWEN_32B = a_model(hidden=5120, layers=64, heads=40, kv_heads=8, width=128, vocab=152064, intermediate_size=27648)
QWEN_CODER_30B = a_model(
    hidden=2048,
    layers=48,
    heads=32,
    kv_heads=4,
    width=128,
    vocab=151936,
    experts=Experts(count=128, active=8, layers=48, intermediate_size=768),
)
BF16 = a_checkpoint()
FP8 = a_checkpoint(quantization="fp8", quantized="linear", bits=8)
AWQ = a_checkpoint(quantization="awq", quantized="linear", bits=4, group_size=128, zero_point=True, dtype="float16")


@pytest.fixture
def rtx_3090() -> Target:
    return a_card(bandwidth_bytes_per_s=936.2e9, fp32_flops=35.6e12, fp16_flops=71.2e12, int8_ops=284.6e12)


@pytest.fixture
def laptop_8gb() -> Target:
    return a_card(form="laptop", memory_bytes=8 * 2**30)


@pytest.fixture
def h100() -> Target:
    return a_card(
        form="data-centre",
        memory_bytes=80 * 2**30,
        bandwidth_bytes_per_s=3350e9,
        fp16_flops=989e12,
        fp8_flops=1978e12,
        int8_ops=1978e12,
    )


def fast(model: Model, checkpoint: Checkpoint, target: Target, **asked) -> Speed:
    usual = {"engine": "vllm", "concurrency": 1, "input_tokens": 512, "output_tokens": 256}
    return speed(model, checkpoint, target, **{**usual, **asked})


def intervals(result: Speed) -> list[Interval]:
    named = (getattr(result, name) for name in Speed.model_fields if name != "unknown")
    return [one for one in named if one is not None]


# known cases


def test_a_step_reads_every_weight_once_and_every_past_token_of_every_request():
    work = decode_work(MISTRAL_7B, BF16, requests=4, context_tokens=1000, element=2.0, cards=1)
    read = (MISTRAL_7B.parameters - 32000 * 4096) * 2  # all but the rows of the embedding
    assert work.bytes == read + 4 * 1000 * 32 * 8 * 256 * 2
    multiplied = MISTRAL_7B.parameters - 32000 * 4096
    assert work.flops == pytest.approx(4 * (2 * multiplied + 2 * 32 * 32 * 256 * 1000))


def test_a_prompt_multiplies_the_output_head_with_its_last_token_only():
    work = prefill_work(MISTRAL_7B, BF16, tokens=1000, cached_tokens=0, element=2.0, cards=1)
    head = 32000 * 4096
    body = MISTRAL_7B.parameters - 2 * head
    assert work.flops == pytest.approx(2 * (1000 * body + head) + 2 * 32 * 32 * 256 * 1000**2 / 2)


def test_the_slower_of_reading_and_computing_decides_and_overheads_come_on_top():
    rates = Rates(bandwidth=100.0, flops=1000.0)
    factors = AT_BEST._replace(memory=0.5, compute=0.25, layer_s=0.01, exchange_s=0.001)
    reading = decode_work(MISTRAL_7B, BF16, requests=1, context_tokens=1, element=2.0, cards=1)._replace
    at = {"rates": rates, "factors": factors, "layers": 10}
    assert step_s(reading(bytes=500.0, flops=100.0), cards=1, **at) == pytest.approx(10.0 + 0.1)
    assert step_s(reading(bytes=50.0, flops=1000.0), cards=1, **at) == pytest.approx(4.0 + 0.1)
    assert step_s(reading(bytes=500.0, flops=100.0), cards=2, **at) == pytest.approx(10.0 + 0.1 + 0.02)


def test_while_an_answer_comes_each_other_request_has_one_prompt_read():
    assert token_s(step=0.02, prefill=0.5, concurrency=9, output_tokens=100) == pytest.approx(0.02 + 8 * 0.5 / 100)


def test_two_cards_read_half_the_weights_each_but_the_latent_vector_twice():
    latent = Layers(kind="latent", count=10, heads=16, latent_dim=512, rope_dim=64, nope_dim=128, value_dim=128)
    model = MISTRAL_7B.model_copy(update={"layers": (latent,)})
    one, two = (decode_work(model, BF16, requests=1, context_tokens=1000, element=2.0, cards=cards) for cards in (1, 2))
    weights, cache = active_bytes(model, BF16, sequences=1), 10 * 1000 * 576 * 2
    assert one.bytes == weights + cache
    assert two.bytes == weights / 2 + cache


@pytest.mark.parametrize(
    ("quantization", "known", "rate"),
    [
        ("none", {"fp16": 1.0, "fp8": 2.0}, 1.0),
        ("awq", {"fp16": 1.0, "fp8": 2.0, "fp4": 4.0}, 1.0),
        ("q4_k_m", {"fp16": 1.0, "int8": 2.0}, 1.0),
        ("fp8", {"fp16": 1.0, "fp8": 2.0}, 2.0),
        ("fp8", {"fp16": 1.0}, 1.0),
        ("nvfp4", {"fp16": 1.0, "fp8": 2.0, "fp4": 4.0}, 4.0),
        ("nvfp4", {"fp16": 1.0, "fp8": 2.0}, 1.0),
        ("mxfp4", {"fp16": 1.0, "fp8": 2.0, "fp4": 4.0}, 2.0),
        ("mxfp4", {"fp16": 1.0, "fp8": 2.0}, 1.0),
        ("w8a8", {"fp16": 1.0, "int8": 2.0}, 2.0),
        ("fp8", {}, None),
    ],
)
def test_the_rate_is_that_of_the_kernel_that_is_used(quantization, known, rate):
    figures = {"fp16": None, "fp8": None, "int8": None, "fp4": None}
    assert kernel_rate(quantization, **{**figures, **known}) == rate


def test_fp8_weights_read_prompts_faster_only_where_the_card_multiplies_them(h100, rtx_3090):
    def prefill(checkpoint: Checkpoint, target: Target) -> float:
        return fast(QWEN_32B, checkpoint, target, input_tokens=4096).prefill_tokens_per_s.point

    assert prefill(FP8, h100) > 1.8 * prefill(BF16, h100)
    assert prefill(FP8, rtx_3090) == pytest.approx(prefill(BF16, rtx_3090), rel=0.01)


# measured elsewhere


def test_a_real_load_of_one_user_on_an_h100_lies_in_the_interval(h100):
    """VLLM 0.24.0, Qwen3-Coder 30B-A3B in bf16 with dummy weights, 1024 tokens in, 256 out."""
    seen = fast(QWEN_CODER_30B, BF16, h100, input_tokens=1024)
    assert seen.tpot_s.low < 0.0050 < seen.tpot_s.high
    assert seen.ttft_s.low < 0.112 < seen.ttft_s.high
    assert seen.output_tokens_per_s.low < 185 < seen.output_tokens_per_s.high


def test_a_real_load_of_64_users_on_an_h100_lies_in_the_interval_but_for_a_tpot_at_its_edge(h100):
    """The same server. A likely reason for the edge: the mixtures that the factors are from had 8-bit and 4-bit
    weights, whose kernels use a smaller share of their higher rate than 16-bit ones.
    """
    seen = fast(QWEN_CODER_30B, BF16, h100, concurrency=64, input_tokens=1024)
    assert seen.output_tokens_per_s.low < 1988 < seen.output_tokens_per_s.high
    assert seen.ttft_s.low < 0.461 < seen.ttft_s.high
    assert seen.tpot_s.low == pytest.approx(0.028, rel=0.06)


def test_llama_3_8b_on_an_rtx_3090_is_as_fast_as_it_was_seen(rtx_3090):
    """111.74 tokens/s for Q4_K_M and 46.51 for F16 (github.com/XiongjieDai/GPU-Benchmarks-on-LLM-Inference)."""
    shape = {"hidden": 4096, "layers": 32, "heads": 32, "kv_heads": 8, "width": 128, "vocab": 128256}
    llama = a_model(**shape, intermediate_size=14336)
    gguf = {"format": "gguf", "quantization": "q4_k_m", "quantized": "all", "bits": 4.9, "weight_bytes": 4_920_733_952}
    for checkpoint, tokens_per_s in ((a_checkpoint(**gguf), 111.74), (BF16, 46.51)):
        seen = fast(llama, checkpoint, rtx_3090, engine="llamacpp", input_tokens=16, output_tokens=1024)
        assert seen.decode_tokens_per_s_per_user.point == pytest.approx(tokens_per_s, rel=0.1)


# what is not known


def test_a_card_of_unknown_bandwidth_has_no_speed_and_the_reason_is_said(laptop_8gb):
    assert intervals(fast(MISTRAL_7B, AWQ, laptop_8gb)) == []
    assert fast(MISTRAL_7B, AWQ, laptop_8gb).unknown == (NO_BANDWIDTH,)


def test_a_card_of_unknown_kind_has_no_speed(h100):
    assert fast(MISTRAL_7B, BF16, h100.model_copy(update={"form": None})).unknown == (NO_FACTORS,)


def test_without_a_computing_rate_only_the_decoding_of_one_user_is_known(rtx_3090):
    bare = rtx_3090.model_copy(update={"fp16_flops": None, "fp32_flops": None})
    alone = fast(MISTRAL_7B, AWQ, bare)
    assert alone.unknown == (NO_RATE,)
    assert alone.tpot_s == fast(MISTRAL_7B, AWQ, rtx_3090).tpot_s
    assert alone.ttft_s is alone.prefill_tokens_per_s is alone.output_tokens_per_s is None
    assert intervals(fast(MISTRAL_7B, AWQ, bare, concurrency=2)) == []


def test_a_card_without_a_16_bit_rate_computes_at_its_32_bit_rate(rtx_3090):
    old = rtx_3090.model_copy(update={"fp16_flops": None})
    slower = fast(MISTRAL_7B, AWQ, old, input_tokens=8192).prefill_tokens_per_s.point
    assert slower < fast(MISTRAL_7B, AWQ, rtx_3090, input_tokens=8192).prefill_tokens_per_s.point


def test_prompts_on_a_chip_that_nobody_measured_reading_them_are_unknown():
    chip = a_card(form="unified", vendor="apple", unified=True, bandwidth_bytes_per_s=400e9, fp16_flops=20e12)
    assert fast(MISTRAL_7B, BF16, chip, engine="llamacpp").unknown == (NO_SHARE,)


def test_weights_in_the_machines_memory_are_read_at_its_bandwidth(rtx_3090):
    offloaded = {"engine": "llamacpp", "host_share": 0.25}
    assert fast(QWEN_32B, AWQ, rtx_3090, **offloaded).unknown == (NO_RAM,)
    known = rtx_3090.model_copy(update={"ram_bandwidth_bytes_per_s": 50e9})
    seen = fast(QWEN_32B, AWQ, known, **offloaded)
    assert seen.unknown == (NO_HOST_PREFILL,)
    assert seen.tpot_s.point > 0.25 * active_bytes(QWEN_32B, AWQ, sequences=1) / 50e9
    assert seen.tpot_s.basis == "formula"


# how sure it is


def test_what_nobody_measured_is_a_formula_with_a_slow_end_further_out(h100, rtx_3090):
    measured, tried = fast(MISTRAL_7B, BF16, h100, concurrency=8), fast(MISTRAL_7B, BF16, rtx_3090, concurrency=1)
    untried = fast(MISTRAL_7B, BF16, rtx_3090, concurrency=8)
    assert measured.tpot_s.basis == tried.tpot_s.basis == "calibrated"
    assert untried.tpot_s.basis == "formula"
    assert untried.tpot_s.high / untried.tpot_s.point > tried.tpot_s.high / tried.tpot_s.point
    assert fast(MISTRAL_7B, BF16, rtx_3090, engine="sglang").tpot_s.basis == "formula"


def test_a_second_card_whose_exchange_nobody_measured_may_gain_nothing(rtx_3090):
    one, two = (fast(QWEN_32B, AWQ, rtx_3090, tensor_parallel=cards).tpot_s for cards in (1, 2))
    assert two.basis == "formula"
    assert two.low < two.point < one.point <= two.high


def test_every_number_says_where_it_is_from(h100):
    for one in intervals(fast(MISTRAL_7B, BF16, h100)):
        assert "github.com" in one.source


@pytest.mark.parametrize(
    "asked", [{"concurrency": 0}, {"output_tokens": 0}, {"input_tokens": 0}, {"tensor_parallel": 0}]
)
def test_a_load_of_nothing_is_refused(h100, asked):
    with pytest.raises(UsageError):
        fast(MISTRAL_7B, BF16, h100, **asked)


def test_an_interval_that_does_not_hold_its_point_is_refused():
    with pytest.raises(ValidationError):
        Interval(low=2.0, point=1.0, high=3.0, basis="formula", source="nobody")
    with pytest.raises(ValidationError):
        Spread(low=1.1, high=2.0, basis="formula")


def test_the_factors_are_below_the_best_and_no_two_cards_speak_for_the_same():
    cards = facts.calibrations()
    spoken_for = [(card.engine, card.kind, form) for card in cards.values() for form in card.forms]
    assert len(set(spoken_for)) == len(spoken_for)
    for card in cards.values():
        assert 0 < card.memory_share <= 1
        assert 0 < (card.compute_share or 1) <= 1
        assert card.beyond >= 1
        assert card.source
    for kind in ("dense", "moe"):
        assert all(facts.calibration(engine="any other", kind=kind, form=form) for form in FORMS)


# what no speed may ever do

CARDS = st.builds(
    a_card,
    form=st.sampled_from(FORMS),
    bandwidth_bytes_per_s=st.floats(50e9, 8e12),
    fp16_flops=st.floats(5e12, 2e15),
    fp8_flops=st.none() | st.floats(10e12, 4e15),
)
MODELS = st.sampled_from([MISTRAL_7B, QWEN_32B, QWEN_CODER_30B])
CHECKPOINTS = st.sampled_from([BF16, FP8, AWQ])
LOADS = st.fixed_dictionaries(
    {
        "engine": st.sampled_from(ENGINES),
        "concurrency": st.integers(1, 512),
        "input_tokens": st.integers(1, 16384),
        "output_tokens": st.integers(1, 4096),
        "cached_tokens": st.integers(0, 16384),
        "tensor_parallel": st.sampled_from([1, 2, 4]),
    }
)
ALMOST = 1 + 1e-9


@given(MODELS, CHECKPOINTS, CARDS, LOADS)
def test_every_interval_holds_its_point_and_is_finite(model, checkpoint, card, load):
    for one in intervals(speed(model, checkpoint, card, **load)):
        assert 0 < one.low <= one.point <= one.high < math.inf


@given(MODELS, CHECKPOINTS, CARDS, LOADS, st.floats(1, 4))
def test_more_bandwidth_is_never_slower(model, checkpoint, card, load, factor):
    better = card.model_copy(update={"bandwidth_bytes_per_s": card.bandwidth_bytes_per_s * factor})
    seen, faster = speed(model, checkpoint, card, **load), speed(model, checkpoint, better, **load)
    if seen.output_tokens_per_s is not None:
        assert faster.output_tokens_per_s.point * ALMOST >= seen.output_tokens_per_s.point
        assert faster.ttft_s.point <= seen.ttft_s.point * ALMOST
    if seen.tpot_s is not None:
        assert faster.tpot_s.point <= seen.tpot_s.point * ALMOST


@given(MODELS, CHECKPOINTS, CARDS, LOADS, st.integers(1, 10000))
def test_a_longer_context_never_decodes_faster(model, checkpoint, card, load, more):
    longer = {**load, "cached_tokens": load["cached_tokens"] + more}
    before, after = (speed(model, checkpoint, card, **one).tpot_s for one in (load, longer))
    if before is not None:
        assert after.point * ALMOST >= before.point


@given(MODELS, CHECKPOINTS, CARDS, LOADS, st.integers(1, 100))
def test_more_users_never_get_more_tokens_each(model, checkpoint, card, load, more):
    fuller = {**load, "concurrency": load["concurrency"] + more}
    before, after = (speed(model, checkpoint, card, **one).decode_tokens_per_s_per_user for one in (load, fuller))
    if before is not None and after is not None:
        assert after.point <= before.point * ALMOST
        assert after.low <= before.low * ALMOST


@given(MODELS, CHECKPOINTS, CARDS, LOADS)
def test_the_whole_server_never_exceeds_the_roofline_of_its_cards(model, checkpoint, card, load):
    total = speed(model, checkpoint, card, **load).output_tokens_per_s
    flops = kernel_rate(checkpoint.quantization, fp16=card.fp16_flops, fp8=card.fp8_flops, int8=None, fp4=None)
    past = load["cached_tokens"] + load["input_tokens"]
    least = decode_work(
        model, checkpoint, requests=load["concurrency"], context_tokens=past, element=2.0, cards=load["tensor_parallel"]
    )
    step = max(least.bytes / card.bandwidth_bytes_per_s, least.flops / flops)
    if total is not None:
        assert total.high <= load["concurrency"] / step * ALMOST


@given(st.integers(1, 2000))
def test_a_mixture_reads_at_least_the_active_experts_and_at_most_all(sequences):
    model, experts = QWEN_CODER_30B, QWEN_CODER_30B.experts
    weights = experts.layers * experts.count * 3 * 2048 * 768 * 2
    rest = active_bytes(model, BF16, sequences=10**6) - weights
    read = active_bytes(model, BF16, sequences=sequences) - rest
    assert weights * experts.active / experts.count <= read * ALMOST
    assert read <= weights * ALMOST
