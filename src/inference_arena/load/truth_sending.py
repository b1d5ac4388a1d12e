"""The truth server's state, and how what is due goes out: begin, send, keep, end. Reads nothing and starts nothing.

Cost per token decides what load the server can stand for, so the path of a write is one function with few calls.
"""

import select
import socket
import ssl
import struct
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from time import monotonic
from typing import NamedTuple, TextIO

from inference_arena.load.truth import (
    Asked,
    Outcome,
    Request,
    Script,
)
from inference_arena.load.truth_script import Plan, Step

READ, WRITE = 1, (4 if sys.platform == "linux" else 2)  # as epoll and as selectors have them
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
RESET = struct.pack("ii", 1, 0)

MOST_WRITES_A_TURN = 8


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


def send_due(server: Server) -> None:  # noqa: PLR0912  # one write costs 10 us; a call for each branch would show
    """What is due now, each connection in one write. A write's time is read when the kernel has taken it.

    A few writes at most: then sockets are looked at again, so that a request's arrival is not read late.
    """
    heap, joins, now_s = server.due, server.script.split == "none", monotonic()
    batch_s = now_s
    for _ in range(MOST_WRITES_A_TURN):
        if not heap or heap[0][0] > batch_s:
            return
        given = heap[0][2]
        if given is None:
            begun_s, *_ = heappop(heap)
            _freeze(server, until_s=begun_s + server.script.freeze_s)
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


def _freeze(server: Server, *, until_s: float) -> None:
    select.select(server.stop_fds, [], [], max(0.0, until_s - monotonic()))  # only an order to stop ends it early


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
