"""One request on the wire: clock readings and raw bytes, nothing parsed.

The clock is read before anything else is done with what a read brought. HTTP framing is left to httptools; the
event stream inside is parsed after the load point has ended (see decode).
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

import httptools

from inference_arena.load.point_plan import Target
from inference_arena.load.requests import Request
from inference_arena.load.turnstile import Turnstile

MOST_BODY_BYTES: Final = 16 * 2**20
# a connection that had been closed says so within a round trip; later, the server has had the request
STALE_WITHIN_S: Final = 0.05


@dataclass(slots=True, eq=False)
class Call:
    """The raw facts of one request; times are monotonic readings. Changed only while it is in flight."""

    request: Request
    scheduled: float
    done: asyncio.Future[None]
    gate: Turnstile
    sent: float | None = None
    connect: float | None = None
    headers: float | None = None
    ended: float | None = None
    status: int | None = None
    content_type: str = ""
    read_at: "array[float]" = field(default_factory=lambda: array("d"))
    read_bytes: "array[int]" = field(default_factory=lambda: array("q"))
    body: list[bytes] = field(default_factory=list)
    body_bytes: int = 0
    result: str = "ok"
    failure: str | None = None
    detail: str | None = None
    stale: bool = False

    def renew(self, done: asyncio.Future[None]) -> None:
        """Start over: what was sent went into a connection that the server had closed."""
        self.done, self.stale = done, False
        self.result, self.failure, self.detail = "ok", None, None
        self.sent = self.ended = None

    def fail(self, failure: str, detail: str = "") -> None:
        self.result, self.failure, self.detail = "failed", failure, detail

    def end(self) -> None:
        if self.ended is None:
            self.ended = monotonic()
            self.gate.wake(self.done)


class Connection(asyncio.Protocol):
    """One connection that carries one request at a time and is used again while the server keeps it open."""

    def __init__(self, sock: socket.socket, *, tls: bool) -> None:
        self._sock = sock
        self._direct = not tls
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._call: Call | None = None
        self._now = 0.0
        self._framed = False
        self._answers = 0

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and self._call is None

    def send(self, call: Call) -> None:
        """Write the request and read the clock. TLS must go through the transport, which may buffer."""
        assert self._transport is not None
        self._call, self._framed = call, False
        payload = call.request.payload
        call.sent = monotonic()
        if self._direct:
            # uvloop holds writes back to the end of the loop's turn; a direct send makes the reading true
            try:
                payload = payload[self._sock.send(payload) :]
            except BlockingIOError:
                pass
            except OSError as error:
                self.connection_lost(error)
                return
        if payload:
            self._transport.write(payload)

    def abandon(self) -> None:
        """Leave in the middle of an answer; what the connection still has to say is nobody's."""
        self._call = None
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._now = monotonic()
        if self._call is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._finish(failure="not-http", detail=str(error))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        call = self._call
        if call is None:
            return
        if exc is None and call.headers is not None and not self._framed:
            self._finish()  # without a length or chunks the end of the connection is the end of the answer
        elif isinstance(exc, ConnectionResetError):
            self._finish(failure="connection-reset", detail=str(exc))
        else:
            self._finish(failure="connection-closed", detail=str(exc or "the server closed the connection"))

    # what httptools calls

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.lower()
        if key == b"content-type" and self._call is not None:
            self._call.content_type = value.decode("latin-1")
        elif key in {b"content-length", b"transfer-encoding"}:
            self._framed = True

    def on_headers_complete(self) -> None:
        if self._call is not None:
            self._call.headers = self._now
            self._call.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        call = self._call
        if call is None:
            return
        if call.read_at and call.read_at[-1] == self._now:
            call.read_bytes[-1] += len(body)
        else:
            call.read_at.append(self._now)
            call.read_bytes.append(len(body))
        call.body.append(body)
        call.body_bytes += len(body)
        if call.body_bytes > MOST_BODY_BYTES:
            self._finish(failure="too-much-data", detail=f"over {MOST_BODY_BYTES} bytes in one answer")
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        keep = self._parser.should_keep_alive()
        self._finish()
        if not keep:
            self.close()

    def _finish(self, *, failure: str | None = None, detail: str = "") -> None:
        call, self._call = self._call, None
        if call is None:
            return
        if failure is not None:
            call.fail(failure, detail)
            # a server may close between two requests without saying so; nothing of this one was read then
            closed = failure in {"connection-closed", "connection-reset"}
            at_once = call.sent is not None and monotonic() - call.sent < STALE_WITHIN_S
            call.stale = closed and at_once and self._answers > 0 and call.headers is None
        self._answers += 1
        call.end()


Wired = TypeVar("Wired", bound=Connection)


def tls_context(target: Target) -> ssl.SSLContext | None:
    """The system's trusted certificates; SSL_CERT_FILE in the environment names others."""
    return ssl.create_default_context() if target.tls else None


async def connect(
    target: Target,
    *,
    tls: ssl.SSLContext | None,
    make: Callable[..., Wired] = Connection,  # type: ignore[assignment]
) -> Wired:
    """A connection ready to send. Raises OSError (ssl.SSLError among them) or TimeoutError."""
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    error: OSError = OSError(f"no address for {target.host}")
    for family, kind, proto, _, address in infos:
        sock = socket.socket(family, kind, proto)
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
            name = target.host if tls else None
            _, connection = await loop.create_connection(
                lambda s=sock: make(s, tls=tls is not None),
                sock=sock,
                ssl=tls,
                server_hostname=name,
            )
        except OSError as failed:
            error = failed
            with contextlib.suppress(OSError):
                sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return connection
    raise error


def connect_failure(error: BaseException) -> tuple[str, str]:
    """A closed list of names for why no connection came about, and the system's own words."""
    if isinstance(error, ssl.SSLError):
        return "tls", str(error)
    if isinstance(error, ConnectionRefusedError):
        return "connection-refused", str(error)
    if isinstance(error, TimeoutError):
        return "connect-timeout", "no connection in time"
    if isinstance(error, socket.gaierror):
        return "unknown-host", str(error)
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL}:
        return "too-many-connections", str(error)
    return "connect-failed", str(error)
