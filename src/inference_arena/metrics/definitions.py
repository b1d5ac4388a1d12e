"""What other tools mean by their words: one table a tool, made of the formulas of its own sources. Pure.

Where they differ from ours is said in each row. Percentiles and which requests count is `views`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from inference_arena.record import ReportedRequest

_MS: Final = 1000.0
Values = Sequence[tuple[float, float]]  # value and weight
Requests = Sequence[ReportedRequest]


class Metric(NamedTuple):
    """`values` gives what the statistics are over; `one` a single number for the whole run."""

    name: str
    unit: str
    ours: str | None
    differs: str | None
    values: Callable[[Requests], Values] | None = None
    one: Callable[[Requests], float | None] | None = None


def _each(measure: Callable[[ReportedRequest], float | None], *, scale: float = 1.0) -> Callable[[Requests], Values]:
    """One value a request, where there is one."""

    def values(requests: Requests) -> Values:
        found = (measure(request) for request in requests)
        return [(value * scale, 1.0) for value in found if value is not None]

    return values


def _weighted(
    measure: Callable[[ReportedRequest], float | None], weight: Callable[[int], int]
) -> Callable[[Requests], Values]:
    """One value a request in milliseconds, counted as often as its tokens."""

    def values(requests: Requests) -> Values:
        found = ((measure(request), weight(request.output_tokens or 0)) for request in requests)
        return [(value * _MS, float(often)) for value, often in found if value is not None and often > 0]

    return values


def _pooled_gaps(requests: Requests) -> Values:
    return [(gap * _MS, 1.0) for request in requests for gap in request.gaps_s]


def _ttft(request: ReportedRequest) -> float | None:
    return _between(request.sent_s, request.first_token_s)


def _to_last_token(request: ReportedRequest) -> float | None:
    return _between(request.sent_s, request.last_token_s)


def _to_end(request: ReportedRequest) -> float | None:
    return _between(request.sent_s, request.ended_s)


def _between(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else end_s - start_s


def _per_token(total_s: float | None, tokens: int | None, *, without: int) -> float | None:
    if total_s is None or tokens is None or tokens <= without:
        return None
    return total_s / (tokens - without)


def _with_first(request: ReportedRequest) -> float | None:
    return _per_token(_to_last_token(request), request.output_tokens, without=0)


def _after_first(request: ReportedRequest) -> float | None:
    decode_s = _between(request.first_token_s, request.last_token_s)
    return _per_token(decode_s, request.output_tokens, without=1)


def _after_first_to_end(request: ReportedRequest) -> float | None:
    return _per_token(_between(request.first_token_s, request.ended_s), request.output_tokens, without=1)


def _speed_per_user(request: ReportedRequest) -> float | None:
    pace_s = _after_first(request)
    return 1 / pace_s if pace_s else None


def _first_gap(request: ReportedRequest) -> float | None:
    return request.gaps_s[0] if request.gaps_s else None


def _span_s(requests: Requests, end: Callable[[ReportedRequest], float | None]) -> float | None:
    starts = [r.sent_s for r in requests if r.sent_s is not None]
    ends = [at for r in requests if (at := end(r)) is not None]
    return max(ends) - min(starts) if starts and ends and max(ends) > min(starts) else None


def _over_span(
    amount: Callable[[Requests], float | None], end: Callable[[ReportedRequest], float | None]
) -> Callable[[Requests], float | None]:
    """An amount over the time from the first request's start to the last one's end."""

    def one(requests: Requests) -> float | None:
        span_s, found = _span_s(requests, end), amount(requests)
        return None if span_s is None or found is None else found / span_s

    return one


def _output_tokens(requests: Requests) -> float | None:
    counted = [r.output_tokens for r in requests if r.output_tokens is not None]
    return float(sum(counted)) if counted and len(counted) == len(requests) else None


def _input_tokens(requests: Requests) -> float | None:
    counted = [r.input_tokens for r in requests if r.input_tokens is not None]
    return float(sum(counted)) if counted and len(counted) == len(requests) else None


def _busy_s(end: Callable[[ReportedRequest], float | None]) -> Callable[[Requests], float | None]:
    return lambda requests: sum(_between(r.sent_s, end(r)) or 0.0 for r in requests) or None


def _count(requests: Requests) -> float | None:
    return float(len(requests)) or None


def _ended(request: ReportedRequest) -> float | None:
    return request.ended_s


def _last(request: ReportedRequest) -> float | None:
    return request.last_token_s


_EDGES = (
    "over all the time from first send to last end, so ramp-up and drain lower it; ours is inside the steady window"
)
_WITH_CONNECTION = "its clock starts before a new connection is made; ours at the first byte written"
_WITHOUT_ONE = "divides by n - 1: too small where the first chunk carries several tokens"
_STEPS = "percentiles are the nearest value, not interpolated"
_WHOLE_CHUNK = "a gap is between chunks, whatever tokens they carry; ours, under this name, is per token"

_GUIDELLM: Final = (
    Metric("time_to_first_token_ms", "ms", "ttft_s", _STEPS, values=_each(_ttft, scale=_MS)),
    Metric(
        "inter_token_latency_ms",
        "ms",
        "tpot_s",
        f"a mean per request (what others call TPOT), counted once a token; stalls vanish in it; {_WITHOUT_ONE}",
        values=_weighted(_after_first, lambda tokens: tokens - 1),
    ),
    Metric(
        "time_per_output_token_ms",
        "ms",
        None,
        "(last token - start) / n: the wait for the first token is inside; no other tool's TPOT is this",
        values=_weighted(_with_first, lambda tokens: tokens),
    ),
    Metric("request_latency", "s", "e2e_s", "to the end of the stream; ours to the last token", values=_each(_to_end)),
    Metric("requests_per_second", "1/s", "requests_per_s", _EDGES, one=_over_span(_count, _ended)),
    Metric(
        "output_tokens_per_second", "tokens/s", "output_tokens_per_s", _EDGES, one=_over_span(_output_tokens, _ended)
    ),
    Metric("request_concurrency", "requests", "concurrency_mean", _EDGES, one=_over_span(_busy_s(_ended), _ended)),
)
_AIPERF: Final = (
    Metric("time_to_first_token", "ms", "ttft_s", _WITH_CONNECTION, values=_each(_ttft, scale=_MS)),
    Metric("time_to_second_token", "ms", None, "the first gap between chunks", values=_each(_first_gap, scale=_MS)),
    Metric(
        "inter_token_latency",
        "ms",
        "tpot_s",
        f"a mean per request (what others call TPOT); {_WITHOUT_ONE}, unless asked with --per-chunk-usage",
        values=_each(_after_first, scale=_MS),
    ),
    Metric("inter_chunk_latency", "ms", "chunk_gap_s", None, values=_pooled_gaps),
    Metric("request_latency", "ms", "e2e_s", _WITH_CONNECTION, values=_each(_to_last_token, scale=_MS)),
    Metric("output_token_throughput_per_user", "tokens/s", "output_tokens_per_s_per_user",
            "1 / inter_token_latency of each request; ours is 1 / the median TPOT", values=_each(_speed_per_user)),
    Metric("request_throughput", "1/s", "requests_per_s", _EDGES, one=_over_span(_count, _ended)),
    Metric("output_token_throughput", "tokens/s", "output_tokens_per_s", _EDGES,
           one=_over_span(_output_tokens, _ended)),
)  # fmt: skip
_ROLE = (
    f"{_WITH_CONNECTION}; its first chunk may be an empty role chunk, which comes before any token: its own number can "
    "be as low as the time to the headers"
)
_VLLM: Final = (
    Metric("ttft", "ms", "ttft_s", _ROLE, values=_each(_ttft, scale=_MS)),
    Metric("tpot", "ms", "tpot_s", _WITHOUT_ONE, values=_each(_after_first, scale=_MS)),
    Metric("itl", "ms", "itl_s", f"{_WHOLE_CHUNK}; empty first and last chunks count too", values=_pooled_gaps),
    Metric("e2el", "ms", "e2e_s", f"{_WITH_CONNECTION}; to the last chunk with choices, often the empty one "
           "that says why the answer ended", values=_each(_to_last_token, scale=_MS)),
    Metric("request_throughput", "1/s", "requests_per_s", _EDGES, one=_over_span(_count, _ended)),
    Metric("output_throughput", "tokens/s", "output_tokens_per_s", _EDGES, one=_over_span(_output_tokens, _ended)),
)  # fmt: skip
_NEW_CONNECTION = "its clock starts before the connection, and it makes a new one for each request; ours are warm"
_SGLANG: Final = (
    Metric("ttft", "ms", "ttft_s", _NEW_CONNECTION, values=_each(_ttft, scale=_MS)),
    Metric("tpot", "ms", "tpot_s", f"to the end of the stream, not the last token; {_WITHOUT_ONE}",
            values=_each(_after_first_to_end, scale=_MS)),
    Metric("itl", "ms", "itl_s", _WHOLE_CHUNK, values=_pooled_gaps),
    Metric("e2e_latency", "ms", "e2e_s", "to the end of the stream; ours to the last token",
            values=_each(_to_end, scale=_MS)),
    Metric("request_throughput", "1/s", "requests_per_s", _EDGES, one=_over_span(_count, _ended)),
    Metric("input_throughput", "tokens/s", "input_tokens_per_s", _EDGES, one=_over_span(_input_tokens, _ended)),
    Metric("output_throughput", "tokens/s", "output_tokens_per_s", _EDGES, one=_over_span(_output_tokens, _ended)),
    Metric("concurrency", "requests", "concurrency_mean", _EDGES, one=_over_span(_busy_s(_ended), _ended)),
)  # fmt: skip
METRICS: Final[Mapping[str, Sequence[Metric]]] = MappingProxyType(
    {"guidellm": _GUIDELLM, "aiperf": _AIPERF, "vllm": _VLLM, "sglang": _SGLANG}
)
CONNECTING: Final = frozenset({"aiperf", "vllm", "sglang"})
SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "guidellm": "GuideLLM 0.8.1, schemas/base/request_stats.py",
        "aiperf": "AIPerf 0.13.0, metrics/types/",
        "vllm": "vLLM, vllm/benchmarks/serve.py and lib/endpoint_request_func.py",
        "sglang": "SGLang, bench_serving.py",
    }
)
