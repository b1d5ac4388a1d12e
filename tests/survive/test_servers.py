"""Servers behind --url that are not there, not what they should be, or refuse."""

import gzip
import json
import shutil
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from servers import MODELS, Request, http, self_signed, serving, stream, tokens, with_models
from survival import Arena, Done

ERROR = json.dumps({"error": {"message": "not today"}})


def must_fail(arena: Arena, done: Done, cause: str, *words: str) -> None:
    """A failure with its cause, at the first requests, kept as a record, said in words."""
    assert done.code == 1, done.err
    done.is_clean()
    outcome = arena.record()["outcome"]
    assert (outcome["kind"], outcome["stage"], outcome["cause"]) == ("failed", "probe", cause)
    assert outcome["what"]
    assert outcome["advice"]
    for word in words:
        assert word in f"{outcome['what']} {outcome['why']} {outcome['advice']}", outcome


def test_an_address_where_nothing_listens_is_told_as_that(arena: Arena) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = arena.run_url(f"http://127.0.0.1:{port}/v1", "--model", "m")
    must_fail(arena, done, "connection-refused", "nothing listens")


@pytest.mark.parametrize(("status", "advice"), [
    (401, "--api-key-env"), (403, "--api-key-env"), (404, "--url"), (429, "limited"), (500, "server's log"),
])  # fmt: skip
def test_a_refusal_is_told_by_its_status_and_what_to_do_about_it(arena: Arena, status: int, advice: str) -> None:
    with serving(with_models(lambda _: http(status, ERROR))) as server:
        done = arena.run_url(server.url)
    must_fail(arena, done, f"http-{status}", "not today", advice)


REPLIES: dict[str, tuple[Callable[[Request], bytes | None], str]] = {
    "a web page": (lambda _: http(200, "<html><title>Shop</title></html>", kind="text/html"), "not-a-stream"),
    "nothing, for ever": (lambda _: None, "timeout"),
    "garbage in its stream": (lambda _: stream("{]", "[DONE]"), "garbage"),
    "an empty stream": (lambda _: stream("[DONE]"), "empty-answer"),
    "an answer that breaks off": (
        lambda _: stream('{"choices": [{"index": 0, "delta": {"content": "w"}}]}'),
        "cut-short",
    ),
    "an error in its stream": (lambda _: stream(ERROR), "stream-error"),
    "what is no HTTP": (lambda _: b"SSH-2.0-OpenSSH_9.6\r\n", "not-http"),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_a_server_that_answers_with(arena: Arena, kind: str) -> None:
    reply, cause = REPLIES[kind]
    with serving(with_models(reply)) as server:
        done = arena.run_url(server.url, *(("--request-timeout", "1s") if cause == "timeout" else ()))
    must_fail(arena, done, cause)


def test_a_server_that_resets_the_connection(arena: Arena) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        running = arena.start(
            "run", "--url", f"127.0.0.1:{listener.getsockname()[1]}", "--model", "m", "--requests", "1"
        )
        while running.process.poll() is None:
            with suppress(TimeoutError):
                listener.settimeout(0.2)
                client, _ = listener.accept()
                client.recv(100)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
        must_fail(arena, running.end(), "connection-reset")


def test_a_banner_on_the_port_is_no_http(arena: Arena) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        running = arena.start("run", "--url", f"127.0.0.1:{listener.getsockname()[1]}", "--requests", "1")
        while running.process.poll() is None:
            with suppress(TimeoutError):
                client, _ = listener.accept()
                client.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                client.recv(100)
                client.close()
        must_fail(arena, running.end(), "not-http", "SSH-2.0")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_a_certificate_that_nobody_vouches_for_is_refused_and_no_key_is_sent(arena: Arena) -> None:
    with serving(with_models(lambda _: tokens(8)), certificate=self_signed(arena.folder)) as server:
        done = arena.run_url(server.url, "--model", "m", "--api-key-env", "KEY", env={"KEY": "sesame-0123"})
        assert server.requests == []
    must_fail(arena, done, "tls", "certificate")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_plain_http_to_a_tls_port_is_a_failure_with_a_way_out(arena: Arena) -> None:
    with serving(with_models(lambda _: tokens(8)), certificate=self_signed(arena.folder)) as server:
        done = arena.run_url(server.url.replace("https", "http"), "--model", "m")
    assert done.code == 1
    done.is_clean()
    assert arena.record()["outcome"]["kind"] == "failed"


def test_a_redirect_is_told_and_not_followed_with_our_key(arena: Arena) -> None:
    with serving(with_models(lambda _: tokens(8))) as other:
        moved = http(301, b"", more=f"Location: {other.url}/models\r\n")
        with serving(lambda _: moved) as server:
            done = arena.run_url(server.url, "--api-key-env", "KEY", env={"KEY": "sesame-0123"})
        assert other.requests == []
    must_fail(arena, done, "http-301", f"127.0.0.1:{other.port}")


@pytest.mark.parametrize("listing", ['{"data": []}', "<html>", '{"data": 5}', '{"data": [{"id": 7}]}'])
def test_a_list_of_models_without_a_model_asks_for_its_name(arena: Arena, listing: str) -> None:
    with serving(lambda _: http(200, listing)) as server:
        done = arena.run_url(server.url)
    must_fail(arena, done, "no-model-list", "--model")


def test_a_server_that_fails_after_the_first_answers_is_a_failure_of_the_load(arena: Arena) -> None:
    asked: list[Request] = []

    def two_then_none(request: Request) -> bytes:
        asked.append(request)
        return tokens(4) if len(asked) <= 2 else http(503, ERROR)

    with serving(with_models(two_then_none)) as server:
        done = arena.run_url(server.url)
    assert done.code == 1
    done.is_clean()
    record = arena.record()
    assert (record["outcome"]["stage"], record["outcome"]["cause"]) == ("load", "http-503")
    assert record["summary"]["points"][0]["ok"] == 0
    assert record["summary"]["points"][0]["ttft_s"] is None
    assert arena.run("verify").code == 0


@pytest.mark.parametrize("refused", [["stream_options"], ["ignore_eos", "stream_options"]])
def test_what_a_server_refuses_is_left_out_and_told(arena: Arena, refused: list[str]) -> None:
    def picky(request: Request) -> bytes:
        unwanted = [name for name in refused if name in request.document]
        return http(400, json.dumps({"error": {"message": f"unknown field {unwanted[0]}"}})) if unwanted else tokens(8)

    with serving(with_models(picky)) as server:
        done = arena.run_url(server.url, "--json")
        measured = server.requests[-1].document
    assert done.code == 0, done.err
    record = done.document
    assert set(refused) <= set(record["engine"]["dropped_parameters"])
    assert not set(refused) & set(measured)
    assert record["model"]["name"] == MODELS["data"][0]["id"]  # type: ignore[index]


def needs_key(server_key: str) -> Callable[[Request], bytes]:
    def answer(request: Request) -> bytes:
        if request.headers.get("authorization") == f"Bearer {server_key}":
            return with_models(lambda _: tokens(8))(request) or b""
        said = request.headers.get("authorization", "nothing")
        return http(401, json.dumps({"error": {"message": f"Incorrect API key provided: {said}"}}))

    return answer


def everything(arena: Arena) -> bytes:
    return b"".join(path.read_bytes() for path in arena.home.rglob("*") if path.is_file())


@pytest.mark.parametrize(("key", "code"), [("sesame-0123", 0), ("open-4567", 1)])
def test_a_key_goes_to_the_server_and_nowhere_else(arena: Arena, key: str, code: int) -> None:
    with serving(needs_key("sesame-0123")) as server:
        done = arena.run_url(server.url, "--model", "m", "--api-key-env", "KEY", env={"KEY": key})
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {key}"}
    assert done.code == code, done.err
    assert key not in done.out + done.err
    assert key.encode() not in everything(arena)
    for packed in arena.home.rglob("*.gz"):
        assert key.encode() not in gzip.decompress(packed.read_bytes())
    if code:
        must_fail(arena, done, "http-401", "key")


@pytest.mark.parametrize("key", ["line\nbreak", "schlüssel"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_showing_it(arena: Arena, key: str) -> None:
    done = arena.run_url("http://127.0.0.1:9/v1", "--api-key-env", "KEY", env={"KEY": key})
    assert done.code == 2
    done.is_clean()
    assert key not in done.err


@pytest.mark.parametrize("url", ["http://[::1", "ftp://x/v1", "http://x:99999", "http://me:pw@x/v1"])
def test_an_address_that_is_none_is_a_usage_error(arena: Arena, url: str) -> None:
    done = arena.run_url(url)
    assert done.code == 2
    done.is_clean()
    assert "--url" in done.err or "--api-key-env" in done.err
