"""Prometheus text of known numbers, from a string and over a real socket."""

import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest

from inference_arena.errors import UsageError
from inference_arena.telemetry import Counters
from inference_arena.telemetry.counters import parse_counters, read_counters

PAGE = """\
# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed.
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 1234
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 3
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="a {b} c"} 10.0
vllm:generation_tokens_total{engine="1",model_name="a {b} c"} 32.0
# TYPE vllm:e2e histogram
vllm:e2e_bucket{le="1.0"} 7
vllm:e2e_count 7
vllm:e2e_sum 3.5
# TYPE speed gauge
speed NaN
# TYPE plain counter
plain 5
"""


def parse(**names: str) -> dict[str, float]:
    return parse_counters(PAGE, names=names)


def test_counters_come_by_our_names() -> None:
    assert parse(prompt_tokens="llamacpp:prompt_tokens_total", running="llamacpp:requests_processing") == {
        "prompt_tokens": 1234.0,
        "running": 3.0,
    }


def test_shares_of_copies_of_a_model_are_averaged() -> None:
    page = 'use{engine="0"} 0.5\nuse{engine="1"} 0.1\n'

    assert parse_counters(page, names={"kv_cache_used_share": "use"}) == {"kv_cache_used_share": pytest.approx(0.3)}


def test_samples_that_differ_in_labels_are_added() -> None:
    assert parse(output_tokens="vllm:generation_tokens_total") == {"output_tokens": 42.0}


def test_the_sum_and_count_of_a_histogram_have_names_of_their_own() -> None:
    assert parse(e2e_s="vllm:e2e_sum", e2e="vllm:e2e_count", other="vllm:e2e") == {"e2e_s": 3.5, "e2e": 7.0}


def test_a_counter_without_the_usual_ending_keeps_its_name() -> None:
    assert parse(plain="plain") == {"plain": 5.0}


def test_what_is_missing_or_no_number_is_absent() -> None:
    assert parse(speed="speed", nothing="not_there") == {}


def test_an_address_that_is_no_web_address_is_refused() -> None:
    with pytest.raises(UsageError, match="not an address of counters"):
        Counters(url="file:///etc/passwd", names={})


@contextmanager
def serving(answer: bytes, *, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(url: str, *, timeout_s: float = 2.0) -> object:
    counters = Counters(url=url, names={"tokens": "llamacpp:prompt_tokens_total"})
    return read_counters(counters, now_s=monotonic, timeout_s=timeout_s)


def test_a_page_becomes_one_sample() -> None:
    with serving(PAGE.encode()) as url:
        before_s = monotonic()
        (sample,) = read(url)  # type: ignore[misc]

    assert sample.values == {"tokens": 1234.0}
    assert before_s <= sample.t_s <= monotonic()


@pytest.mark.parametrize(
    "page", [b"", b"\xff\xfe", b"<html>no counters</html>", b"llamacpp:prompt_tokens_total many\n", b"{"]
)
def test_a_page_of_something_else_is_no_sample(page: bytes) -> None:
    with serving(page) as url:
        assert read(url) == ()


def test_an_engine_that_refuses_gives_no_sample() -> None:
    with serving(PAGE.encode(), status=404) as url:
        assert read(url) == ()


def test_a_page_without_end_is_given_up() -> None:
    with serving(b"x" * 9 * 1024**2) as url:
        assert read(url) == ()


def test_an_engine_that_hangs_is_given_up_at_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        started_s = monotonic()
        assert read(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=0.2) == ()

    assert 0.15 < monotonic() - started_s < 30  # without a limit it would hang for ever


def test_nothing_listening_gives_no_sample() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert read(f"http://127.0.0.1:{port}/") == ()


def test_counters_are_not_fetched_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(PAGE.encode()) as url:
        assert read(url) != ()


def test_values_are_finite() -> None:
    assert all(math.isfinite(value) for value in parse(plain="plain", speed="speed").values())
