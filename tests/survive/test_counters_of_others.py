"""A server that was running already tells its counters if it can; if not, nothing is different."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from servers import Answer, Request, http, serving, tokens
from survival import Arena

from inference_arena.store import iter_samples

METRICS = (Path(__file__).parents[1] / "golden" / "vllm-0.24.0" / "metrics.txt").read_text("utf-8")


def server_of(owner: str, metrics: Callable[[], bytes | None]) -> Answer:
    """A list of models signed as that engine signs it, answers, and a page of counters."""
    models = json.dumps({"object": "list", "data": [{"id": "m", "object": "model", "owned_by": owner}]})

    def answer(request: Request) -> bytes | None:
        if request.path.endswith("/models"):
            return http(200, models)
        return metrics() if request.path.endswith("/metrics") else tokens(8)

    return answer


def counters(arena: Arena) -> list[dict[str, float]]:
    (path,) = arena.records
    return [sample.values for sample in iter_samples(path) if sample.kind == "counters"]


def page() -> bytes:
    return http(200, METRICS, kind="text/plain; version=0.0.4")


def test_an_attached_vllm_tells_its_counters(arena: Arena) -> None:
    with serving(server_of("vllm", page)) as server:
        done = arena.run_url(server.url, "--duration", "2")
    assert done.code == 0, done.err
    assert arena.record()["engine"]["name"] == "vllm"
    told = counters(arena)
    assert told
    assert told[0]["requests_running"] == 0
    assert told[0]["prompt_tokens_total"] == 118
    asked = {request.path for request in server.requests if "metrics" in request.path}
    assert asked == {"/metrics"}


@pytest.mark.parametrize("metrics", [lambda: http(404, "no"), lambda: http(200, "<html>"), lambda: None],
                         ids=["no such page", "a web page", "nothing, for ever"])  # fmt: skip
def test_one_that_does_not_is_asked_once_and_measured_all_the_same(
    arena: Arena, metrics: Callable[[], bytes | None]
) -> None:
    with serving(server_of("vllm", metrics)) as server:
        done = arena.run_url(server.url)
    assert done.code == 0, done.err
    assert arena.record()["outcome"]["kind"] == "finished"
    assert counters(arena) == []
    assert len([request for request in server.requests if request.path == "/metrics"]) == 1


def test_a_server_that_does_not_say_what_it_is_is_not_asked(arena: Arena) -> None:
    with serving(server_of("someone", page)) as server:
        done = arena.run_url(server.url)
    assert done.code == 0, done.err
    assert [request for request in server.requests if "metrics" in request.path] == []
