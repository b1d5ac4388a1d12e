"""Reports of GuideLLM: format 2 (from 0.7 on), format 1 (0.4 to 0.6) and the unnumbered one before. Knows its fields.

Prompts and answers in it are passed over. Times are seconds of the day there; here they count from the first request.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from inference_arena.exchange.reading import Place, count, number, scalars, text
from inference_arena.exchange.told import Told
from inference_arena.plan import Load
from inference_arena.record import Figure, ReportedPoint, ReportedRequest, Result

FORMATS: Final = (1, 2)
_PERCENTILES: Final = ("p50", "p90", "p95", "p99")
# our name of a reading -> its name in formats 1 and 2, and its name before them
_READINGS: Final = {
    "sent_s": ("request_start", "start_time"),
    "first_token_s": ("first_token_iteration", "first_token_time"),
    "last_token_s": ("last_token_iteration", "last_token_time"),
    "ended_s": ("request_end", "end_time"),
}
_EARLY_MEANINGS: Final = {
    "time_per_output_token_ms": ("tpot_s", "before 0.4: (last token - first token) / n, where others divide by n - 1")
}
_PLACES: Final = {"mean": "mean", "std": "std_dev", "min": "min", "max": "max"}
_RESULTS: Final[dict[str, Result]] = {"successful": "ok", "errored": "failed", "incomplete": "unfinished"}
_FACTS: Final = {
    "metadata.python_version": "python",
    "metadata.platform": "platform",
    "config.spec.profile.kind": "profile",
    "args.profile": "profile",
    "config.spec.seed.value": "seed",
    "args.random_seed": "seed",
}
_BENCHMARK_FACTS: Final = {
    "warmup_duration": "warmup_s",
    "cooldown_duration": "cooldown_s",
    "config.strategy.worker_count": "workers",
    "config.backend.request_format": "request_format",
}


def is_guidellm(document: Place) -> bool:
    metadata = document.maybe("metadata")
    return (metadata is not None and metadata.maybe("guidellm_version") is not None) or _is_early(document)


def _is_early(document: Place) -> bool:
    """Before 0.4 a report names neither tool nor format; its benchmarks do."""
    benchmarks = document.maybe("benchmarks")
    first = None if benchmarks is None else benchmarks.maybe(0)
    return first is not None and first.maybe("type_") is not None and first.maybe("metrics") is not None


def read_guidellm(document: Place) -> Told:
    """The report; raises BadFileError for a format that nobody has read yet."""
    metadata = document.maybe("metadata")
    version = None if metadata is None else count(metadata, "version")
    if version is not None and version not in FORMATS:
        document.at("metadata").at("version").refuse(f"is {version}; this arena reads {FORMATS[0]} and {FORMATS[1]}")
    benchmarks = list(document.at("benchmarks").items())
    if not benchmarks:
        document.at("benchmarks").refuse("is empty: nothing was measured")
    zero_s = min((at for each in benchmarks if (at := number(each, "start_time")) is not None), default=0.0)
    requests = [r for i, each in enumerate(benchmarks) for r in _requests(each, point=i, zero_s=zero_s)]
    return Told(
        tool="guidellm",
        tool_version=None if metadata is None else text(metadata, "guidellm_version"),
        tool_format="GuideLLM report before format 1" if version is None else f"GuideLLM report {version}",
        started_unix_s=zero_s or None,
        model=_model(document),
        facts={**scalars(document, _FACTS), **scalars(benchmarks[0], _BENCHMARK_FACTS)},
        points=tuple(_point(each, index=i, early=version is None) for i, each in enumerate(benchmarks)),
        requests=_numbered(requests),
        clock="report" if requests else None,
    )


def _model(document: Place) -> str | None:
    for path in ("config.spec.backend.model", "args.backend_kwargs.model", "args.model"):
        if found := scalars(document, {path: "model"}):
            return str(found["model"])
    return None


def _numbered(requests: Sequence[ReportedRequest]) -> tuple[ReportedRequest, ...]:
    return tuple(request.model_copy(update={"request": i}) for i, request in enumerate(requests))


def _point(benchmark: Place, *, index: int, early: bool) -> ReportedPoint:
    load, label = _load(benchmark)
    totals = _totals(benchmark)
    made = _figures(benchmark.at("metrics"))
    return ReportedPoint(
        index=index,
        label=label,
        load=load,
        duration_s=number(benchmark, "duration"),
        ok=totals.get("successful"),
        failed=totals.get("errored"),
        unfinished=totals.get("incomplete"),
        figures=tuple(map(_as_then, made) if early else made),
    )


def _totals(benchmark: Place) -> dict[str, int]:
    found = benchmark.at("metrics").maybe("request_totals") or benchmark.maybe("request_totals")
    return {} if found is None else {key: n for key in _RESULTS if (n := count(found, key)) is not None}


def _load(benchmark: Place) -> tuple[Load | None, str]:
    """The load in our words, where we have one; a saturating run has no level of its own."""
    config = benchmark.maybe("config") or benchmark.maybe("args")
    strategy = None if config is None else config.maybe("strategy")
    if strategy is None:
        return None, "not said"
    kind = strategy.at("type_").text()
    streams, rate = count(strategy, "streams"), number(strategy, "rate")
    if kind == "synchronous":
        return Load(kind="closed", concurrency=1), "1"
    if kind == "concurrent" and streams:
        return Load(kind="closed", concurrency=streams), f"{streams}"
    if kind in ("constant", "poisson", "async") and rate:
        return Load(
            kind="open", rate_per_s=rate, arrivals="poisson" if kind == "poisson" else "constant"
        ), f"{rate:g}/s"
    return None, kind


def _figures(metrics: Place) -> Iterator[Figure]:
    """All distributions over successful requests that hold anything."""
    for name in metrics.object():
        metric = metrics.maybe(name)
        told = metric.maybe("successful") if metric is not None else None
        if told is None or not isinstance(told.value, dict) or not (n := count(told, "count")):
            continue
        if _unit(name) == "ms" and not number(told, "max"):
            continue  # 0 stands for a time that was never taken
        percentiles = told.at("percentiles")
        found = {place: number(told, theirs) for place, theirs in _PLACES.items()}
        found |= {place: number(percentiles, place) for place in _PERCENTILES}
        yield Figure(name=name, unit=_unit(name), n=n).model_copy(update=found)


def _as_then(figure: Figure) -> Figure:
    """A word that meant something else in the early releases."""
    if figure.name not in _EARLY_MEANINGS:
        return figure
    ours, differs = _EARLY_MEANINGS[figure.name]
    return figure.model_copy(update={"ours": ours, "differs": differs})


def _unit(name: str) -> str:
    if name.endswith("_ms"):
        return "ms"
    if name.endswith("_per_second"):
        return "1/s" if name.startswith("requests") else "tokens/s"
    if "latency" in name or "delay" in name:
        return "s"
    return "tokens" if "token" in name else "requests" if "concurrency" in name else "count"


def _requests(benchmark: Place, *, point: int, zero_s: float) -> Iterator[ReportedRequest]:
    """The requests that the file keeps; one that was asked for no samples has none."""
    kept = benchmark.maybe("requests")
    for status, result in _RESULTS.items():
        listed = None if kept is None else kept.maybe(status)
        for request in () if listed is None else listed.items():
            yield _request(request, point=point, zero_s=zero_s, result=result)


def _request(request: Place, *, point: int, zero_s: float, result: Result) -> ReportedRequest:
    info = request.maybe("info")
    timings = None if info is None else info.maybe("timings")
    given = request.maybe("input_metrics")
    readings = {ours: _at(request, timings, names) for ours, names in _READINGS.items()}
    readings["scheduled_s"] = None if timings is None else number(timings, "targeted_start")
    bare = ReportedRequest(
        request=0,
        point=point,
        input_tokens=count(request, "prompt_tokens"),
        cached_input_tokens=None if given is None else count(given, "cached_tokens"),
        output_tokens=count(request, "output_tokens"),
        result=result,
        failure=None if result == "ok" else _failure(info) or result,
    )
    counted = {name: None if at is None else at - zero_s for name, at in readings.items()}
    return bare.model_copy(update=counted)


def _at(request: Place, timings: Place | None, names: tuple[str, str]) -> float | None:
    now, before = names
    return number(request, before) if timings is None else number(timings, now)


def _failure(info: Place | None) -> str | None:
    return None if info is None else text(info, "error")
