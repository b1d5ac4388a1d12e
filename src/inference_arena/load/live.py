"""One streamed answer that a person reads while it comes: the same wire and the same readings as a measurement's.

The clock is read before anything is shown; what is shown is decoded while it comes, what is counted after the end.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from inference_arena.facts import Fact
from inference_arena.load.decode import decode, events, pieces_in
from inference_arena.load.point_plan import Target
from inference_arena.load.raw import raw_request
from inference_arena.load.requests import Request, post
from inference_arena.load.turnstile import Turnstile
from inference_arena.load.wire import Call, Connection, connect, connect_failure, tls_context
from inference_arena.record import RequestTrace

CONNECT_LIMIT_S: Final = 10.0
OnText = Callable[[str, str], None]  # a piece of the answer, a piece of the reasoning before it


class Heard(Fact):
    """The whole answer, and the trace of its request. Times are monotonic readings."""

    answer: str
    reasoning: str
    trace: RequestTrace


class _Live(Connection):
    """Also says when something came."""

    def __init__(self, sock: socket.socket, *, tls: bool) -> None:
        super().__init__(sock, tls=tls)
        self.came = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.came.set()


class _Reader:
    """Turns the bytes that have come so far into text, each line once it is whole."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._taken = 0
        self._rest = b""
        self.answer: list[str] = []
        self.reasoning: list[str] = []

    def feed(self, call: Call) -> None:
        new, self._taken = call.body[self._taken :], len(call.body)
        if call.status != 200:
            return
        whole, newline, self._rest = (self._rest + b"".join(new)).rpartition(b"\n")
        for _, data in events(whole + newline):
            for answer, reasoning in pieces_in(data):
                self.answer.append(answer)
                self.reasoning.append(reasoning)
                self._on_text(answer, reasoning)


def hear(target: Target, body: Mapping[str, Any], *, on_text: OnText, silence_limit_s: float) -> Heard:
    """Ask, and hand on each piece as it comes. Ctrl-C closes the connection and ends the answer as cancelled."""
    with asyncio.Runner() as runner:
        return runner.run(_hear(target, body, on_text=on_text, silence_limit_s=silence_limit_s))


async def _hear(target: Target, body: Mapping[str, Any], *, on_text: OnText, silence_limit_s: float) -> Heard:
    payload = post(target, json.dumps(body, separators=(",", ":")).encode(), name="chat")
    request = Request(number=0, payload=payload, asked_output_tokens=0, prompt_sha256="")
    call = Call(request, monotonic(), asyncio.get_running_loop().create_future(), Turnstile())
    reader = _Reader(on_text)
    try:
        await _follow(call, target, reader, silence_limit_s=silence_limit_s)
    except asyncio.CancelledError:
        call.result = "cancelled"
    call.ended = call.ended or monotonic()
    trace = decode(raw_request(call, clock_zero_s=0.0), b"".join(call.body))
    return Heard(answer="".join(reader.answer), reasoning="".join(reader.reasoning), trace=trace)


async def _follow(call: Call, target: Target, reader: _Reader, *, silence_limit_s: float) -> None:
    began = monotonic()
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            connection = await connect(target, tls=tls_context(target), make=_Live)
    except (OSError, TimeoutError) as error:
        call.fail(*connect_failure(error))
        return
    call.connect = round(monotonic() - began, 6)
    call.done.add_done_callback(lambda _: connection.came.set())
    connection.send(call)
    try:
        while not call.done.done():
            async with asyncio.timeout(silence_limit_s):
                await connection.came.wait()
            connection.came.clear()
            reader.feed(call)
    except TimeoutError:
        call.fail("timeout", f"nothing came for {silence_limit_s:g} s")
    finally:
        reader.feed(call)
        connection.abandon()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)  # the connection is closed in the loop's next turn
