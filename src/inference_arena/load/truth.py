"""The truth server's borders: its script, the requests it reads, the log it leaves, and how to start and stop it.

What is due when is `truth_script`; the loop over sockets is `truth_server`.
"""

import argparse
import json
import math
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

PATIENCE_S = 10.0

Outcome = Literal["ok", "failed", "client-left"]


class ScriptError(ValueError):
    """A script that cannot be followed: says which key and why."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What every answer looks like. Of `*_every` = n, each n-th request received is meant; 0 means none.

    A token's index starts at 0: `stall_at_token=25` leaves 25 tokens before the pause.
    """

    tokens: int = 50
    ttft_s: float = 0.1
    token_interval_s: float = 0.01
    tokens_per_chunk: int = 1
    role_chunk: bool = True
    reasoning_tokens: int = 0
    stall_every: int = 0
    stall_s: float = 0.5
    stall_at_token: int = 25
    freeze_at_s: float | None = None
    freeze_s: float = 2.0
    usage: Literal["end", "missing", "late", "continuous"] = "end"
    late_usage_s: float = 0.2
    headers_delay_s: float = 0.0
    split: Literal["none", "token", "utf8"] = "none"
    split_gap_s: float = 0.002
    fail_every: int = 0
    fail_kind: Literal["status", "reset", "close", "garbage", "html", "hang", "stream-error"] = "status"
    fail_status: int = 500
    fail_after_tokens: int = 5
    connection: Literal["keep-alive", "close"] = "keep-alive"
    transfer: Literal["chunked", "length-less"] = "chunked"
    slots: int = 0
    cached_tokens: int = 0
    prompt_tokens: int | None = None
    finish_reason: str = "length"

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(Script).items():
            _refuse_wrong_value(name, kind, getattr(self, name))
        if self.tokens_per_chunk < 1:
            raise ScriptError("tokens_per_chunk is 0; a chunk carries at least 1 token")


def _refuse_wrong_value(name: str, kind: Any, value: object) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ScriptError(f"{name} is {value!r}; choose one of {', '.join(get_args(kind))}")
        return
    wanted = get_args(kind) or (kind,)
    allowed = (*wanted, int) if float in wanted else wanted
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in wanted):
        names = " or ".join(one.__name__.replace("NoneType", "null") for one in wanted)
        raise ScriptError(f"{name} is {value!r}; it must be {names}")
    if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
        raise ScriptError(f"{name} is {value!r}; it must be a finite number, 0 or more")


def script_to_json(script: Script) -> str:
    return json.dumps(asdict(script))


def script_from_json(text: str) -> Script:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ScriptError(f"the script is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise ScriptError(f"the script is a JSON {type(given).__name__}; it must be an object")
    known = [field.name for field in fields(Script)]
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ScriptError(f"unknown key {unknown[0]!r} in the script; known are {', '.join(known)}")
    return Script(**given)


class Request(NamedTuple):
    method: str
    path: str
    name: str | None
    closes: bool
    body: bytes


class Asked(NamedTuple):
    """What one request wants, as far as the server cares."""

    chat: bool
    stream: bool
    max_tokens: int | None
    usage: bool
    prompt_tokens: int


def take_request(inbox: bytearray) -> Request | None:
    """The first whole request, removed from the inbox; None while it is incomplete."""
    end = inbox.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = inbox[:end].decode("latin-1")
    names = head.lower()
    method, path, *_ = [*head.partition("\r\n")[0].split(" "), "", ""]
    length = _header(head, names, "content-length") or "0"
    if not length.isdecimal() or "\r\ntransfer-encoding:" in names:
        inbox.clear()
        return Request(method, path, None, closes=True, body=b"")
    stop = end + 4 + int(length)
    if len(inbox) < stop:
        return None
    body = bytes(inbox[end + 4 : stop])
    del inbox[:stop]
    closes = (_header(head, names, "connection") or "").lower() == "close"
    return Request(method, path.partition("?")[0], _header(head, names, "x-arena-request"), closes, body)


def _header(head: str, names: str, name: str) -> str | None:
    at = names.find(f"\r\n{name}:")
    if at < 0:
        return None
    start = at + len(name) + 3
    stop = head.find("\r\n", start)
    return head[start : None if stop < 0 else stop].strip()


def asked(body: bytes, *, chat: bool) -> Asked | None:
    """The needed fields of a request body; None when it is not a request we could answer."""
    try:
        given = json.loads(body.decode())
        limit = given.get("max_completion_tokens", given.get("max_tokens"))
        usage = bool((given.get("stream_options") or {}).get("include_usage"))
        prompt = [m["content"] for m in given["messages"]] if chat else given["prompt"]
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    if limit is not None and not (type(limit) is int and limit >= 1):
        return None
    return Asked(chat, bool(given.get("stream")), limit, usage, _words(prompt))


def _words(prompt: object) -> int:
    match prompt:
        case str():
            return len(prompt.split())
        case int():  # a prompt given as token ids
            return 1
        case list():
            return sum(_words(part) for part in prompt)
        case {"text": text}:
            return _words(text)
    return 0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What the server really did for one request. Readings of `time.monotonic()`; absent where it did not happen.

    `sends` holds the reading just after each write that completed tokens, and how many.
    """

    request: str | None
    arrived_s: float
    received_s: float
    headers_s: float | None
    first_due_s: float | None
    sends: tuple[tuple[float, int], ...]
    ended_s: float
    tokens: int
    outcome: Outcome


def sent_to_json(sent: Sent) -> str:
    return json.dumps(vars(sent))


def sent_from_json(line: str) -> Sent:
    given = json.loads(line)
    sends = tuple((float(at_s), int(tokens)) for at_s, tokens in given.pop("sends"))
    return Sent(sends=sends, **given)


@dataclass(frozen=True, kw_only=True)
class TruthServer:
    """A running truth server."""

    port: int
    url: str
    log_path: Path
    process: subprocess.Popen[str]

    def sent(self) -> tuple[Sent, ...]:
        """All requests that have ended, in the order of their ends."""
        if self.process.poll() is None:
            self._have_log_written()
        return tuple(sent_from_json(line) for line in self.log_path.read_text(encoding="utf-8").splitlines())

    def _have_log_written(self) -> None:
        # The server writes its log before it answers this, so there is nothing to poll for.
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
            while line.recv(4096):
                pass


@contextmanager
def start_truth_server(script: Script, *, log_path: Path, cpus: Sequence[int] | None = None) -> Iterator[TruthServer]:
    """A server in a process of its own, listening on loopback; ended, with its log complete, when the block ends.

    It keeps to the cores `cpus` where they are named.
    """
    process = subprocess.Popen(
        [*_argv(script, log_path), *_cores(cpus)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the truth server did not start (exit code {process.wait(PATIENCE_S)}); see its message"
            )
        port = int(json.loads(line)["port"])
        yield TruthServer(port=port, url=f"http://127.0.0.1:{port}", log_path=log_path, process=process)
    finally:
        _stop(process)


def _argv(script: Script, log_path: Path) -> Sequence[str]:
    module = "inference_arena.load.truth_server"
    return [sys.executable, "-m", module, "--script", script_to_json(script), "--log", str(log_path)]


def _cores(cpus: Sequence[int] | None) -> Sequence[str]:
    return [] if cpus is None else ["--cpus", ",".join(map(str, cpus))]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="truth_server", description="Serve known tokens at known times.")
    parser.add_argument("--script", required=True, help="a JSON object; unknown keys are refused")
    parser.add_argument("--log", required=True, type=Path, help="JSON lines, one per request that ended")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=0, type=int, help="0 takes a free one and prints it")
    parser.add_argument("--no-stdin", action="store_true", help="do not end when the standard input does")
    parser.add_argument("--cpus", type=lambda text: {int(core) for core in text.split(",")}, help="such as 0,1")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    return parser.parse_args(argv)


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()  # the server ends when its input does
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
