"""One turn of a talk with a server: what was said so far goes out, the answer comes back with how fast it came."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from inference_arena.facts import Fact
from inference_arena.load import Heard, OnText, Target, hear
from inference_arena.metrics import e2e_s, tpot_s, ttft_s
from inference_arena.record import Failed
from inference_arena.run.failure import request_failed
from inference_arena.run.first import REFUSALS

SILENCE_LIMIT_S: Final = 600.0  # a long prompt may be read for minutes before the first token


class Turn(Fact):
    """What one side said."""

    role: Literal["system", "user", "assistant"]
    content: str


class Answered(Fact):
    """One answer. Numbers by the definitions of measurements; None where too little came. `failed`: why it is none."""

    answer: str
    reasoning: str
    ttft_s: float | None
    tokens_per_s_per_user: float | None
    output_tokens: int | None
    output_tokens_source: str | None
    input_tokens: int | None
    e2e_s: float | None
    finish_reason: str | None
    stopped: bool
    failed: Failed | None = None


def speak(
    target: Target, model: str, turns: Sequence[Turn], parameters: Mapping[str, Any], on_text: OnText
) -> Answered:
    """Ask with all that was said; where a server refuses to be asked for its counts, once more without."""
    body = {"model": model, "messages": [turn.model_dump() for turn in turns], "stream": True, **parameters}
    counted = {**body, "stream_options": {"include_usage": True}}
    heard = hear(target, counted, on_text=on_text, silence_limit_s=SILENCE_LIMIT_S)
    if heard.trace.failure in REFUSALS:
        again = hear(target, body, on_text=on_text, silence_limit_s=SILENCE_LIMIT_S)
        heard = heard if again.trace.failure in REFUSALS else again
    return _answered(heard)


def _answered(heard: Heard) -> Answered:
    trace = heard.trace
    each_s = tpot_s(trace)
    is_bad = trace.result == "failed"
    return Answered(
        answer=heard.answer,
        reasoning=heard.reasoning,
        ttft_s=ttft_s(trace),
        tokens_per_s_per_user=1 / each_s if each_s else None,
        output_tokens=trace.output_tokens,
        output_tokens_source=trace.output_tokens_source,
        input_tokens=trace.input_tokens,
        e2e_s=e2e_s(trace),
        finish_reason=trace.finish_reason,
        stopped=trace.result == "cancelled",
        failed=request_failed("load", failure=trace.failure or "unknown", detail=trace.detail) if is_bad else None,
    )
