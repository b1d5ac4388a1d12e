"""What the load client and the machine had to do with the numbers. Pure."""

from collections.abc import Iterable, Sequence

from inference_arena.metrics.latency import schedule_lag_s
from inference_arena.metrics.statistics import mean, percentile
from inference_arena.metrics.throughput import Window
from inference_arena.record import (
    ClientSample,
    ClientSummary,
    HostSample,
    HostSummary,
    RequestTrace,
    Sample,
    SelfTestSample,
    SelfTestSummary,
)


def _percentile(values: Iterable[float], share: float) -> float | None:
    ordered = sorted(values)
    return percentile(ordered, share) if ordered else None


def client_summary(point: int, *, measured: Iterable[RequestTrace], samples: Iterable[Sample]) -> ClientSummary:
    """The client's error budget at one point; p99 whatever the count, since it is a bound and not a result."""
    own = [s for s in samples if isinstance(s, ClientSample) and s.point == point]
    shares = [s.cpu_s / (s.to_s - s.from_s) for s in own if s.to_s > s.from_s]
    lags = (schedule_lag_s(trace) for trace in measured)
    return ClientSummary(
        loop_lag_p99_s=_percentile((lag for s in own for lag in s.loop_lag_s), 0.99),
        schedule_lag_p99_s=_percentile((lag for lag in lags if lag is not None), 0.99),
        cpu_share=max(shares, default=None),  # of several load processes the busiest
        prompts_made_late=sum(s.prompts_made_late for s in own),
    )


def host_summary(samples: Iterable[Sample], *, window: Window | None) -> HostSummary:
    inside = [s for s in samples if isinstance(s, HostSample) and window and window[0] <= s.t_s < window[1]]
    swap = [s.swap_used_bytes for s in inside if s.swap_used_bytes is not None]
    return HostSummary(
        cpu_share_mean=mean([s.cpu_share for s in inside if s.cpu_share is not None]),
        engine_cpu_share_mean=mean([s.engine_cpu_share for s in inside if s.engine_cpu_share is not None]),
        engine_rss_max_bytes=max((s.engine_rss_bytes for s in inside if s.engine_rss_bytes is not None), default=None),
        ram_available_min_bytes=min(
            (s.ram_available_bytes for s in inside if s.ram_available_bytes is not None), default=None
        ),
        swap_growth_bytes=swap[-1] - swap[0] if swap else None,
    )


def self_test_summary(samples: Iterable[Sample]) -> SelfTestSummary | None:
    """Seen minus true; None when no self-test was made or it saw nothing."""
    test = next((s for s in samples if isinstance(s, SelfTestSample)), None)
    if test is None or not test.true_ttft_s:
        return None
    ttft = sorted(_differences(test.seen_ttft_s, test.true_ttft_s))
    tpot = [abs(seen / true - 1) for seen, true in zip(test.seen_tpot_s, test.true_tpot_s, strict=True) if true > 0]
    return SelfTestSummary(
        streams=test.streams,
        n=len(ttft),
        ttft_error_p50_s=percentile(ttft, 0.5),
        ttft_error_p99_s=percentile(ttft, 0.99),
        tpot_error_share=_percentile(tpot, 0.5),
        tokens_lost=test.tokens_sent - test.tokens_seen,
    )


def _differences(seen: Sequence[float], true: Sequence[float]) -> Iterable[float]:
    return (a - b for a, b in zip(seen, true, strict=True))
