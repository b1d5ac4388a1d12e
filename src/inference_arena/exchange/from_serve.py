"""Results of `vllm bench serve` (JSON) and of SGLang's `bench_serving` (JSON lines), which descend from one script.

Both print 0 where there was nothing to average; that is unknown here. Generated texts are passed over.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isinf
from typing import Final, Literal

from inference_arena.exchange.reading import Place, count, number, scalars, text
from inference_arena.exchange.told import Told
from inference_arena.plan import Load
from inference_arena.record import Figure, ReportedPoint, ReportedRequest

_SPREADS: Final = ("ttft", "tpot", "itl", "e2el", "e2e_latency", "client_queue_time", "e2el_including_client_queue")
_PLACES: Final = {"mean": "mean_{}_ms", "std": "std_{}_ms", "p50": "median_{}_ms", "p90": "p90_{}_ms",
                  "p95": "p95_{}_ms", "p99": "p99_{}_ms", "max": "max_{}_ms"}  # fmt: skip
_RATES: Final = {
    "request_throughput": "1/s",
    "request_goodput": "1/s",
    "output_throughput": "tokens/s",
    "input_throughput": "tokens/s",
    "total_token_throughput": "tokens/s",
    "max_output_tokens_per_s": "tokens/s",
    "concurrency": "requests",
    "max_concurrent_requests": "requests",
}
_FACTS: Final = {
    name: name
    for name in (
        "backend", "endpoint_type", "burstiness", "num_prompts", "request_rate", "max_concurrency", "dataset_name",
        "random_input_len", "random_output_len", "random_range_ratio", "sharegpt_output_len", "total_input_tokens",
        "total_output_tokens", "total_output_tokens_retokenized", "accept_length", "spec_decode_acceptance_rate",
        "spec_decode_acceptance_length",
    )
}  # fmt: skip


def is_serve(document: Place) -> bool:
    return all(document.maybe(key) is not None for key in ("completed", "duration", "request_throughput"))


def read_serve(document: Place) -> Told:
    """One result. Each request counts from its own start, unless the file says when it was sent."""
    tool: Literal["vllm", "sglang"] = "sglang" if _is_sglang(document) else "vllm"
    requests, clock = _requests(document)
    return Told(
        tool=tool,
        tool_format="SGLang bench_serving" if tool == "sglang" else "vLLM bench serve",
        started_unix_s=_started(text(document, "date")),
        model=text(document, "model_id"),
        facts=scalars(document, _FACTS),
        points=(_point(document, requests),),
        requests=requests,
        clock=clock if requests else None,
    )


def _is_sglang(document: Place) -> bool:
    return document.maybe("mean_e2e_latency_ms") is not None or document.maybe("dataset_name") is not None


def _started(date: str | None) -> float | None:
    """`20261124-120144`, on the clock of wherever it ran: taken for UTC."""
    try:
        return datetime.strptime(date or "", "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _point(document: Place, requests: tuple[ReportedRequest, ...]) -> ReportedPoint:
    load, label = _load(document)
    failed = count(document, "failed")
    return ReportedPoint(
        index=0,
        label=label,
        load=load,
        duration_s=document.at("duration").number(),
        ok=document.at("completed").count(),
        failed=sum(r.result == "failed" for r in requests) if failed is None and requests else failed,
        figures=(*_spreads(document), *_rates(document)),
    )


def _load(document: Place) -> tuple[Load | None, str]:
    """A rate without limit and a cap make a closed load; without a cap everything is sent at once."""
    rate, streams = document.maybe("request_rate"), count(document, "max_concurrency")
    unlimited = rate is None or rate.value == "inf" or (isinstance(rate.value, float) and isinf(rate.value))
    if rate is not None and not unlimited:
        per_s = rate.number()
        if per_s <= 0:
            rate.refuse("must be above 0")
        label = f"{per_s:g}/s" if streams is None else f"{per_s:g}/s, at most {streams}"
        even = document.maybe("burstiness")
        poisson = even is None or even.value == 1
        if streams is None and poisson:
            return Load(kind="open", rate_per_s=per_s, arrivals="poisson"), label
        return None, label
    if streams:
        return Load(kind="closed", concurrency=streams), f"{streams}"
    return None, "all at once"


def _spreads(document: Place) -> Iterator[Figure]:
    for name in _SPREADS:
        found = {ours: number(document, theirs.format(name)) for ours, theirs in _PLACES.items()}
        if found["mean"]:  # 0 is their word for no values
            yield Figure(name=name, unit="ms").model_copy(update=found)


def _rates(document: Place) -> Iterator[Figure]:
    for name, unit in _RATES.items():
        found = number(document, name)
        if found is not None:
            yield Figure(name=name, unit=unit, mean=found)


def _requests(document: Place) -> tuple[tuple[ReportedRequest, ...], Literal["report", "request"]]:
    """From the arrays of a detailed result, which must be of one length."""
    listed = {key: found for key in _ARRAYS if (found := document.maybe(key)) is not None}
    if "ttfts" not in listed or "itls" not in listed:
        return (), "request"
    columns = {key: list(place.items()) for key, place in listed.items()}
    length = len(columns["ttfts"])
    for key, column in columns.items():
        if len(column) != length:
            listed[key].refuse(f"has {len(column)} entries, but ttfts has {length}")
    starts = [place.number() for place in columns.get("start_times", ())]
    rows = ({key: column[i] for key, column in columns.items()} for i in range(length))
    zero_s = min(starts, default=0.0)
    requests = tuple(_request(row, index=i, sent_s=starts[i] - zero_s if starts else 0.0) for i, row in enumerate(rows))
    return requests, "report" if starts else "request"


_ARRAYS: Final = ("ttfts", "itls", "input_lens", "output_lens", "latencies", "start_times", "errors")


def _request(row: dict[str, Place], *, index: int, sent_s: float) -> ReportedRequest:
    ttft_s = row["ttfts"].number()
    gaps = tuple(gap.number() for gap in row["itls"].items())
    error = row["errors"].text() if "errors" in row else ""
    first_s = sent_s + ttft_s if ttft_s > 0 else None  # 0 where no token came
    return ReportedRequest(
        request=index,
        point=0,
        sent_s=sent_s,
        first_token_s=first_s,
        last_token_s=None if first_s is None else first_s + sum(gaps),
        ended_s=None if "latencies" not in row else sent_s + row["latencies"].number(),
        gaps_s=gaps,
        input_tokens=row["input_lens"].count() if "input_lens" in row else None,
        output_tokens=row["output_lens"].count() if "output_lens" in row else None,
        result="failed" if error or first_s is None else "ok",
    )
