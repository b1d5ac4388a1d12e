"""From a point's plan to the bytes of its requests, made before the clock starts."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from inference_arena.load.point_plan import PointPlan, Target
from inference_arena.load.prompts import output_length, prompt_text


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


def make_request(plan: PointPlan, number: int) -> Request:
    """The number-th request of a point: the same for the same seed, different from every other."""
    seed = f"{plan.seed}/{plan.point}/{number}"
    length = output_length(tokens=plan.lengths.output_tokens, jitter=plan.lengths.output_jitter, seed=seed)
    prompt = prompt_text(words=plan.wording.words(plan.lengths.input_tokens), seed=seed)
    body = json.dumps(request_body(plan, prompt=prompt, output_tokens=length), separators=(",", ":")).encode()
    return Request(
        number=number,
        payload=post(plan.target, body, name=f"{plan.point}-{number}"),
        asked_output_tokens=length,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest()[:32],
    )
