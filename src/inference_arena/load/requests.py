"""From a point's plan to the bytes of its requests, made before the clock starts."""

import json
from dataclasses import dataclass
from typing import Any

from inference_arena.load.again import prompt_hash, request_seed
from inference_arena.load.point_plan import PointPlan, Target, Wording
from inference_arena.load.prompts import output_length, prompt_text
from inference_arena.plan import Lengths


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be written to a socket."""

    number: int
    payload: bytes
    asked_output_tokens: int
    prompt_sha256: str


def request_body(plan: PointPlan, *, prompt: str, output_tokens: int) -> dict[str, Any]:
    asked: dict[str, Any] = dict(plan.parameters)
    asked["stream"] = True
    asked["max_tokens"] = output_tokens
    if plan.endpoint == "chat":
        asked["messages"] = [{"role": "user", "content": prompt}]
    else:
        asked["prompt"] = prompt
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


def new_prompt(*, lengths: Lengths, wording: Wording, seed: str) -> tuple[str, int]:
    """A prompt of about the wanted length, and how long its answer is to be."""
    length = output_length(tokens=lengths.output_tokens, jitter=lengths.output_jitter, seed=seed)
    return prompt_text(words=wording.words(lengths.input_tokens), seed=seed), length


def make_request(plan: PointPlan, number: int) -> Request:
    """The number-th request of a point: the same for the same seed, different from every other."""
    seed = request_seed(seed=plan.seed, point=plan.point, request=number)
    prompt, length = new_prompt(lengths=plan.lengths, wording=plan.wording, seed=seed)
    body = json.dumps(request_body(plan, prompt=prompt, output_tokens=length), separators=(",", ":")).encode()
    return Request(
        number=number,
        payload=post(plan.target, body, name=f"{plan.point}-{number}"),
        asked_output_tokens=length,
        prompt_sha256=prompt_hash(prompt),
    )
