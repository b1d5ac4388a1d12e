"""Exports of AIPerf: `profile_export_aiperf.json` (figures) and `profile_export.jsonl` (one line a request).

Times of requests are nanoseconds of the day there; here they count from the first request.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from inference_arena.exchange.reading import Place, count, number, scalars, text
from inference_arena.exchange.told import Told
from inference_arena.plan import Load
from inference_arena.record import Figure, ReportedPoint, ReportedRequest

FORMATS: Final = "1."
PLACES: Final = {"mean": "avg", "std": "std", "min": "min", "p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99",
                 "max": "max"}  # fmt: skip
_UNITS: Final = {"requests/sec": "1/s", "tokens/sec": "tokens/s", "tokens/sec/user": "tokens/s", "sec": "s"}
_FACTS: Final = {
    "input_config.endpoint.type": "endpoint",
    "input_config.endpoint.streaming": "streaming",
    "input_config.endpoint.use_server_token_count": "server_token_count",
    "was_cancelled": "was_cancelled",
    "is_complete": "is_complete",
}
_NS: Final = 1e9


def is_aiperf(document: Place) -> bool:
    return document.maybe("aiperf_version") is not None


def is_aiperf_line(line: Place) -> bool:
    metadata = line.maybe("metadata")
    return metadata is not None and metadata.maybe("request_start_ns") is not None and line.maybe("metrics") is not None


def read_aiperf(document: Place, lines: Sequence[Place]) -> Told:
    """The export with its requests; without the document the figures are left to be made from the requests."""
    requests = _requests(lines)
    version = text(document, "schema_version")
    if version is not None and not version.startswith(FORMATS):
        document.at("schema_version").refuse(f"is {version}; this arena reads {FORMATS}x")
    return Told(
        tool="aiperf",
        tool_version=text(document, "aiperf_version"),
        tool_format=f"AIPerf export {version}" if version else "AIPerf export of requests",
        started_unix_s=_first_ns(lines) / _NS if lines else None,
        model=_model(document),
        facts=scalars(document, _FACTS),
        points=(_point(document, requests),),
        requests=requests,
        clock="report" if requests else None,
    )


def _model(document: Place) -> str | None:
    found: Place | None = document
    for key in ("input_config", "models", "items", 0, "name"):
        found = None if found is None else found.maybe(key)
    return None if found is None else found.text()


def _point(document: Place, requests: Sequence[ReportedRequest]) -> ReportedPoint:
    load, label = _load(document)
    duration = document.maybe("benchmark_duration")
    ok, failed = _told_count(document, "request_count"), _told_count(document, "error_request_count")
    return ReportedPoint(
        index=0,
        label=label,
        load=load,
        duration_s=None if duration is None else number(duration, "avg"),
        ok=sum(r.result == "ok" for r in requests) if ok is None and requests else ok,
        failed=sum(r.result == "failed" for r in requests) if failed is None and requests else failed,
        figures=tuple(_figures(document)),
    )


def _told_count(document: Place, name: str) -> int | None:
    found = document.maybe(name)
    return None if found is None else count(found, "avg")


def _load(document: Place) -> tuple[Load | None, str]:
    """The profiling phase's load; an export names its phases in its input configuration."""
    config = document.maybe("input_config")
    phases = None if config is None else config.maybe("phases")
    for phase in () if phases is None else phases.items():
        if text(phase, "name") not in ("profiling", None):
            continue
        streams, rate = count(phase, "concurrency"), number(phase, "rate")
        kind = text(phase, "type")
        if rate and kind not in ("poisson", "constant"):
            return None, f"{kind}, {rate:g}/s"
        if rate:
            return Load(
                kind="open", rate_per_s=rate, arrivals="poisson" if kind == "poisson" else "constant"
            ), f"{rate:g}/s"
        if streams:
            return Load(kind="closed", concurrency=streams), f"{streams}"
    return None, "not said"


def _figures(document: Place) -> Iterator[Figure]:
    for name, told in document.object().items():
        if not isinstance(told, dict) or "unit" not in told or "avg" not in told:
            continue
        metric = document.at(name)
        unit = metric.at("unit").text()
        found = {ours: number(metric, theirs) for ours, theirs in PLACES.items()}
        yield Figure(name=name, unit=_UNITS.get(unit, unit), n=count(metric, "count")).model_copy(update=found)


def _first_ns(lines: Sequence[Place]) -> int:
    return min(line.at("metadata").at("request_start_ns").number_of_ns() for line in lines)


def _requests(lines: Sequence[Place]) -> tuple[ReportedRequest, ...]:
    if not lines:
        return ()
    zero_ns = _first_ns(lines)
    profiled = [line for line in lines if text(line.at("metadata"), "benchmark_phase") in ("profiling", None)]
    return tuple(_request(line, index=i, zero_ns=zero_ns) for i, line in enumerate(profiled))


def _request(line: Place, *, index: int, zero_ns: int) -> ReportedRequest:
    metadata, metrics = line.at("metadata"), line.at("metrics")

    def at(name: str) -> float | None:
        found = metadata.maybe(name)
        return None if found is None else (found.number_of_ns() - zero_ns) / _NS

    def told(name: str) -> float | None:
        found = metrics.maybe(name)
        return None if found is None else number(found, "value")

    sent_s = at("request_start_ns")
    ttft_ms, latency_ms = told("time_to_first_token"), told("request_latency")
    error = line.maybe("error")
    cancelled = scalars(metadata, {"was_cancelled": "was"}).get("was") is True
    return ReportedRequest(
        request=index,
        point=0,
        scheduled_s=at("credit_issued_ns"),
        sent_s=sent_s,
        first_token_s=None if sent_s is None or ttft_ms is None else sent_s + ttft_ms / 1000,
        last_token_s=None if sent_s is None or latency_ms is None else sent_s + latency_ms / 1000,
        ended_s=at("request_end_ns"),
        gaps_s=_gaps(metrics),
        input_tokens=_whole(told("input_sequence_length")),
        cached_input_tokens=_whole(told("usage_prompt_cache_read_tokens")),
        output_tokens=_whole(told("output_sequence_length")),
        result="cancelled" if cancelled else "failed" if error is not None else "ok",
        failure=None if error is None else _kind(error),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _gaps(metrics: Place) -> tuple[float, ...]:
    found = metrics.maybe("inter_chunk_latency")
    return () if found is None else tuple(gap.number() / 1000 for gap in found.at("value").items())


def _kind(error: Place) -> str | None:
    return text(error, "type") if isinstance(error.value, dict) else None
