"""Settings without a plan: the cache is as large as the load, within what the machine has."""

from typing import Any

import pytest

from inference_arena.facts import Layers, Model, models
from inference_arena.plan import Settings
from inference_arena.run.unplanned import BLOCK, LEAST_BYTES, has, unplanned
from inference_arena.units import GIB

SMOL: Model = models()["smollm2-135m-instruct"]
TOKEN_BYTES = 23_040  # 30 layers, 3 heads, keys and values of 64 numbers, 2 bytes each


def made(engine: str, pinned: Settings | None = None, **asked: Any) -> tuple[Settings, dict[str, str]]:
    usual = {"context_tokens": 4096, "need_tokens": 500, "streams": 4, "room_bytes": 10 * GIB}
    settings, choices = unplanned(pinned or Settings(), engine=engine, model=SMOL, **{**usual, **asked})
    return settings, dict(choices)


def test_vllms_cache_has_room_for_every_stream_in_bytes():
    settings, choices = made("vllm", streams=32)

    assert settings.kv_cache_bytes == 32 * (500 + BLOCK) * TOKEN_BYTES
    assert settings.context_tokens == 4096
    assert "32 of this load" in choices["kv_cache"]


def test_it_has_room_for_one_request_of_the_full_context_and_is_never_tiny():
    assert made("vllm", streams=1, context_tokens=16_384)[0].kv_cache_bytes == 16_384 * TOKEN_BYTES
    assert made("vllm", streams=1, context_tokens=512)[0].kv_cache_bytes == LEAST_BYTES


def test_it_takes_no_more_than_there_is_room_for_but_one_request():
    assert (made("vllm", streams=1000, room_bytes=GIB)[0].kv_cache_bytes or 0) <= GIB + BLOCK * TOKEN_BYTES
    assert made("transformers", streams=1000, room_bytes=0)[0].kv_cache_tokens == 500


def test_transformers_gets_tokens_and_lets_requests_join():
    settings, choices = made("transformers")

    assert settings == Settings(continuous_batching=True, kv_cache_tokens=4 * (500 + BLOCK))
    assert choices["batching"].startswith("continuous")


def test_without_continuous_batching_there_is_no_cache_to_size():
    assert made("transformers", Settings(continuous_batching=False))[0] == Settings(continuous_batching=False)


@pytest.mark.parametrize("pinned", [Settings(kv_cache_bytes=1), Settings(memory_share=0.5)])
def test_what_a_person_chose_stays(pinned):
    assert made("vllm", pinned)[0] == pinned.model_copy(update={"context_tokens": 4096})


def test_on_a_card_the_engine_looks_after_its_cache():
    assert made("sglang", room_bytes=None)[0] == Settings(context_tokens=4096)
    assert made("vllm", room_bytes=None)[0].kv_cache_bytes is None


def test_a_model_that_keeps_nothing_of_past_tokens_divides_nothing():
    linear = Layers(kind="linear", count=1, heads=1)
    settings, _ = unplanned(
        Settings(), engine="vllm", model=SMOL.model_copy(update={"layers": (linear,)}), context_tokens=1, need_tokens=1,
        streams=1, room_bytes=1,
    )  # fmt: skip

    assert settings.kv_cache_bytes == LEAST_BYTES


def test_an_engine_has_what_one_of_its_flags_says():
    assert has("vllm", "kv_cache_bytes")
    assert has("transformers", "kv_cache_tokens")
    assert not has("transformers", "context_tokens")
    assert not has("openai", "parallel")
