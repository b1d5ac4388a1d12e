"""The truth server tells the truth: over real sockets, every mode does what the script says and the log says it too."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from inference_arena.load.truth import (
    Script,
    ScriptError,
    Sent,
    TruthServer,
    script_from_json,
    script_to_json,
    sent_from_json,
    start_truth_server,
)
from inference_arena.load.truth_server import run

PATIENCE_S = 60.0
MODULE = [sys.executable, "-m", "inference_arena.load.truth_server"]
HURRIED = {"ttft_s": 0.0, "token_interval_s": 0.001}


@dataclass(frozen=True)
class Reply:
    """Every read of one answer with its time."""

    reads: tuple[tuple[float, bytes], ...]

    @property
    def raw(self) -> bytes:
        return b"".join(data for _, data in self.reads)

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def events(self) -> list[dict]:
        lines = self.raw.decode().splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]

    @property
    def body(self) -> dict:
        return json.loads(self.raw.partition(b"\r\n\r\n")[2])

    @property
    def texts(self) -> list[str]:
        deltas = [choice["delta"] for event in self.events for choice in event.get("choices", ())]
        said = [delta.get("reasoning_content", "") + delta.get("content", "") for delta in deltas]
        return [text for text in said if text]

    def read_s(self, text: str) -> float:
        """When the bytes up to the end of this text had been read."""
        end = self.raw.index(f'{text}"'.encode())
        sizes = accumulate(len(data) for _, data in self.reads)
        return next(at_s for (at_s, _), size in zip(self.reads, sizes, strict=True) if size > end)


class Forked:
    """The server in a fork of this process: as real as a started one, without the third of a second of imports."""

    def __init__(self, script: Script, log_path: Path) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = listener.getsockname()[1]
        stop_fd, self.stopper = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.stopper)
                with log_path.open("w") as log:
                    run(script, listener, stop_fds=frozenset([stop_fd]), log=log, tls=None)
            finally:
                os._exit(0)
        listener.close()
        os.close(stop_fd)

    def poll(self) -> None:
        return None  # it runs for as long as its test

    def stop(self) -> None:
        os.close(self.stopper)
        os.waitpid(self.pid, 0)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator:
    with ExitStack() as stack:

        def start(**script) -> TruthServer:
            forked = Forked(Script(**script), tmp_path / "log")
            stack.callback(forked.stop)
            url = f"http://127.0.0.1:{forked.port}"
            return TruthServer(port=forked.port, url=url, log_path=tmp_path / "log", process=forked)

        yield start


def connect(server: TruthServer) -> socket.socket:
    return at_port(server.port)


def at_port(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def request_bytes(name: str = "r", *, path: str = "/v1/chat/completions", **fields) -> bytes:
    given = {"messages": [{"role": "user", "content": "one two three"}], "prompt": "one two", "stream": True}
    body = json.dumps({**given, "stream_options": {"include_usage": True}, **fields}).encode()
    head = f"POST {path} HTTP/1.1\r\nX-Arena-Request: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def whole(raw: bytes) -> bool:
    stop = raw.find(b"\r\n\r\n")
    if stop < 0:
        return False
    head = raw[:stop] + b"\r\n"
    if b"Content-Length: " in head:
        return len(raw) - stop - 4 >= int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    return b"chunked" in head and raw.endswith(b"0\r\n\r\n")


def read_reply(sock: socket.socket) -> Reply:
    """Reads to the end of the answer or of the connection."""
    reads = []
    raw = b""
    while not whole(raw):
        data = sock.recv(1 << 20)
        if not data:
            break
        reads.append((time.monotonic(), data))
        raw += data
    return Reply(tuple(reads))


def ask(server: TruthServer, name: str = "r", **fields) -> Reply:
    with connect(server) as sock:
        sock.sendall(request_bytes(name, **fields))
        return read_reply(sock)


def only(server: TruthServer) -> Sent:
    (sent,) = server.sent()
    return sent


def test_token_counts_and_texts_are_exact(serve):
    server = serve(tokens=12, **HURRIED)
    assert ask(server).texts == [f" t{i}" for i in range(12)]
    assert ask(server, max_tokens=3).texts == [" t0", " t1", " t2"]
    assert ask(server, max_completion_tokens=99).texts == [f" t{i}" for i in range(12)]
    assert [sent.tokens for sent in server.sent()] == [12, 3, 12]


def test_the_log_agrees_with_what_the_client_read(serve):
    server = serve(tokens=10, ttft_s=0.03, token_interval_s=0.01)
    reply, sent = ask(server, "seven"), only(server)
    logged = [at_s for at_s, tokens in sent.sends for _ in range(tokens)]
    read = [reply.read_s(f" t{i}") for i in range(10)]
    assert (sent.request, sent.outcome, sent.tokens) == ("seven", "ok", 10)
    assert sent.arrived_s <= sent.received_s < sent.headers_s <= logged[0]
    assert logged == sorted(logged)
    # A stamp follows its write, so a reader on another core can be ahead of it, but never of the token's due time
    # nor of the write before.
    assert all(read[i] >= sent.first_due_s + i * 0.01 for i in range(10))
    assert all(read[i + 1] >= logged[i] for i in range(9) if logged[i] != logged[i + 1])
    assert sent.ended_s >= logged[-1]


def test_no_token_is_sent_before_it_is_due(serve):
    server = serve(tokens=10, ttft_s=0.05, token_interval_s=0.01)
    ask(server)
    sent = only(server)
    done = accumulate(tokens for _, tokens in sent.sends)
    assert sent.first_due_s == pytest.approx(sent.received_s + 0.05)
    assert all(at_s >= sent.first_due_s + (n - 1) * 0.01 - 1e-6 for (at_s, _), n in zip(sent.sends, done, strict=True))


def test_the_role_chunk_comes_first_and_is_no_token(serve):
    server = serve(tokens=1, ttft_s=0.5)
    reply, sent = ask(server), only(server)
    assert reply.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert sent.headers_s < sent.sends[0][0]
    assert sent.sends[0][1] == 1


def test_without_a_role_chunk_the_head_comes_with_the_first_token(serve):
    server = serve(tokens=2, ttft_s=0.05, role_chunk=False)
    reply, sent = ask(server), only(server)
    assert reply.events[0]["choices"][0]["delta"] == {"content": " t0"}
    assert sent.headers_s == sent.sends[0][0]


def test_what_is_due_together_is_sent_together(serve):
    server = serve(tokens=4, ttft_s=0.0, token_interval_s=0.0)
    ask(server)
    assert [tokens for _, tokens in only(server).sends] == [4]


def test_chunks_of_several_tokens_and_reasoning(serve):
    server = serve(tokens=7, tokens_per_chunk=3, reasoning_tokens=4, **HURRIED)
    reply = ask(server)
    deltas = [event["choices"][0]["delta"] for event in reply.events[1:4]]
    assert deltas == [
        {"reasoning_content": " t0 t1 t2"},
        {"reasoning_content": " t3", "content": " t4 t5"},
        {"content": " t6"},
    ]
    assert ask(server, max_tokens=6).texts == [" t0 t1 t2", " t3 t4 t5"]
    assert [sent.tokens for sent in server.sent()] == [7, 6]


def test_plain_completions_carry_text(serve):
    events = ask(serve(tokens=3, **HURRIED), path="/v1/completions").events
    assert [event["choices"][0]["text"] for event in events[:-1]] == [" t0", " t1", " t2", ""]
    assert events[-1]["usage"]["prompt_tokens"] == 2


def test_an_answer_that_is_not_streamed_comes_whole_with_usage(serve):
    server = serve(tokens=3, reasoning_tokens=1, cached_tokens=2, **HURRIED)
    body = ask(server, stream=False).body
    message = {"role": "assistant", "content": " t1 t2", "reasoning_content": " t0"}
    assert body["choices"] == [{"index": 0, "message": message, "finish_reason": "length"}]
    assert (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]) == (3, 3)
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert [tokens for _, tokens in only(server).sends] == [3]


def test_usage_comes_at_the_end_when_asked_for(serve):
    server = serve(tokens=3, **HURRIED)
    usages = [event.get("usage") for event in ask(server).events]
    assert [usage["completion_tokens"] for usage in usages if usage] == [3]
    assert usages[-1]["total_tokens"] == 6
    assert not any("usage" in event for event in ask(server, stream_options=None).events)


def test_usage_can_be_missing(serve):
    assert not any("usage" in event for event in ask(serve(tokens=3, usage="missing", **HURRIED)).events)


def test_usage_can_be_late(serve):
    reply = ask(serve(tokens=3, usage="late", late_usage_s=0.6, **HURRIED))
    first_s = next(at_s for at_s, data in reply.reads if b'"finish_reason":"length"' in data)
    assert reply.reads[-1][0] > first_s
    assert b'"usage"' in reply.reads[-1][1]


def test_usage_can_run_along(serve):
    events = ask(serve(tokens=4, tokens_per_chunk=2, usage="continuous", **HURRIED)).events
    assert [event["usage"]["completion_tokens"] for event in events] == [0, 2, 4, 4, 4]


def test_every_second_answer_stalls(serve):
    server = serve(tokens=6, stall_every=2, stall_s=0.6, stall_at_token=3, **HURRIED)
    ask(server)
    ask(server)
    stalled = server.sent()[1]
    counts = list(accumulate(tokens for _, tokens in stalled.sends))
    before = counts.index(3)  # the pause stands exactly between the third token and the fourth
    assert stalled.sends[before][0] < stalled.first_due_s + 0.6
    assert stalled.sends[before + 1][0] >= stalled.first_due_s + 0.6


def test_a_freeze_stops_writing_and_reading(serve):
    server = serve(tokens=20, ttft_s=0.0, token_interval_s=0.01, freeze_at_s=0.05, freeze_s=1.2)
    with connect(server) as first, connect(server) as second:
        first.sendall(request_bytes("first"))
        begun = read_until_silent(first, silent_s=0.4)
        asked_s = time.monotonic()
        second.sendall(request_bytes("second"))
        assert b"[DONE]" in begun + read_until_silent(first, silent_s=PATIENCE_S)
        read_reply(second)
    by_name = {sent.request: sent for sent in server.sent()}
    times_s = [at_s for at_s, _ in by_name["first"].sends]
    assert max(later - earlier for earlier, later in pairwise(times_s)) > 0.6
    frozen_s = by_name["first"].received_s + 0.05
    assert by_name["second"].received_s >= frozen_s + 1.2
    assert asked_s >= frozen_s


def read_until_silent(sock: socket.socket, *, silent_s: float) -> bytes:
    sock.settimeout(silent_s)
    raw = b""
    try:
        while b"[DONE]" not in raw:
            raw += sock.recv(1 << 20)
    except TimeoutError:
        pass
    return raw


def test_headers_can_be_slow(serve):
    server = serve(tokens=2, headers_delay_s=0.1, **HURRIED)
    ask(server)
    sent = only(server)
    assert sent.headers_s - sent.received_s >= 0.1
    assert sent.first_due_s - sent.received_s == pytest.approx(0.1)


def test_slow_headers_stand_alone_before_the_first_token(serve):
    server = serve(tokens=1, headers_delay_s=0.05, ttft_s=0.6, role_chunk=False)
    reply, sent = ask(server), only(server)
    assert reply.reads[0][1].endswith(b"\r\n\r\n")
    assert sent.headers_s < sent.sends[0][0]


def test_events_can_be_cut_in_the_middle(serve):
    server = serve(tokens=5, split="token", split_gap_s=0.03, ttft_s=0.0, token_interval_s=0.06)
    reply, sent = ask(server), only(server)
    assert reply.texts == [f" t{i}" for i in range(5)]
    assert any(not data.endswith(b"\n") for _, data in reply.reads)
    assert sent.first_due_s - sent.received_s >= 0.03  # a token counts when its second half is out


def test_the_cut_can_fall_inside_a_character(serve):
    server = serve(tokens=6, split="utf8", split_gap_s=0.03, ttft_s=0.0, token_interval_s=0.06)
    reply = ask(server)
    assert reply.texts == [" é0", " 漢1", " 🙂2", " é3", " 漢4", " 🙂5"]
    assert any(broken_utf8(data) for _, data in reply.reads)


def broken_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_every_second_request_fails_with_a_status(serve, status):
    server = serve(tokens=2, fail_every=2, fail_status=status, **HURRIED)
    with connect(server) as sock:
        replies = []
        for _ in range(3):
            sock.sendall(request_bytes())
            replies.append(read_reply(sock))
    assert [reply.status for reply in replies] == [200, status, 200]
    assert replies[1].body["error"]["code"] == status
    assert (b"Retry-After: 1\r\n" in replies[1].raw) == (status == 429)
    assert [sent.outcome for sent in server.sent()] == ["ok", "failed", "ok"]


def test_a_stream_can_be_reset(serve):
    server = serve(tokens=9, fail_every=1, fail_kind="reset", fail_after_tokens=4, **HURRIED)
    with pytest.raises(ConnectionResetError):
        ask(server)
    assert (only(server).tokens, only(server).outcome) == (4, "failed")


def test_a_stream_can_close_too_early(serve):
    server = serve(tokens=9, fail_every=1, fail_kind="close", fail_after_tokens=4, **HURRIED)
    reply = ask(server)
    assert reply.texts == [" t0", " t1", " t2", " t3"]
    assert b"[DONE]" not in reply.raw
    assert not whole(reply.raw)
    assert (only(server).tokens, only(server).outcome) == (4, "failed")


def test_a_stream_can_turn_to_garbage(serve):
    reply = ask(serve(tokens=9, fail_every=1, fail_kind="garbage", fail_after_tokens=2, **HURRIED))
    assert reply.raw.count(b" t1") == 1
    with pytest.raises(json.JSONDecodeError):
        _ = reply.events


def test_a_stream_can_carry_an_error(serve):
    reply = ask(serve(tokens=9, fail_every=1, fail_kind="stream-error", fail_after_tokens=2, **HURRIED))
    assert reply.texts == [" t0", " t1"]
    assert reply.events[-1]["error"]["code"] == 500


def test_an_answer_can_be_a_web_page(serve):
    reply = ask(serve(fail_every=1, fail_kind="html"))
    assert reply.status == 200
    assert b"Content-Type: text/html" in reply.raw


def test_a_hanging_request_never_answers(serve):
    server = serve(fail_every=1, fail_kind="hang", **HURRIED)
    with connect(server) as sock:
        sock.sendall(request_bytes())
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert (only(server).outcome, only(server).headers_s, only(server).first_due_s) == ("client-left", None, None)


def test_a_client_that_leaves_is_noticed(serve):
    server = serve(tokens=1000, ttft_s=0.0, token_interval_s=0.02)
    with connect(server) as sock:
        sock.sendall(request_bytes())
        sock.recv(1)
    sent = only(server)
    assert sent.outcome == "client-left"
    assert sent.tokens < 1000


def test_slots_are_given_in_the_order_of_asking(serve):
    server = serve(tokens=5, ttft_s=0.0, token_interval_s=0.02, slots=1)
    names = [f"r{i}" for i in range(4)]
    with ExitStack() as stack:
        socks = [stack.enter_context(connect(server)) for _ in names]
        for sock, name in zip(socks, names, strict=True):
            sock.sendall(request_bytes(name))
            server.sent()  # answered only after the request before it was read
        for sock in socks:
            read_reply(sock)
    sent = server.sent()
    assert [one.request for one in sent] == names
    assert all(later.sends[0][0] >= earlier.ended_s for earlier, later in pairwise(sent))


def test_one_socket_serves_two_requests_also_when_both_are_sent_at_once(serve):
    server = serve(tokens=3, **HURRIED)
    with connect(server) as sock:
        sock.sendall(request_bytes("a") + request_bytes("b")[:40])
        first = read_reply(sock)
        sock.sendall(request_bytes("b")[40:] + b"GET /health HTTP/1.1\r\n\r\n")
        raw = b""
        while not raw.endswith(b'{"status": "ok"}'):
            raw += sock.recv(1 << 20)
    assert first.raw.count(b'"content":" t') == raw.count(b'"content":" t') == 3
    assert [(sent.request, sent.tokens) for sent in server.sent()] == [("a", 3), ("b", 3)]


def test_a_connection_can_end_with_its_answer(serve):
    with connect(serve(tokens=2, connection="close", **HURRIED)) as sock:
        sock.sendall(request_bytes())
        reply = read_reply(sock)
        assert b"Connection: close\r\n" in reply.raw
        assert sock.recv(1) == b""


def test_an_answer_can_have_no_length(serve):
    server = serve(tokens=2, transfer="length-less", **HURRIED)
    reply = ask(server)
    assert b"chunked" not in reply.raw
    assert reply.raw.endswith(b"data: [DONE]\n\n")
    assert only(server).outcome == "ok"


def test_a_slow_reader_loses_nothing(serve):
    server = serve(tokens=30_000, ttft_s=0.0, token_interval_s=0.0)
    with connect(server) as sock:
        sock.sendall(request_bytes())
        assert server.sent() == ()  # another connection is served while this one is full
        reply = read_reply(sock)
    assert reply.texts == [f" t{i}" for i in range(30_000)]
    sent = only(server)
    assert sum(tokens for _, tokens in sent.sends) == sent.tokens == 30_000
    assert len(sent.sends) > 1


def test_models_and_unknown_paths(serve):
    server = serve(prompt_tokens=9)
    with connect(server) as sock:
        sock.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
        assert read_reply(sock).body == {"object": "list", "data": [{"id": "truth", "object": "model"}]}
        sock.sendall(b"GET /nowhere HTTP/1.1\r\n\r\n")
        lost = read_reply(sock)
        assert (lost.status, lost.body["error"]["code"]) == (404, 404)
        sock.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Length: 1\r\n\r\n{")
        assert read_reply(sock).status == 400
    assert server.sent() == ()


@contextmanager
def bare_server(log: Path, *more: str, script: str = '{"ttft_s": 0.0, "tokens": 9999}') -> Iterator:
    argv = [*MODULE, "--script", script, "--log", str(log), *more]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, json.loads(process.stdout.readline())["port"]
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "end of input"])
def test_it_ends_cleanly_with_its_log_complete(tmp_path, how):
    with bare_server(tmp_path / "log") as (process, port), at_port(port) as sock:
        sock.sendall(request_bytes("unfinished"))
        sock.recv(1)
        if how == "end of input":
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[how])
        assert process.wait(PATIENCE_S) == 0
    (line,) = (tmp_path / "log").read_text().splitlines()
    sent = sent_from_json(line)
    assert (sent.request, sent.outcome) == ("unfinished", "failed")


def test_a_freeze_does_not_outlive_a_signal(tmp_path):
    frozen = '{"freeze_at_s": 0.0, "freeze_s": 600.0}'
    with bare_server(tmp_path / "log", "--no-stdin", script=frozen) as (process, port), at_port(port) as sock:
        sock.sendall(request_bytes())
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('{"tokns": 5}', "unknown key 'tokns'"),
        ('{"tokens": "5"}', "tokens is '5'; it must be int"),
        ('{"ttft_s": -1}', "ttft_s is -1"),
        ('{"fail_kind": "explode"}', "fail_kind is 'explode'; choose one of status"),
        ('{"tokens_per_chunk": 0}', "tokens_per_chunk is 0"),
        ("[]", "must be an object"),
        ("{", "no JSON"),
    ],
)
def test_a_script_that_cannot_be_followed_is_refused(script, message):
    with pytest.raises(ScriptError, match=message.replace("(", "\\(")):
        script_from_json(script)


def test_a_refused_script_ends_the_server_with_one_line(tmp_path):
    argv = [*MODULE, "--script", '{"tokns": 5}', "--log", str(tmp_path / "log")]
    done = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "unknown key 'tokns'" in line


def test_a_script_survives_json():
    script = Script(tokens=3, freeze_at_s=1.5, fail_kind="reset", prompt_tokens=7)
    assert script_from_json(script_to_json(script)) == script


def test_the_helper_starts_and_stops_a_process_of_its_own(tmp_path):
    with start_truth_server(Script(tokens=3, **HURRIED), log_path=tmp_path / "log") as server:
        assert len(ask(server, "a").texts) == 3
        assert [sent.request for sent in server.sent()] == ["a"]
        assert ask(server, "b").status == 200
    assert server.process.returncode == 0
    assert [sent.request for sent in server.sent()] == ["a", "b"]


def test_it_speaks_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try:
        made = [*argv, "-subj", "/CN=localhost", "-days", "1", "-keyout", str(key), "-out", str(cert)]
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False
    script = '{"ttft_s": 0.0, "tokens": 4000, "token_interval_s": 0.0, "connection": "close"}'
    with bare_server(tmp_path / "log", "--tls-cert", str(cert), "--tls-key", str(key), script=script) as (_, port):
        plain = at_port(port)
        with context.wrap_socket(plain) as sock:
            sock.sendall(request_bytes())
            assert len(read_reply(sock).texts) == 4_000
            assert sock.recv(1) == b""
