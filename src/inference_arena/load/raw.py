"""The load process's own file of finished requests: one line of clock readings, then the bytes as they came.

It holds answers' text, so it lives in the run's journal only, is parsed after the load point, and is deleted with
the journal. A torn end (the process was killed) is where reading stops.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from inference_arena.facts import Fact
from inference_arena.load.wire import Call


class RawRequest(Fact):
    """What is known of one request before anything in its body was understood. Times are on the run's clock."""

    request: int
    point: int
    scheduled_s: float
    sent_s: float | None
    connect_s: float | None
    headers_s: float | None
    ended_s: float | None
    status: int | None
    content_type: str
    result: Literal["ok", "failed", "cancelled", "unfinished"]
    failure: str | None
    detail: str | None
    asked_input_tokens: int
    asked_output_tokens: int
    prompt_sha256: str
    read_s: tuple[float, ...]
    read_bytes: tuple[int, ...]
    body_bytes: int


def raw_request(call: Call, *, point: int, clock_zero_s: float, asked_input_tokens: int) -> RawRequest:
    """The call as plain values on the run's clock. Not validated: the load process has no time for that."""

    def since(reading: float | None) -> float | None:
        return None if reading is None else round(reading - clock_zero_s, 6)

    request = call.request
    return RawRequest.model_construct(
        request=request.number,
        point=point,
        scheduled_s=since(call.scheduled),
        sent_s=since(call.sent),
        connect_s=call.connect,
        headers_s=since(call.headers),
        ended_s=since(call.ended),
        status=call.status,
        content_type=call.content_type,
        result=call.result,
        failure=call.failure,
        detail=call.detail,
        asked_input_tokens=asked_input_tokens,
        asked_output_tokens=request.asked_output_tokens,
        prompt_sha256=request.prompt_sha256,
        read_s=tuple(round(at - clock_zero_s, 6) for at in call.read_at),
        read_bytes=tuple(call.read_bytes),
        body_bytes=call.body_bytes,
    )


def write_raw(file: IO[bytes], call: Call, *, point: int, clock_zero_s: float, asked_input_tokens: int) -> None:
    head = raw_request(call, point=point, clock_zero_s=clock_zero_s, asked_input_tokens=asked_input_tokens)
    file.write(json.dumps(head.__dict__, separators=(",", ":")).encode() + b"\n")
    file.writelines(call.body)
    file.write(b"\n")


def read_raw(path: Path, *, offset: int = 0) -> Iterator[tuple[RawRequest, bytes, int]]:
    """Each whole request from `offset` on, with its body and the offset behind it. A torn one ends the reading."""
    with path.open("rb") as file:
        file.seek(offset)
        while (line := file.readline()).endswith(b"\n"):
            head = RawRequest.model_validate_json(line)
            body = file.read(head.body_bytes)
            if len(body) < head.body_bytes or file.read(1) != b"\n":
                return
            yield head, body, file.tell()
