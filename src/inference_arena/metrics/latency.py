"""Latencies of one request, from its clock readings. Definitions: docs/reference/metrics.md. Pure."""

from collections.abc import Iterator

from inference_arena.record import RequestTrace


def ttft_s(trace: RequestTrace) -> float | None:
    """First read that carried a generated token, minus the first byte sent. None without either."""
    if not trace.read_s or trace.sent_s is None:
        return None
    return trace.read_s[0] - trace.sent_s


def scheduled_ttft_s(trace: RequestTrace) -> float | None:
    """As TTFT, from when the load wanted the request sent: free of coordinated omission."""
    return trace.read_s[0] - trace.scheduled_s if trace.read_s else None


def chunk_gaps_s(trace: RequestTrace) -> tuple[float, ...]:
    """Times between consecutive token-carrying reads."""
    return tuple(after - before for before, after in zip(trace.read_s, trace.read_s[1:], strict=False))


def longest_gap_s(trace: RequestTrace) -> float | None:
    """The longest freeze inside the answer; None when it came in one read."""
    return max(chunk_gaps_s(trace), default=None)


def itl_s(trace: RequestTrace) -> Iterator[float]:
    """Each chunk gap divided by the tokens of the chunk that ended it."""
    return (gap / tokens for gap, tokens in zip(chunk_gaps_s(trace), trace.read_tokens[1:], strict=True))


def tpot_s(trace: RequestTrace) -> float | None:
    """(last read - first read) / (tokens after the first read); None when no token came after it.

    Dividing by n - 1 instead would read 9.4 ms for a true 10 when four tokens come at a time.
    """
    later = sum(trace.read_tokens[1:])
    return (trace.read_s[-1] - trace.read_s[0]) / later if later else None


def e2e_s(trace: RequestTrace) -> float | None:
    """Last token minus first byte sent."""
    if not trace.read_s or trace.sent_s is None:
        return None
    return trace.read_s[-1] - trace.sent_s


def scheduled_e2e_s(trace: RequestTrace) -> float | None:
    return trace.read_s[-1] - trace.scheduled_s if trace.read_s else None


def schedule_lag_s(trace: RequestTrace) -> float | None:
    """How late the request left; making a new connection is part of it."""
    return None if trace.sent_s is None else trace.sent_s - trace.scheduled_s
