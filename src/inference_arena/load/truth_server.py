"""A fake OpenAI-compatible server that says known tokens at known times and logs what it really sent, and when.

One thread, one loop. What is due when comes from `truth_script`, how it goes out from `truth_sending`.
"""

import json
import os
import select
import selectors
import signal
import socket
import ssl
import sys
from collections.abc import Sequence
from gc import disable, freeze
from heapq import heappush
from pathlib import Path
from time import monotonic
from typing import TextIO

from inference_arena.load.truth import (
    Asked,
    Outcome,
    Request,
    Script,
    ScriptError,
    Sent,
    arguments,
    script_from_json,
    sent_to_json,
    take_request,
)
from inference_arena.load.truth_script import planned, planner
from inference_arena.load.truth_sending import (
    READ,
    WOULD_BLOCK,
    WRITE,
    Answer,
    Connection,
    Poller,
    Server,
    begin,
    drop,
    flush,
    send_due,
)

SPIN_S = 0.0003  # a sleeping process wakes up to this late; the rest of a wait is spun away
QUIET_S = 0.0002  # nothing came for so long: the clients are not waiting for us, and the log may have a moment
LOG_LINE_S, LOG_SEND_S = 0.0006, 2e-6  # what a quiet moment with a log line may cost, and more per write in it
LOG_BACKLOG = 20_000  # a server without such pauses writes its log anyway, before it fills the memory
READ_BYTES = 262_144


def make_poller() -> Poller:
    if sys.platform != "linux":
        chosen = selectors.DefaultSelector()
        return Poller(
            chosen.register,
            chosen.modify,
            chosen.unregister,
            lambda timeout_s: [(key.fd, mask) for key, mask in chosen.select(timeout_s)],
        )
    epoll = select.epoll()

    def wait(timeout_s: float | None) -> list[tuple[int, int]]:
        if timeout_s != 0:
            # epoll counts in whole milliseconds; select on the epoll itself counts in microseconds.
            select.select([epoll], [], [], timeout_s)
        return epoll.poll(0)

    return Poller(epoll.register, epoll.modify, epoll.unregister, wait)


def serve(server: Server) -> None:
    while not server.stopping:
        ready = server.poller.wait(_pause_s(server))
        here_s = monotonic()  # whatever is ready had arrived by now, however long its turn takes to come
        for fd, mask in ready:
            _attend(server, fd, mask, here_s)
        send_due(server)
        if server.ended and (not ready or len(server.ended) > LOG_BACKLOG) and _can_log(server):
            write_log(server, most=1)
    now_s = monotonic()
    for connection in list(server.connections.values()):
        drop(server, connection, outcome="failed", ended_s=now_s)
    write_log(server)


def _pause_s(server: Server) -> float | None:
    """How long nothing needs doing; None without end."""
    if server.ended and _can_log(server):
        return 0.0 if len(server.ended) > LOG_BACKLOG else QUIET_S
    if not server.due:
        return None
    return max(0.0, server.due[0][0] - monotonic() - SPIN_S)


def _can_log(server: Server) -> bool:
    """True when a line can be written before anything is due, so that the log delays no token."""
    if not server.due or len(server.ended) > LOG_BACKLOG:
        return True
    cost_s = LOG_LINE_S + LOG_SEND_S * len(server.ended[0][0].sends)
    return server.due[0][0] - monotonic() > cost_s


def write_log(server: Server, *, most: int | None = None) -> None:
    for _ in range(min(most or len(server.ended), len(server.ended))):
        server.log.write(_log_line(*server.ended.popleft()) + "\n")
    if not server.ended:
        server.log.flush()


def _attend(server: Server, fd: int, mask: int, here_s: float) -> None:
    connection = server.connections.get(fd)
    if connection:
        if mask & WRITE:
            flush(server, connection)
        if mask & ~WRITE and fd in server.connections:
            receive(server, connection, here_s)
    elif fd == server.listener.fileno():
        accept(server)
    elif fd in server.stop_fds:
        server.stopping = server.stopping or _asks_to_stop(fd)


def _asks_to_stop(fd: int) -> bool:
    return fd != 0 or not os.read(fd, 4096)


def accept(server: Server) -> None:
    while True:
        try:
            sock, _ = server.listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.tls:
            sock = server.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        server.connections[sock.fileno()] = Connection(sock)
        server.poller.register(sock.fileno(), READ)


def receive(server: Server, connection: Connection, now_s: float) -> None:
    try:
        data = connection.sock.recv(READ_BYTES)
        while isinstance(connection.sock, ssl.SSLSocket) and data and connection.sock.pending():
            data += connection.sock.recv(READ_BYTES)
    except WOULD_BLOCK:
        return
    except OSError:
        data = b""
    if not data:
        drop(server, connection, outcome="client-left", ended_s=now_s)
        return
    if not connection.inbox:
        connection.arrived_s = now_s
    connection.inbox += data
    while connection.inbox and (request := take_request(connection.inbox)):
        _welcome(server, connection, request, now_s)
        connection.arrived_s = now_s


def _welcome(server: Server, connection: Connection, request: Request, now_s: float) -> None:
    plan, counts = planned(server.plan, request, server.requests + 1)
    if request.path == "/health":
        write_log(server)  # whoever asks may read the log once we have answered
    if counts and not server.requests and server.script.freeze_at_s is not None:
        heappush(server.due, (now_s + server.script.freeze_at_s, -1, None))
    server.requests += counts
    server.answers += 1
    given = Answer(connection, plan, server.answers, connection.arrived_s, now_s, request)
    given.logged = counts
    connection.answers.append(given)
    if connection.answers[0] is given:
        begin(server, given, now_s)


def _log_line(given: Answer, outcome: Outcome, ended_s: float) -> str:
    first_s = next((offset_s for offset_s, _, tokens in given.plan.steps if tokens), None)
    return sent_to_json(
        Sent(
            request=given.request.name,
            arrived_s=given.arrived_s,
            received_s=given.received_s,
            headers_s=given.headers_s,
            first_due_s=given.base_s + first_s if given.base_s and first_s is not None else None,
            sends=tuple(given.sends),
            ended_s=ended_s,
            tokens=sum(tokens for _, tokens in given.sends),
            outcome=outcome,
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    given = arguments(argv)
    if given.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, given.cpus)
    try:
        script = script_from_json(given.script)
        listener = socket.create_server((given.host, given.port), backlog=4096)
        stop_fds = frozenset([_signal_fd()] if given.no_stdin else [_signal_fd(), 0])
        with listener, given.log.open("w", encoding="utf-8", buffering=1 << 20) as log:
            run(script, listener, stop_fds=stop_fds, log=log, tls=_tls(given.tls_cert, given.tls_key))
    except ScriptError as error:
        print(f"truth_server: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"truth_server: {error}", file=sys.stderr)
        return 1
    return 0


def run(
    script: Script, listener: socket.socket, *, stop_fds: frozenset[int], log: TextIO, tls: ssl.SSLContext | None
) -> None:
    server = Server(script, planner(script), listener, tls, log, make_poller(), stop_fds)
    server.plan(Asked(True, True, None, True, 0), 1)  # makes the bytes of the usual shape before anyone waits
    listener.setblocking(False)
    for fd in (listener.fileno(), *stop_fds):
        server.poller.register(fd, READ)
    freeze()
    disable()  # a collection would be a stall that no script asked for; nothing here is left in cycles
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    serve(server)


def _signal_fd() -> int:
    """Readable once a signal to stop has come."""
    inlet, outlet = os.pipe()
    os.set_blocking(outlet, False)
    signal.set_wakeup_fd(outlet)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return inlet


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if not cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


if __name__ == "__main__":
    sys.exit(main())
