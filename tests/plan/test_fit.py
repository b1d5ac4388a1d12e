"""Verdicts and their sentences: the number that decides, and ways out that would really help."""

import pytest

from inference_arena import facts, units
from inference_arena.plan import Interval, Speed, may_be_slow
from inference_arena.plan.fit import counted, meets
from planned import on, planned

QWEN = "qwen2.5-32b-instruct-awq"


def test_fits_names_how_many_requests_the_cache_holds():
    fit = planned("qwen3-4b-bf16", "vllm", on("RTX 3090"))

    assert fit.level == "fits"
    assert fit.deciding == f"the KV cache holds {counted(fit.budget.requests)} requests of 4,096 tokens at once"


def test_more_users_than_the_cache_holds_are_tight_because_some_wait():
    fit = planned(QWEN, "vllm", on("RTX 3090"), users=40)

    assert fit.level == "tight"
    assert "of 40 requests of 4,096 tokens at once; the others wait" in fit.deciding


def test_what_lies_beside_an_engines_share_does_not_widen_the_margin():
    fit = planned("qwen2.5-32b-instruct-awq", "vllm", on("RTX 3090"))
    spare = fit.budget.bytes_of("kv_cache") - fit.budget.sequence_bytes

    assert 0 < spare < 2**29 < fit.budget.bytes_of("free")
    assert fit.level == "tight"


@pytest.mark.parametrize(
    ("requests", "said"),
    [(1.0, "1"), (1.04, "1"), (1.99, "1.9"), (2.0, "2"), (9.96, "9.9"), (37.9, "37"), (0.4, "0.4")],
)
def test_requests_are_cut_and_never_rounded_up(requests, said):
    assert counted(requests) == said


def test_what_does_not_fit_names_what_is_needed_and_what_is_there():
    fit = planned("llama-3.3-70b-instruct-bf16", "vllm", on("RTX 3090"))
    refusal = fit.budget.refusal

    assert refusal is not None
    assert units.gib(refusal.needed_bytes) in fit.deciding
    assert units.gib(refusal.available_bytes) in fit.deciding


def test_as_many_cards_as_are_named_do_help():
    fit = planned("llama-3.3-70b-instruct-bf16", "vllm", on("RTX 3090"))

    assert any("8 such cards" in way for way in fit.ways_out)
    assert planned("llama-3.3-70b-instruct-bf16", "vllm", on("RTX 3090", count=8)).runs


def test_nobody_is_told_to_buy_sixteen_cards():
    fit = planned("deepseek-v3-fp8", "vllm", on("RTX 3090"))

    assert not any("such cards" in way for way in fit.ways_out)


def test_a_machine_that_shares_its_memory_is_not_told_to_take_two():
    fit = planned("llama-3.3-70b-instruct-q8_0", "llamacpp", on("apple-m4"))

    assert fit.level == "does-not-fit"
    assert not any("such cards" in way for way in fit.ways_out)


def test_a_context_that_is_too_long_names_one_that_fits():
    fit = planned(QWEN, "vllm", on("RTX 3090"), context=32_768)
    (way,) = [way for way in fit.ways_out if way.startswith("a context of")]
    longest = int(way.split()[3].replace(",", ""))

    assert fit.level == "does-not-fit"
    assert planned(QWEN, "vllm", on("RTX 3090"), context=longest).runs


def test_no_way_out_is_told_twice():
    for checkpoint in ("gpt-oss-20b-mxfp4", "gemma-3-27b-it-fp8", "llama-3.3-70b-instruct-nvfp4"):
        for engine in ("vllm", "sglang"):
            ways = planned(checkpoint, engine, on("T4")).ways_out
            assert len(set(ways)) == len(ways)


def interval(low: float, high: float) -> Interval:
    return Interval(low=low, point=(low + high) / 2, high=high, basis="formula", source="this test")


def a_speed(tpot: Interval | None, ttft: Interval | None) -> Speed:
    return Speed(
        decode_tokens_per_s_per_user=None, output_tokens_per_s=None, tpot_s=tpot, ttft_s=ttft, prefill_tokens_per_s=None
    )


CHAT = facts.slo("chat")  # 2 s to the first token, 0.1 s a token


@pytest.mark.parametrize(
    ("tpot", "ttft", "met", "doubt"),
    [
        (interval(0.01, 0.1), interval(0.1, 2.0), True, False),
        (interval(0.05, 0.2), interval(0.1, 2.0), None, True),
        (interval(0.11, 0.2), interval(0.1, 2.0), False, True),
        (interval(0.01, 0.05), None, None, False),  # unknown is no reason to doubt what is known
        (interval(0.05, 0.2), None, None, True),
        (interval(0.2, 0.3), None, False, True),
        (None, None, None, False),
    ],
)
def test_a_goal_is_met_only_where_the_slow_end_meets_it(tpot, ttft, met, doubt):
    assert meets(a_speed(tpot, ttft), CHAT) is met
    assert may_be_slow(a_speed(tpot, ttft), CHAT) is doubt


def test_without_a_goal_or_a_speed_there_is_no_judgement():
    assert meets(None, CHAT) is None
    assert meets(a_speed(interval(1, 2), None), None) is None
    assert may_be_slow(None, CHAT) is False
