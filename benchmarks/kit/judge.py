"""All clients judged by one rule from the server's log: what they added, what load they lost, what they cost. Pure.

The window starts `settle_s` after the first request reached the server and lasts the load's duration. Requests that
our client names are joined by name; a peer's by time, the earliest request not yet joined that the server received
after the peer says it was sent (all answers take the same time, so a wrong join moves nothing).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inference_arena.load.truth import Sent
from inference_arena.metrics.statistics import P99_NEEDS, percentile
from kit.work import Fared, Seen, Work

# a peer's wall clock against ours: their stamps are taken before the send, so a little slack suffices
CLOCK_SLACK_S = 0.005
Window = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """In milliseconds, shares and microseconds; None where there was nothing to judge."""

    requests: int
    ttft_error_p50_ms: float | None
    ttft_error_p99_ms: float | None
    tpot_error_share: float | None
    load_share: float | None
    cpu_us_per_token: float | None
    loop_lag_p99_ms: float | None
    waited_ms: float | None
    stolen_ms: float | None


def window(work: Work, fared: Fared) -> Window:
    begin = min((sent.received_s for sent in fared.sent), default=0.0) + work.settle_s
    return begin, begin + work.duration_s


def quantile(values: Sequence[float], share: float) -> float | None:
    """None without values, and for a p99 of fewer than 100: it would be the maximum by another name."""
    if not values or (share > 0.98 and len(values) < P99_NEEDS):
        return None
    return percentile(sorted(values), share)


def pairs(fared: Fared, inside: Window) -> Iterator[tuple[Seen, Sent]]:
    """Requests sent inside the window that both sides finished."""
    whole = [sent for sent in fared.sent if sent.outcome == "ok" and sent.sends]
    seen = sorted((s for s in fared.seen if inside[0] <= s.sent_s < inside[1]), key=lambda s: s.sent_s)
    by_name = {sent.request: sent for sent in whole if sent.request is not None}
    if by_name:
        yield from ((s, by_name[s.name]) for s in seen if s.name in by_name)
        return
    waiting = iter(sorted(whole, key=lambda sent: sent.received_s))
    for one in seen:
        sent = next((s for s in waiting if s.received_s >= one.sent_s - CLOCK_SLACK_S), None)
        if sent is None:
            return
        yield one, sent


def true_ttft_s(sent: Sent) -> float:
    return sent.sends[0][0] - sent.received_s


def true_tpot_s(sent: Sent) -> float | None:
    later = sum(tokens for _, tokens in sent.sends[1:])
    return (sent.sends[-1][0] - sent.sends[0][0]) / later if later else None


def tpot_errors(joined: Sequence[tuple[Seen, Sent]]) -> list[float]:
    """|seen / true - 1| of each request that has both."""
    both = [(seen.tpot_s, true_tpot_s(sent)) for seen, sent in joined]
    return [abs(seen / true - 1) for seen, true in both if seen is not None and true]


def load_share(work: Work, fared: Fared, inside: Window) -> float | None:
    """Of a closed load: the time one answer takes over the mean time from a request to the one `concurrency` later.

    That is requests/s against the possible, but exact whatever the window cuts: streams that move in step would make
    a plain count jump by `concurrency`.
    """
    streams = work.load.concurrency or 0
    at_s = sorted(sent.received_s for sent in fared.sent if inside[0] <= sent.received_s < inside[1])
    turns = [later - first for first, later in zip(at_s, at_s[streams:], strict=False)]
    return work.answer_s * len(turns) / sum(turns) if streams and turns else None


def tokens_between(fared: Fared, inside: Window) -> int:
    return sum(tokens for sent in fared.sent for at_s, tokens in sent.sends if inside[0] <= at_s < inside[1])


def cpu_us_per_token(fared: Fared, inside: Window) -> float | None:
    tokens, cpu_s = tokens_between(fared, inside), fared.usage.between(*inside)
    return cpu_s / tokens * 1e6 if tokens and cpu_s is not None else None


def judge(work: Work, fared: Fared) -> Verdict:
    inside = window(work, fared)
    joined = list(pairs(fared, inside))
    errors_ms = [(seen.ttft_s - true_ttft_s(sent)) * 1e3 for seen, sent in joined]
    lag_s = quantile(fared.loop_lag_s, 0.99)
    return Verdict(
        requests=len(joined),
        ttft_error_p50_ms=quantile(errors_ms, 0.5),
        ttft_error_p99_ms=quantile(errors_ms, 0.99),
        tpot_error_share=quantile(tpot_errors(joined), 0.5),
        load_share=load_share(work, fared, inside),
        cpu_us_per_token=cpu_us_per_token(fared, inside),
        loop_lag_p99_ms=milliseconds(lag_s),
        waited_ms=milliseconds(fared.waited.between(*inside)),
        stolen_ms=milliseconds(fared.stolen.between(*inside)),
    )


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def per_peer(verdicts: dict[str, Verdict | None], read: Callable[[Verdict], float | None]) -> dict[str, float | None]:
    return {peer: None if verdict is None else read(verdict) for peer, verdict in verdicts.items()}
