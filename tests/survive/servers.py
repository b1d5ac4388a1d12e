"""Servers that misbehave, on real sockets. Each runs in a thread of the test and ends with it."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODELS = {"object": "list", "data": [{"id": "some-model", "object": "model", "owned_by": "someone"}]}


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    document: Any


Answer = Callable[[Request], bytes | None]


@dataclass
class Server:
    """One that listens on loopback. `answer` gives the bytes of a whole reply; None says nothing and holds the line."""

    answer: Answer
    scheme: str = "http"
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    def serve(self, client: socket.socket, over: threading.Event) -> None:
        with suppress(OSError), client:
            client.settimeout(30)
            while (request := take(client)) is not None:
                self.requests.append(request)
                reply = self.answer(request)
                if reply is None:
                    over.wait(30)
                    return
                client.sendall(reply)
                if b"\r\nConnection: close" in reply or not reply.startswith(b"HTTP/"):
                    return


def take(client: socket.socket) -> Request | None:
    """One request; what is no HTTP has no method."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            return None
        data += piece
        if not data[:3].isupper():
            return Request("", "", {}, data)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        body += client.recv(65536)
    method, path, _ = lines[0].split(" ")
    return Request(method, path, headers, json.loads(body) if body else None)


def http(status: int, body: bytes | str, *, kind: str = "application/json", more: str = "") -> bytes:
    data = body if isinstance(body, bytes) else body.encode()
    head = (
        f"HTTP/1.1 {status} Words\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}Connection: close\r\n"
    )
    return head.encode() + b"\r\n" + data


def stream(*lines: str) -> bytes:
    return http(200, "".join(f"data: {line}\n\n" for line in lines), kind="text/event-stream")


def tokens(count: int) -> bytes:
    """A whole answer in one write."""
    pieces = [{"choices": [{"index": 0, "delta": {"content": f" w{i}"}, "finish_reason": None}]} for i in range(count)]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
    return stream(*(json.dumps(piece) for piece in (*pieces, last)), "[DONE]")


def with_models(answer: Answer) -> Answer:
    """A proper list of models, and everything else as given."""

    def both(request: Request) -> bytes | None:
        return http(200, json.dumps(MODELS)) if request.path.endswith("/models") else answer(request)

    return both


@contextmanager
def serving(answer: Answer, *, certificate: Path | None = None) -> Iterator[Server]:
    server = Server(answer=answer)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.scheme = "https"
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(server, listener, context, over), daemon=True).start()
        try:
            yield server
        finally:
            over.set()


def _accept(server: Server, listener: socket.socket, context: ssl.SSLContext | None, over: threading.Event) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_welcome, args=(server, client, context, over), daemon=True).start()


def _welcome(server: Server, client: socket.socket, context: ssl.SSLContext | None, over: threading.Event) -> None:
    with suppress(OSError):
        server.serve(client if context is None else context.wrap_socket(client, server_side=True), over)


def self_signed(folder: Path) -> Path:
    """A certificate that nobody vouches for, with its key, in one file."""
    path = folder / "self-signed.pem"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(key.read_bytes() + certificate.read_bytes())
    return path
