"""From raw bytes to a trace: what came in each read, and how many tokens that was. Pure; runs after the load point.

Where token counts per read come from, best first (the trace says which):
server-count  the server sends its running count with every piece (vLLM's continuous usage, llama.cpp's timings)
per-delta     one token a non-empty delta, when that adds up to the server's final count
apportioned   the final count spread over the reads by characters
"""

import hashlib
import html
import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from inference_arena.load.clip import MOST_DETAIL_CHARACTERS, clip
from inference_arena.load.raw import RawRequest
from inference_arena.load.wire import Call
from inference_arena.record import RequestTrace

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One event of the stream: the read that completed it and what it brought."""

    read: int
    answer: str
    reasoning: str
    running_count: int | None
    finish_reason: str | None

    @property
    def characters(self) -> int:
        return len(self.answer) + len(self.reasoning)


@dataclass(frozen=True, slots=True)
class Stream:
    """A whole answer, understood."""

    pieces: tuple[Piece, ...]
    usage: dict[str, Any]
    timings: dict[str, float]
    done: bool
    error: str | None
    garbage: str | None


def decode(raw: RawRequest, body: bytes) -> RequestTrace:
    """The trace of one request; an answer that does not hold together is a failure with a name."""
    trace = RequestTrace(
        request=raw.request,
        point=raw.point,
        scheduled_s=raw.scheduled_s,
        sent_s=raw.sent_s,
        connect_s=raw.connect_s,
        headers_s=raw.headers_s,
        ended_s=raw.ended_s,
        result=raw.result,
        failure=raw.failure,
        detail=clip(raw.detail),
        status=raw.status,
        asked_input_tokens=raw.asked_input_tokens,
        asked_output_tokens=raw.asked_output_tokens,
        prompt_sha256=raw.prompt_sha256,
    )
    if raw.status is None:
        return trace
    if raw.status != 200:
        return _failed(trace, f"http-{raw.status}", error_text(body))
    if "text/event-stream" not in raw.content_type.lower():
        return _failed(trace, "not-a-stream", f"{raw.content_type or 'no content type'}: {error_text(body)}")
    stream = read_stream(raw, body)
    return _judged(_with_tokens(trace, raw, stream), stream)


def _failed(trace: RequestTrace, failure: str, detail: str | None) -> RequestTrace:
    """A failure seen in the answer; one seen on the wire before keeps its name."""
    if trace.result in {"cancelled", "unfinished"} or trace.failure is not None:
        return trace
    return trace.model_copy(update={"result": "failed", "failure": failure, "detail": clip(detail)})


def _judged(trace: RequestTrace, stream: Stream) -> RequestTrace:
    if stream.error is not None:
        return _failed(trace, "stream-error", stream.error)
    if stream.garbage is not None:
        return _failed(trace, "garbage", stream.garbage)
    if not stream.done and trace.finish_reason is None:
        return _failed(trace, "cut-short", "the stream ended without a finish reason")
    if not trace.read_s:
        return _failed(trace, "empty-answer", "the stream ended without a single token")
    return trace


def events(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The data of each server-sent event line that has any, with the offset just behind the line."""
    for match in _LINE.finditer(body):
        line = match.group().strip(b"\r\n")
        if line.startswith(b"data:") and (data := line[5:].strip()):
            yield match.end(), data


def read_stream(raw: RawRequest, body: bytes) -> Stream:
    ends = tuple(accumulate(raw.read_bytes))
    pieces: list[Piece] = []
    usage: dict[str, Any] = {}
    timings: dict[str, float] = {}
    done, error, garbage = False, None, None
    for end, data in events(body):
        if data == b"[DONE]":
            done = True
            continue
        message = _json(data)
        if message is None:
            garbage = garbage or data[:80].decode("utf-8", "replace")
            continue
        error = error or _error_in(message)
        usage = message["usage"] if isinstance(message.get("usage"), dict) else usage
        timings = _numbers(message.get("timings")) or timings
        pieces += _pieces(message, read=min(bisect_left(ends, end), len(ends) - 1))
    return Stream(tuple(pieces), usage, timings, done, error, garbage)


def first_token_at(call: Call) -> float | None:
    """The reading of the first read that completed a generated token: as decode finds it, but no further."""
    ends = tuple(accumulate(call.read_bytes))
    for end, data in events(b"".join(call.body)):
        if any(piece.characters for piece in _pieces(_json(data) or {}, read=0)):
            return call.read_at[min(bisect_left(ends, end), len(ends) - 1)]
    return None


def pieces_in(data: bytes) -> Iterator[tuple[str, str]]:
    """The text of one event, answer and reasoning, for who reads while it comes."""
    return ((piece.answer, piece.reasoning) for piece in _pieces(_json(data) or {}, read=0) if piece.characters)


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _error_in(message: dict[str, Any]) -> str | None:
    error = message.get("error")
    if not error:
        return None
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _numbers(values: Any) -> dict[str, float]:
    if not isinstance(values, dict):
        return {}
    named = {key: value for key, value in values.items() if key.isascii() and key.isprintable() and len(key) <= 64}
    numbers = {key: value for key, value in named.items() if isinstance(value, (int, float))}
    return {key: float(value) for key, value in numbers.items() if abs(value) < 1e15}


def _pieces(message: dict[str, Any], *, read: int) -> list[Piece]:
    choices = message.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return []
    choice = choices[0]
    given = choice.get("delta")
    delta: dict[str, Any] = given if isinstance(given, dict) else {}
    finish = choice.get("finish_reason")
    return [
        Piece(
            read=read,
            answer=_text(choice.get("text")) + _text(delta.get("content")) + _tool_text(delta.get("tool_calls")),
            reasoning=_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")),
            running_count=_running_count(message),
            finish_reason=finish if isinstance(finish, str) else None,
        )
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _tool_text(calls: Any) -> str:
    if not isinstance(calls, list):
        return ""
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    return "".join(_text(f.get("name")) + _text(f.get("arguments")) for f in functions if isinstance(f, dict))


def _running_count(message: dict[str, Any]) -> int | None:
    usage, timings = message.get("usage"), message.get("timings")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if count is None and isinstance(timings, dict):
        count = timings.get("predicted_n")
    return _count(count)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _with_tokens(trace: RequestTrace, raw: RawRequest, stream: Stream) -> RequestTrace:
    """Tokens per read, answer and counts. A read's tokens are those whose event it completed."""
    finish = next((piece.finish_reason for piece in stream.pieces if piece.finish_reason), None)
    counted = _count(stream.usage.get("completion_tokens"))
    per_piece, how = count_tokens(stream.pieces, total=counted)
    by_read: dict[int, int] = {}
    for piece, tokens in zip(stream.pieces, per_piece, strict=True):
        if tokens:
            by_read[piece.read] = by_read.get(piece.read, 0) + tokens
    first_answer = next((p.read for p in stream.pieces if p.answer), None)
    text = "".join(piece.reasoning + piece.answer for piece in stream.pieces)
    return trace.model_copy(
        update={
            "read_s": tuple(raw.read_s[read] for read in by_read),
            "read_tokens": tuple(by_read.values()),
            "token_times": how if by_read else None,
            "first_answer_s": None if first_answer is None else raw.read_s[first_answer],
            "finish_reason": clip(finish),
            "input_tokens": _count(stream.usage.get("prompt_tokens")),
            "cached_input_tokens": _cached(stream.usage),
            "output_tokens": counted if counted is not None else sum(per_piece) or None,
            "output_tokens_source": "usage" if counted is not None else "deltas" if by_read else None,
            "answer_characters": len(text),
            "answer_sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32] if text else None,
            "engine_timings": stream.timings or None,
        }
    )


def _cached(usage: dict[str, Any]) -> int | None:
    details = usage.get("prompt_tokens_details")
    return _count(details.get("cached_tokens")) if isinstance(details, dict) else None


def count_tokens(pieces: Sequence[Piece], *, total: int | None) -> tuple[list[int], str]:
    """Tokens of each piece and how they were found; they add up to `total` where it is known and any text came."""
    carrying = [piece for piece in pieces if piece.characters]
    if carrying and all(piece.running_count is not None for piece in carrying):
        return _increments(pieces), "server-count"
    singles = [1 if piece.characters else 0 for piece in pieces]
    if total is None or sum(singles) == total:
        return singles, "per-delta"
    stops = [1 if not piece.characters and piece.finish_reason == "stop" else 0 for piece in pieces]
    if carrying and sum(singles) + sum(stops) == total:  # the unseen end-of-text token came with the finish reason
        return [single + stop for single, stop in zip(singles, stops, strict=True)], "per-delta"
    return _apportion(pieces, total), "apportioned"


def _increments(pieces: Sequence[Piece]) -> list[int]:
    """Growth of the server's count where text came, or its end: the unseen end-of-text token comes with that."""
    seen, counts = 0, []
    for piece in pieces:
        told = piece.running_count if piece.characters or (seen and piece.finish_reason) else None
        running = seen if told is None else told
        counts.append(max(0, running - seen))
        seen = max(seen, running)
    return counts


def _apportion(pieces: Sequence[Piece], total: int) -> list[int]:
    """Whole tokens by cumulative share of characters, so that the sum is exact.

    A piece with text has one token first, while there are enough, so that TTFT and gaps stay those of the text;
    with fewer tokens than pieces the first piece still has one.
    """
    characters = sum(piece.characters for piece in pieces)
    if not characters:
        return [0] * len(pieces)
    first = [1 if piece.characters else 0 for piece in pieces]
    spare, early = total - sum(first), 0
    if spare < 0:
        first, spare, early = [0] * len(pieces), total, characters - 1
    edges = [(spare * done + early) // characters for done in accumulate(piece.characters for piece in pieces)]
    return [one + edge - before for one, edge, before in zip(first, edges, [0, *edges], strict=False)]


def error_text(body: bytes) -> str:
    """What an error page or document says, as one short line without markup."""
    message = _json(body)
    if message is not None:
        return _error_in(message) or str(message.get("detail") or message.get("message") or "")[:MOST_DETAIL_CHARACTERS]
    text = re.sub(
        r"<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>",
        " ",
        body[:20_000].decode("utf-8", "replace"),
        flags=re.DOTALL | re.IGNORECASE,
    )
    return " ".join(html.unescape(text).split())
