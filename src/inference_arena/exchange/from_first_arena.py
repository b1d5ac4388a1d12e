"""Published records of the first Inference Arena: one saturating GuideLLM run each, as means alone."""

from typing import Final

from inference_arena.exchange.reading import Place, count, number, scalars, text
from inference_arena.exchange.told import Told
from inference_arena.record import Figure, ReportedPoint

_KEYS: Final = ("model_name", "inference_engine", "hardware", "avg_ttft_ms", "avg_throughput")
_FACTS: Final = {
    "parameter_size": "parameters",
    "server_type": "host",
    "memory": "disk_gb",
    "download_speed": "download_speed",
    "container_setup": "container_setup_s",
    "model_download_time": "model_download_s",
    "server_cost_per_hour": "usd_per_hour",
    "cost": "usd_of_the_test",
    "benchmark_type": "benchmark_type",
}
_MEANS: Final = {
    "avg_ttft_ms": "ms",
    "avg_throughput": "tokens/s",
    "avg_input_token_per_request": "tokens",
    "avg_output_token_per_request": "tokens",
}


def is_first_arena(document: Place) -> bool:
    return all(document.maybe(key) is not None for key in _KEYS)


def read_first_arena(document: Place) -> Told:
    kind = text(document, "benchmark_type") or "not said"
    figures = (
        Figure(name=name, unit=unit, mean=found)
        for name, unit in _MEANS.items()
        if (found := number(document, name)) is not None
    )
    point = ReportedPoint(
        index=0,
        label=kind,
        duration_s=number(document, "test_duration"),
        ok=None,
        figures=tuple(figures),
    )
    requests = count(document, "total_requests")
    return Told(
        tool="first-arena",
        tool_format="first Inference Arena",
        model=document.at("model_name").text(),
        engine=document.at("inference_engine").text(),
        hardware=document.at("hardware").text(),
        facts={**scalars(document, _FACTS), **({} if requests is None else {"requests": requests})},
        points=(point,),
    )
