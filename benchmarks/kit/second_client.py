"""A second, simple client that shares no code with ours: http.client, one thread a stream, its own clock and counting.

It parses while it measures, so it suits a handful of streams.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]


@dataclass
class Answer:
    """Readings of `time.perf_counter()`."""

    sent_s: float
    token_s: list[float] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    output_tokens: int = 0

    @property
    def ttft_s(self) -> float:
        return self.token_s[0] - self.sent_s

    @property
    def tpot_s(self) -> float:
        return (self.token_s[-1] - self.token_s[0]) / (self.output_tokens - 1)


def ask(port: int, body: Body) -> Answer:
    """One streamed answer on a connection of its own, which is made before the clock starts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.connect()
    payload = json.dumps(body).encode()
    answer = Answer(time.perf_counter())
    connection.request("POST", "/v1/chat/completions", payload, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    if reply.status != 200:
        raise SystemExit(f"the engine answered {reply.status}: {reply.read(300)!r}")
    while line := reply.readline():
        _take(answer, line, time.perf_counter())
    connection.close()
    return answer


def _take(answer: Answer, line: bytes, at_s: float) -> None:
    if not line.startswith(b"data: {"):
        return
    message = json.loads(line[6:])
    if any((choice.get("delta") or {}).get("content") for choice in message.get("choices", ())):
        answer.token_s.append(at_s)
    if message.get("usage"):
        answer.output_tokens = message["usage"]["completion_tokens"]
    if message.get("timings"):
        answer.timings = message["timings"]


@dataclass
class Run:
    """A closed load. The window opens when every stream has had an answer, as with the arena."""

    port: int
    streams: int
    seconds: float
    body: Callable[[int], Body]
    answers: list[Answer] = field(default_factory=list)
    begin_s: float | None = None
    _number: int = -1
    _warm: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def _ended(self, stream: int, answer: Answer) -> None:
        with self._lock:
            self.answers.append(answer)
            self._warm.add(stream)
            if len(self._warm) == self.streams and self.begin_s is None:
                self.begin_s = time.perf_counter()

    def _over(self) -> bool:
        return self.begin_s is not None and time.perf_counter() >= self.begin_s + self.seconds

    def _stream(self, stream: int) -> None:
        while not self._over():
            self._ended(stream, ask(self.port, self.body(self._next())))

    def go(self) -> None:
        threads = [threading.Thread(target=self._stream, args=(number,)) for number in range(self.streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def measured(self) -> list[Answer]:
        begin = self.begin_s or 0.0
        return [a for a in self.answers if begin <= a.sent_s < begin + self.seconds and len(a.token_s) > 1]

    def tokens_per_s(self) -> float:
        begin = self.begin_s or 0.0
        inside = sum(begin <= at < begin + self.seconds for answer in self.answers for at in answer.token_s)
        return inside / self.seconds
