"""Where a load point is: what was sent, what counts, when it is over. The measuring core's only changing state."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from inference_arena.load.ahead import Ahead
from inference_arena.load.conversation import Conversation
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.requests import Request
from inference_arena.load.turnstile import Turnstile
from inference_arena.load.wire import Call, Connection
from inference_arena.plan import streams_wanted

FEWEST_FAILURES_TO_STOP: Final = 10


@dataclass(slots=True)
class Course:
    """One load point under way. Times are monotonic readings.

    `keep` takes every ended request; when it cannot (a full disk), the point stops and `storage_error` says why.
    `server_closes` is learned: the server closes a connection after an answer without saying so (llama.cpp does).
    """

    plan: PointPlan
    ahead: Ahead
    keep: Callable[[Call], None]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    steady: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: str = "plan"
    storage_error: OSError | None = None
    start_at: float | None = None
    started: float = 0.0
    steady_from: float | None = None
    steady_to: float | None = None
    server_closes: bool = False
    tls: ssl.SSLContext | None = None
    idle: deque[Connection] = field(default_factory=deque)
    open: dict[Call, Connection | None] = field(default_factory=dict)
    gate: Turnstile = field(default_factory=Turnstile)
    measured: set[Call] = field(default_factory=set)
    streams_warm: set[int] = field(default_factory=set)
    measured_sent: int = 0
    done: int = 0
    failed: int = 0
    failures_in_a_row: int = 0
    reads_done: int = 0
    loop_lag_s: list[float] = field(default_factory=list)
    last_ok: Call | None = None

    @property
    def phase(self) -> str:
        if self.steady_from is None or monotonic() < self.steady_from:
            return "warm-up"
        return "steady" if self.steady_to is None or monotonic() < self.steady_to else "drain"

    @property
    def reads(self) -> int:
        """Reads that carried anything so far, in answers ended and under way: a live guess at tokens."""
        return self.reads_done + sum(len(call.read_at) for call in self.open)

    @property
    def share(self) -> float:
        """How much of the measured time has passed; below 0 in warm-up."""
        if self.steady_from is None:
            return -1.0
        return (monotonic() - self.steady_from) / (self.plan.load.duration_s or float("inf"))

    def next_request(self) -> Request:
        item = self._next()
        assert isinstance(item, Request)
        return item

    def next_conversation(self) -> Conversation:
        item = self._next()
        assert isinstance(item, Conversation)
        return item

    def _next(self) -> Request | Conversation:
        item = self.ahead.take()
        if self.ahead.wants_one:
            self.gate.later(self.ahead.make_one)
        return item

    def stop(self, why: str) -> None:
        """The first reason stands, but for a full disk, which is found last and spoils the rest."""
        if not self.over.is_set() or why == "storage":
            self.stopped_by = why
            self.over.set()

    def warm(self, stream: int) -> None:
        """A stream has ended its first request; when all have, the load is at its target and counts from here."""
        self.streams_warm.add(stream)
        own = range(self.plan.process, streams_wanted(self.plan.load, 0.0), self.plan.processes)
        if self.streams_warm.issuperset(own):
            self.begin_steady()

    def begin_steady(self) -> None:
        if self.steady_from is not None:
            return
        self.steady_from = monotonic()
        self.steady.set()
        if self.plan.load.duration_s is not None:
            asyncio.get_running_loop().call_later(self.plan.load.duration_s, self.end_steady)

    def end_steady(self) -> None:
        if self.steady_to is not None:
            return
        self.steady_to = monotonic()
        asyncio.get_running_loop().call_later(self.plan.drain_limit_s, self.stop, "drain-limit")
        self.stop_when_measured()

    def stop_when_measured(self) -> None:
        if self.steady_to is not None and monotonic() >= self.steady_to and not self.measured:
            self.stop("plan")

    def scheduled(self, call: Call) -> None:
        """Note a request that is about to be sent, and whether it counts."""
        self.open[call] = None
        if self.steady_from is None or call.scheduled < self.steady_from:
            return
        if self.steady_to is not None and call.scheduled >= self.steady_to:
            return
        self.measured.add(call)
        self.measured_sent += 1
        if self.plan.load.requests is not None and self.measured_sent >= self.plan.load.requests:
            self.end_steady()

    def ended(self, call: Call) -> None:
        self.open.pop(call, None)
        self.measured.discard(call)
        self.done += 1
        self.reads_done += len(call.read_at)
        self._count_failure(call)
        self.gate.later(lambda: self._keep(call))
        self.stop_when_measured()

    def _keep(self, call: Call) -> None:
        try:
            self.keep(call)
        except OSError as error:
            self.storage_error = error
            self.stop("storage")

    def _count_failure(self, call: Call) -> None:
        if call.result in {"cancelled", "unfinished"}:
            return
        if succeeded(call):
            self.last_ok, self.failures_in_a_row = call, 0
            return
        self.failed += 1
        self.failures_in_a_row += 1
        if self.plan.load.most_failures is not None and self.failed >= self.plan.load.most_failures:
            self.stop("errors")
        if self.failures_in_a_row >= max(FEWEST_FAILURES_TO_STOP, 2 * (self.plan.load.concurrency or 1)):
            self.stop("errors")


def succeeded(call: Call) -> bool:
    """Nothing went wrong that shows without reading the answer."""
    return call.result == "ok" and call.status == 200
