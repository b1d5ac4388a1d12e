"""A fake OpenAI-compatible server that says known tokens at known times and logs what it really sent, and when.

One thread, one loop, one heap of due writes. What is due when comes from `truth_script`; nothing here invents bytes.
Cost per token decides what load the server can stand for, so the path of a write is one function with few calls.
"""

import json
import os
import select
import selectors
import signal
import socket
import ssl
import struct
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from gc import disable, freeze
from heapq import heappop, heappush, heapreplace
from pathlib import Path
from time import monotonic
from typing import NamedTuple, TextIO

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
from inference_arena.load.truth_script import Plan, Step, planned, planner

READ, WRITE = 1, (4 if sys.platform == "linux" else 2)  # as epoll and as selectors have them
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
SPIN_S = 0.0003  # a sleeping process wakes up to this late; the rest of a wait is spun away
LOG_SLACK_S = 0.002  # the log is written only when nothing is due so soon
LOG_BACKLOG = 20_000  # a server without such pauses writes its log anyway, before it fills the memory
READ_BYTES = 262_144
RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True, eq=False)
class Connection:
    sock: socket.socket
    inbox: bytearray = field(default_factory=bytearray)
    arrived_s: float = 0.0
    answers: deque["Answer"] = field(default_factory=deque)  # the first is being given, the rest are pipelined
    outbox: bytearray = field(default_factory=bytearray)
    marks: deque[tuple[int, int]] = field(default_factory=deque)  # (bytes of the outbox, tokens complete by then)


@dataclass(slots=True, eq=False)
class Answer:
    connection: Connection | None  # None once the answer has ended
    plan: Plan
    number: int
    arrived_s: float
    received_s: float
    request: Request
    logged: bool = True
    holds_slot: bool = False
    base_s: float = 0.0  # 0 until its clock starts
    step: int = 0
    headers_s: float | None = None
    sends: list[tuple[float, int]] = field(default_factory=list)


class Poller(NamedTuple):
    register: Callable[[int, int], object]
    modify: Callable[[int, int], object]
    unregister: Callable[[int], object]
    wait: Callable[[float | None], list[tuple[int, int]]]


@dataclass(slots=True, eq=False)
class Server:
    """All that changes while the server runs."""

    script: Script
    plan: Callable[[Asked, int], Plan]
    listener: socket.socket
    tls: ssl.SSLContext | None
    log: TextIO
    poller: Poller
    stop_fds: frozenset[int]
    connections: dict[int, Connection] = field(default_factory=dict)
    due: list[tuple[float, int, Answer | None]] = field(default_factory=list)  # no answer: the freeze
    queue: deque[Answer] = field(default_factory=deque)
    slots_taken: int = 0
    answers: int = 0
    requests: int = 0
    ended: deque[tuple[Answer, Outcome, float]] = field(default_factory=deque)
    stopping: bool = False


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
        for fd, mask in ready:
            _attend(server, fd, mask)
        send_due(server)
        if server.ended:
            _log_if_idle(server, busy=bool(ready))
    now_s = monotonic()
    for connection in list(server.connections.values()):
        drop(server, connection, outcome="failed", ended_s=now_s)
    write_log(server)


def _pause_s(server: Server) -> float | None:
    """How long nothing needs doing; None without end."""
    if server.ended:
        return 0.0
    if not server.due:
        return None
    return max(0.0, server.due[0][0] - monotonic() - SPIN_S)


def _log_if_idle(server: Server, *, busy: bool) -> None:
    """One line in a quiet moment, so that writing the log delays no token."""
    quiet = not busy and (not server.due or server.due[0][0] - monotonic() > LOG_SLACK_S)
    if quiet or len(server.ended) > LOG_BACKLOG:
        write_log(server, most=1)


def write_log(server: Server, *, most: int | None = None) -> None:
    for _ in range(min(most or len(server.ended), len(server.ended))):
        server.log.write(_log_line(*server.ended.popleft()) + "\n")
    if not server.ended:
        server.log.flush()


def _attend(server: Server, fd: int, mask: int) -> None:
    connection = server.connections.get(fd)
    if connection:
        if mask & WRITE:
            flush(server, connection)
        if mask & ~WRITE and fd in server.connections:
            receive(server, connection)
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


def receive(server: Server, connection: Connection) -> None:
    try:
        data = connection.sock.recv(READ_BYTES)
        while isinstance(connection.sock, ssl.SSLSocket) and data and connection.sock.pending():
            data += connection.sock.recv(READ_BYTES)
    except WOULD_BLOCK:
        return
    except OSError:
        data = b""
    now_s = monotonic()
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


def begin(server: Server, given: Answer, now_s: float) -> None:
    if server.script.slots and given.plan.takes_slot:
        if server.slots_taken >= server.script.slots:
            server.queue.append(given)
            return
        server.slots_taken += 1
        given.holds_slot = True
    _start_clock(server, given, now_s)


def _start_clock(server: Server, given: Answer, now_s: float) -> None:
    given.base_s = now_s
    if given.plan.steps:
        heappush(server.due, (now_s + given.plan.steps[0][0], given.number, given))


def send_due(server: Server) -> None:
    """All that is due now, each connection in one write. A write's time is read when the kernel has taken it."""
    heap, joins, now_s = server.due, server.script.split == "none", monotonic()
    batch_s = now_s
    while heap and heap[0][0] <= batch_s:
        given = heap[0][2]
        if given is None:
            heappop(heap)
            _freeze(server)
            continue
        connection = given.connection
        if connection is None:
            heappop(heap)
            continue
        steps, at, base_s = given.plan.steps, given.step, given.base_s
        _, payload, tokens = steps[at]
        first, at = at, at + 1
        if joins and at < len(steps) and base_s + steps[at][0] <= now_s:
            payload, tokens, at = _joined(steps, first, now_s - base_s)
        given.step = at
        if at < len(steps):
            heapreplace(heap, (base_s + steps[at][0], given.number, given))
        else:
            heappop(heap)
        try:
            sent = connection.sock.send(payload) if payload and not connection.outbox else 0
        except WOULD_BLOCK:
            sent = 0
        except OSError:
            drop(server, connection, outcome="client-left", ended_s=monotonic())
            continue
        now_s = monotonic()
        if sent < len(payload):
            _keep(server, given, steps[first:at], sent)
        elif tokens:
            given.sends.append((now_s, tokens))
        if given.headers_s is None and sent:
            given.headers_s = now_s
        if at == len(steps) and not connection.outbox:
            end(server, connection, now_s)


def _joined(steps: Sequence[Step], first: int, until_s: float) -> tuple[bytes, int, int]:
    stop = first + 1
    while stop < len(steps) and steps[stop][0] <= until_s:
        stop += 1
    part = steps[first:stop]
    return b"".join([step[1] for step in part]), sum([step[2] for step in part]), stop


def _keep(server: Server, given: Answer, steps: Sequence[Step], sent: int) -> None:
    """What the kernel did not take waits in the outbox, with marks for the tokens in it."""
    connection = given.connection
    assert connection is not None
    connection.marks.extend((len(payload), tokens) for _, payload, tokens in steps)
    if not connection.outbox:
        server.poller.modify(connection.sock.fileno(), READ | WRITE)
    connection.outbox += b"".join(step[1] for step in steps)
    _took(connection, given, sent)


def _took(connection: Connection, given: Answer, sent: int) -> None:
    del connection.outbox[:sent]
    complete = 0
    while connection.marks and connection.marks[0][0] <= sent:
        size, tokens = connection.marks.popleft()
        complete += tokens
        sent -= size
    if sent:
        size, tokens = connection.marks.popleft()
        connection.marks.appendleft((size - sent, tokens))
    if complete:
        given.sends.append((monotonic(), complete))


def flush(server: Server, connection: Connection) -> None:
    try:
        sent = connection.sock.send(connection.outbox)
    except WOULD_BLOCK:
        return
    except OSError:
        drop(server, connection, outcome="client-left", ended_s=monotonic())
        return
    given = connection.answers[0]
    _took(connection, given, sent)
    if connection.outbox:
        return
    server.poller.modify(connection.sock.fileno(), READ)
    if given.step == len(given.plan.steps):
        end(server, connection, monotonic())


def _freeze(server: Server) -> None:
    select.select(server.stop_fds, [], [], server.script.freeze_s)


def end(server: Server, connection: Connection, now_s: float) -> None:
    plan, request = connection.answers[0].plan, connection.answers[0].request
    if plan.ending != "keep" or request.closes:
        if plan.ending == "reset":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        drop(server, connection, outcome=plan.outcome, ended_s=now_s)
        return
    record(server, connection.answers.popleft(), outcome=plan.outcome, ended_s=now_s)
    if connection.answers:
        begin(server, connection.answers[0], now_s)


def drop(server: Server, connection: Connection, *, outcome: Outcome, ended_s: float) -> None:
    """Close a connection; requests that were pipelined behind the ended one are never answered."""
    sock = connection.sock
    server.poller.unregister(sock.fileno())
    del server.connections[sock.fileno()]
    if isinstance(sock, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            sock.unwrap()  # says goodbye; the client's goodbye is not awaited
    sock.close()
    for given in connection.answers:
        record(server, given, outcome=outcome, ended_s=ended_s)
        outcome = "failed" if outcome == "ok" else outcome


def record(server: Server, given: Answer, *, outcome: Outcome, ended_s: float) -> None:
    given.connection = None
    if given.logged:
        server.ended.append((given, outcome, ended_s))
    if not given.holds_slot:
        return
    while server.queue:
        following = server.queue.popleft()
        if following.connection:
            following.holds_slot = True
            _start_clock(server, following, ended_s)
            return
    server.slots_taken -= 1


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
