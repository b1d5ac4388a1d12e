"""From a point's plan to the bytes of its requests, made before the clock starts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference_arena.load.again import prompt_hash
from inference_arena.load.lengths import output_length
from inference_arena.load.point_plan import PointPlan, Target, Wording
from inference_arena.load.questions import Message, own_text, question
from inference_arena.plan import Lengths


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be written to a socket. `leave_after_reads`: where a person leaves by chance."""

    number: int
    payload: bytes
    asked_input_tokens: int
    asked_output_tokens: int
    prompt_sha256: str
    kind: str | None = None
    conversation: int | None = None
    turn: int | None = None
    leave_after_reads: int | None = None


def request_body(plan: PointPlan, *, messages: Sequence[Message], output_tokens: int) -> dict[str, Any]:
    asked: dict[str, Any] = dict(plan.parameters)
    asked["stream"] = True
    asked["max_tokens"] = output_tokens
    if plan.endpoint == "chat":
        asked["messages"] = list(messages)
    else:
        asked["prompt"] = "\n\n".join(message["content"] for message in messages)
    return asked


def post(target: Target, body: bytes, *, name: str) -> bytes:
    """The bytes of one request whose answer is a stream."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {host}:{target.port}",
        "Content-Type: application/json",
        "Accept: text/event-stream",
        f"Content-Length: {len(body)}",
        f"X-Arena-Request: {name}",
        *(f"{key}: {value}" for key, value in target.headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def payload_of(plan: PointPlan, *, number: int, messages: Sequence[Message], output_tokens: int) -> bytes:
    body = request_body(plan, messages=messages, output_tokens=output_tokens)
    return post(plan.target, json.dumps(body, separators=(",", ":")).encode(), name=f"{plan.point}-{number}")


def prompt_sha256(messages: Sequence[Message]) -> str:
    return prompt_hash("\n\n".join(message["content"] for message in messages))


def new_prompt(*, lengths: Lengths, wording: Wording, seed: str) -> tuple[str, int]:
    """A plain prompt of the wanted length, as `question` makes it, and how long its answer is to be."""
    length = output_length(tokens=lengths.output_tokens, jitter=lengths.output_jitter, seed=seed)
    return own_text(wording, None, tokens=lengths.input_tokens - wording.overhead_tokens, seed=seed), length


def make_request(plan: PointPlan, number: int) -> Request:
    """The number-th request of a point: the same for the same seed, different from every other."""
    asked = question(plan, number)
    return Request(
        number=number,
        payload=payload_of(plan, number=number, messages=asked.messages, output_tokens=asked.output_tokens),
        asked_input_tokens=asked.input_tokens,
        asked_output_tokens=asked.output_tokens,
        prompt_sha256=prompt_sha256(asked.messages),
        kind=asked.kind,
        leave_after_reads=asked.leave_after_reads,
    )
