"""What the truth server is to say, and which bytes are due at which offset. Pure: knows no socket and no clock.

A plan counts seconds from the start of its answer. Its bytes are made once and shared by all answers of one shape.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from inference_arena.load.truth import Asked, Request, Script, asked

__all__ = ["Asked", "Plan", "Script", "planned", "planner", "token_text"]

Ending = Literal["keep", "close", "reset", "hang"]
Step = tuple[float, bytes, int]  # offset in seconds, bytes, tokens that are complete once these bytes are out


class Plan(NamedTuple):
    steps: Sequence[Step]
    ending: Ending = "keep"
    outcome: Literal["ok", "failed"] = "ok"
    takes_slot: bool = False


def answer(status: int, body: bytes, *, kind: str = "application/json", extra: str = "") -> bytes:
    """One whole HTTP answer of known length."""
    head = f"HTTP/1.1 {status} {_phrase(status)}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def error_plan(status: int, message: str, *, closes: bool = False) -> Plan:
    extra = ("Retry-After: 1\r\n" if status == HTTPStatus.TOO_MANY_REQUESTS else "") + (
        "Connection: close\r\n" if closes else ""
    )
    whole = answer(status, _json(_error(status, message)), extra=extra)
    return Plan([(0.0, whole, 0)], "close" if closes else "keep", "failed")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


def _error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "truth_server_error", "param": None, "code": status}}


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def planned(plan: Callable[[Asked, int], Plan], request: Request, number: int) -> tuple[Plan, bool]:
    """What is due for a request, and whether it asked for a completion that counts as this number."""
    match request.method, request.path:
        case "POST", ("/v1/chat/completions" | "/v1/completions") as path:
            wanted = asked(request.body, chat="chat" in path)
            if wanted:
                return plan(wanted, number), True
            message = "this is no request for a completion, or its length is unknown"
            return error_plan(400, message, closes=request.closes), False
        case "GET", "/v1/models":
            models = {"object": "list", "data": [{"id": "truth", "object": "model"}]}
            return Plan([(0.0, answer(200, _json(models)), 0)]), False
        case "GET", "/health":
            return Plan([(0.0, answer(200, b'{"status": "ok"}'), 0)]), False
    return error_plan(404, f"there is nothing at {request.method} {request.path}"), False


def token_text(script: Script, index: int) -> str:
    return f" {'é漢🙂'[index % 3]}{index}" if script.split == "utf8" else f" t{index}"


def planner(script: Script) -> Callable[[Asked, int], Plan]:
    """A function from a request and its number (from 1) to what is due when. Remembers what shapes share."""
    # Few shapes have long bodies, many have short ends: what depends on the prompt's length is kept apart.
    longest = lru_cache(maxsize=256)(lambda *shape: _stream_body(script, script.tokens, *shape))
    end = lru_cache(maxsize=4096)(lambda *shape: _stream_end(script, *shape))

    def body(wanted: int, *shape: Any) -> list[Step]:
        if wanted % script.tokens_per_chunk or not wanted:
            return _stream_body(script, wanted, *shape)
        absent = -(-script.tokens // script.tokens_per_chunk) - wanted // script.tokens_per_chunk
        steps = longest(*shape)
        return steps[: len(steps) - absent * (1 if script.split == "none" else 2)]

    @lru_cache(maxsize=512)
    def shaped(request: Asked, *, stalled: bool, fails: bool) -> Plan:
        wanted = script.tokens if request.max_tokens is None else min(script.tokens, request.max_tokens)
        prompt = request.prompt_tokens if script.prompt_tokens is None else script.prompt_tokens
        if fails and script.fail_kind in {"status", "html", "hang"}:
            return _refusal(script)
        if not request.stream:
            return _whole(script, request._replace(prompt_tokens=prompt), wanted, stalled=stalled, fails=fails)
        said = min(wanted, script.fail_after_tokens) if fails else wanted
        running = prompt if script.usage == "continuous" and request.usage else None
        steps = body(said, request.chat, stalled, running)
        if fails:
            return _broken(script, steps, said, stalled=stalled)
        at_s = max(chunk_offset_s(script, max(wanted - 1, 0), stalled=stalled), steps[-1][0] if steps else 0.0)
        tail = end(request.chat, wanted, prompt if request.usage else None, at_s)
        return Plan(steps + tail, _ending(script), takes_slot=True)

    def plan(request: Asked, number: int) -> Plan:
        stalled = bool(script.stall_every) and number % script.stall_every == 0
        return shaped(request, stalled=stalled, fails=bool(script.fail_every) and number % script.fail_every == 0)

    return plan


def chunk_offset_s(script: Script, token: int, *, stalled: bool) -> float:
    """Seconds from the answer's start to the chunk that carries this token."""
    first = token - token % script.tokens_per_chunk
    pause_s = script.stall_s if stalled and first + script.tokens_per_chunk > script.stall_at_token else 0.0
    return max(script.ttft_s + first * script.token_interval_s + pause_s, script.headers_delay_s)


def _ending(script: Script) -> Ending:
    return "close" if script.connection == "close" or script.transfer == "length-less" else "keep"


def _refusal(script: Script) -> Plan:
    if script.fail_kind == "hang":
        return Plan([], "hang", "failed")
    if script.fail_kind == "status":
        return error_plan(script.fail_status, "the script says that this request fails")
    page = answer(200, b"<!doctype html><title>Welcome</title><p>Not an API.", kind="text/html")
    return Plan([(0.0, page, 0)], "keep", "failed")


def _whole(script: Script, request: Asked, wanted: int, *, stalled: bool, fails: bool) -> Plan:
    at_s = chunk_offset_s(script, max(wanted - 1, 0), stalled=stalled)
    ending = "reset" if fails and script.fail_kind == "reset" else "close" if fails else _ending(script)
    if fails and script.fail_kind in {"reset", "close"}:
        return Plan([(at_s, b"", 0)], ending, "failed", takes_slot=True)
    if fails and script.fail_kind == "stream-error":
        return error_plan(500, "the script says that this request fails")
    body = b'{"choices": [' if fails else _json(_whole_body(script, request, wanted))
    extra = "Connection: close\r\n" if ending == "close" else ""
    payload = answer(200, body, extra=extra)
    return Plan([(at_s, payload, 0 if fails else wanted)], ending, "failed" if fails else "ok", takes_slot=True)


def _whole_body(script: Script, request: Asked, wanted: int) -> dict[str, Any]:
    body = _envelope(chat=request.chat, streamed=False)
    said = _said(script, range(wanted), chat=request.chat)
    held = {"message": {"role": "assistant", "content": "", **said}} if request.chat else said
    body["choices"] = [{"index": 0, **held, "finish_reason": script.finish_reason}]
    if script.usage != "missing":
        body["usage"] = _usage(script, wanted, request.prompt_tokens)
    return body


def _envelope(*, chat: bool, streamed: bool) -> dict[str, Any]:
    name = f"chat.completion{'.chunk' if streamed else ''}" if chat else "text_completion"
    return {"id": "chatcmpl-truth" if chat else "cmpl-truth", "object": name, "created": 1, "model": "truth"}


def _said(script: Script, span: range, *, chat: bool) -> dict[str, str]:
    if not chat:
        return {"text": "".join(token_text(script, i) for i in span)}
    thought = "".join(token_text(script, i) for i in span if i < script.reasoning_tokens)
    spoken = "".join(token_text(script, i) for i in span if i >= script.reasoning_tokens)
    return {key: text for key, text in (("reasoning_content", thought), ("content", spoken)) if text}


def _usage(script: Script, done: int, prompt: int) -> dict[str, Any]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": done,
        "total_tokens": prompt + done,
        "prompt_tokens_details": {"cached_tokens": script.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": min(done, script.reasoning_tokens)},
    }


def _event(script: Script, body: bytes) -> bytes:
    data = b"data: " + body + b"\n\n"
    return data if script.transfer == "length-less" else b"%x\r\n%b\r\n" % (len(data), data)


def _chunk(script: Script, choice: dict[str, Any], *, chat: bool, done: int, running: int | None) -> bytes:
    """One event with a choice; `running` is the prompt's length when each chunk carries usage."""
    body = _envelope(chat=chat, streamed=True)
    body["choices"] = [{"index": 0, "finish_reason": None, **choice}]
    if running is not None:
        body["usage"] = _usage(script, done, running)
    return _event(script, _json(body))


def _stream_head(script: Script) -> bytes:
    framing = "" if script.transfer == "length-less" else "Transfer-Encoding: chunked\r\n"
    closing = "Connection: close\r\n" if _ending(script) == "close" else ""
    kind = "text/event-stream; charset=utf-8"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nCache-Control: no-cache\r\n{framing}{closing}\r\n".encode()


def _stream_body(script: Script, wanted: int, chat: bool, stalled: bool, running: int | None) -> list[Step]:
    events: list[Step] = []
    if chat and script.role_chunk:
        role = {"delta": {"role": "assistant", "content": ""}}
        events.append((script.headers_delay_s, _chunk(script, role, chat=True, done=0, running=running), 0))
    bounds = [*range(0, wanted, script.tokens_per_chunk), wanted]
    for first, stop in pairwise(bounds):
        said = _said(script, range(first, stop), chat=chat)
        payload = _chunk(script, {"delta": said} if chat else said, chat=chat, done=stop, running=running)
        events.append((chunk_offset_s(script, first, stalled=stalled), payload, stop - first))
    return _with_head(script, _spread(script, events))


def _with_head(script: Script, steps: list[Step]) -> list[Step]:
    """The HTTP head goes out with the first bytes, unless the script wants it slow and nothing is due so early."""
    head = _stream_head(script)
    if not steps or (script.headers_delay_s and steps[0][0] > script.headers_delay_s):
        return [(script.headers_delay_s, head, 0), *steps]
    offset_s, payload, tokens = steps[0]
    return [(offset_s, head + payload, tokens), *steps[1:]]


def _spread(script: Script, events: Iterable[Step], *, floor_s: float = 0.0) -> list[Step]:
    """Events as writes: each cut where the script says, none before its forerunner is out."""
    steps: list[Step] = []
    for offset_s, payload, tokens in events:
        at_s = max(offset_s, floor_s)
        cut = _cut_at(script, payload)
        if cut:
            steps.append((at_s, payload[:cut], 0))
            at_s += script.split_gap_s
        steps.append((at_s, payload[cut:], tokens))
        floor_s = at_s
    return steps


def _cut_at(script: Script, payload: bytes) -> int:
    if script.split == "none":
        return 0
    if script.split == "token":
        return len(payload) // 2
    return next((index + 1 for index, byte in enumerate(payload) if byte > 0x7F), 0)


def _stream_end(script: Script, chat: bool, wanted: int, prompt: int | None, at_s: float) -> list[Step]:
    running = prompt if script.usage == "continuous" else None
    last: dict[str, Any] = {"delta": {}} if chat else {"text": ""}
    last["finish_reason"] = script.finish_reason
    events = [(at_s, _chunk(script, last, chat=chat, done=wanted, running=running), 0)]
    if prompt is not None and script.usage != "missing":
        body = {**_envelope(chat=chat, streamed=True), "choices": [], "usage": _usage(script, wanted, prompt)}
        late_s = script.late_usage_s if script.usage == "late" else 0.0
        events.append((at_s + late_s, _event(script, _json(body)), 0))
    steps = _spread(script, events, floor_s=at_s)
    offset_s, payload, _ = steps[-1]
    return [*steps[:-1], (offset_s, payload + _stream_close(script), 0)]


def _stream_close(script: Script) -> bytes:
    return _event(script, b"[DONE]") + (b"" if script.transfer == "length-less" else b"0\r\n\r\n")


def _broken(script: Script, steps: list[Step], said: int, *, stalled: bool) -> Plan:
    """The stream breaks when its next token would have been due."""
    at_s = max(chunk_offset_s(script, said, stalled=stalled), steps[-1][0])
    match script.fail_kind:
        case "garbage":
            payload = _event(script, b'{"choices": [{"delta"') * 2 + _stream_close(script)
        case "stream-error":
            error = _error(500, "the script says that this stream fails")
            payload = _event(script, _json(error)) + _stream_close(script)
        case kind:
            return Plan([*steps, (at_s, b"", 0)], "reset" if kind == "reset" else "close", "failed", takes_slot=True)
    return Plan([*steps, (at_s, payload, 0)], _ending(script), "failed", takes_slot=True)
