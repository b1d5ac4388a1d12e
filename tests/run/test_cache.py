"""The prefix cache between load points: who can be asked to empty it, and what is said where it did not work."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from inference_arena.run.cache import empty_cache, request_parameters


class Handler(BaseHTTPRequestHandler):
    seen: list[str] = []  # noqa: RUF012  # of the one server of a test
    status = 200

    def do_POST(self) -> None:
        self.seen.append(f"{self.path} {self.headers.get('Authorization')}")
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    handler = type("Own", (Handler,), {"seen": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def empty(server: HTTPServer, cache, engine: str) -> str | None:
    root = f"http://127.0.0.1:{server.server_port}"
    return empty_cache(cache, engine_name=engine, root=root, headers={"Authorization": "Bearer k"})


def test_a_cold_point_empties_the_cache_of_an_engine_that_can(server):
    assert empty(server, "cold", "vllm") is None
    assert empty(server, "cold", "sglang") is None
    assert server.RequestHandlerClass.seen == ["/reset_prefix_cache Bearer k", "/flush_cache Bearer k"]


def test_without_cold_nothing_is_asked(server):
    assert [empty(server, cache, "vllm") for cache in (None, "warm", "off")] == [None, None, None]
    assert server.RequestHandlerClass.seen == []


def test_an_engine_that_refuses_or_cannot_is_said(server):
    server.RequestHandlerClass.status = 404

    assert "HTTP 404" in empty(server, "cold", "vllm")
    assert "no request that empties" in empty(server, "cold", "llamacpp")


def test_llama_cpp_answers_without_its_cache_when_each_request_says_so():
    assert request_parameters("off", engine_name="llamacpp") == {"cache_prompt": False}
    assert request_parameters("cold", engine_name="llamacpp") == {}
