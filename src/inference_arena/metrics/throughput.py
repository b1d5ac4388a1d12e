"""Rates over the steady window, from token events wherever their request began or ended. Pure."""

from collections.abc import Iterable, Sequence

from inference_arena.metrics.statistics import mean_of_blocks
from inference_arena.record import Estimate, RequestTrace

BLOCKS = 10
FEWEST_TOKENS_TO_TELL = 8
Window = tuple[float, float]


def output_tokens_per_s(traces: Iterable[RequestTrace], window: Window) -> Estimate | None:
    """Token events inside the window over its length, with an interval from ten blocks; None for an empty window."""
    begin, end = window
    if end <= begin:
        return None
    block_s = (end - begin) / BLOCKS
    blocks = [0.0] * BLOCKS
    for trace in traces:
        for at, tokens in zip(trace.read_s, trace.read_tokens, strict=True):
            if begin <= at < end:
                blocks[min(BLOCKS - 1, int((at - begin) / block_s))] += tokens
    return mean_of_blocks([tokens / block_s for tokens in blocks], method="ten-blocks")


def input_tokens_per_s(traces: Sequence[RequestTrace], window: Window) -> float | None:
    """Prompt tokens credited at the first token; None when the server never said how many there were."""
    begin, end = window
    inside = [t for t in traces if t.read_s and begin <= t.read_s[0] < end]
    counted = [t.input_tokens for t in inside if t.input_tokens is not None]
    if end <= begin or not counted or len(counted) < len(inside):
        return None
    return sum(counted) / (end - begin)


def requests_per_s(traces: Iterable[RequestTrace], window: Window) -> float | None:
    """Ok requests that ended inside the window over its length."""
    begin, end = window
    if end <= begin:
        return None
    return sum(t.result == "ok" and t.ended_s is not None and begin <= t.ended_s < end for t in traces) / (end - begin)


def concurrency_mean(traces: Iterable[RequestTrace], window: Window) -> float | None:
    """Time-averaged requests in flight, sent but not ended, over the window."""
    begin, end = window
    if end <= begin:
        return None
    busy_s = 0.0
    for trace in traces:
        if trace.sent_s is not None and trace.ended_s is not None:
            busy_s += max(0.0, min(end, trace.ended_s) - max(begin, trace.sent_s))
    return busy_s / (end - begin)


def buffered(traces: Sequence[RequestTrace]) -> bool:
    """Something on the way keeps the stream back: most answers of several tokens came for the most part in one read."""
    long = [trace for trace in traces if sum(trace.read_tokens) >= FEWEST_TOKENS_TO_TELL]
    return bool(long) and sum(2 * max(t.read_tokens) > sum(t.read_tokens) for t in long) > len(long) / 2


def tokens_per_chunk(traces: Iterable[RequestTrace]) -> float | None:
    reads = [tokens for trace in traces for tokens in trace.read_tokens]
    return sum(reads) / len(reads) if reads else None
