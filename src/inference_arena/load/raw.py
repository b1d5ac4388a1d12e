"""The load process's own file of finished requests: a line of facts, the clock readings, then the bytes as they came.

It holds answers' text, so it lives in the run's journal only, is parsed after the load point, and is deleted with
the journal. A torn end (the process was killed) is where reading stops. Written in the measuring loop, so it is made
for speed: readings go out as machine doubles, and nothing is validated before it is read.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal

from inference_arena.facts import Fact
from inference_arena.load.wire import Call

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_TIMES: Final = ("scheduled_s", "sent_s", "headers_s", "ended_s")


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


def _head(call: Call, *, point: int, asked_input_tokens: int) -> dict[str, Any]:
    """All but the reads; times are still monotonic readings."""
    request = call.request
    return {
        "request": request.number,
        "point": point,
        "scheduled_s": call.scheduled,
        "sent_s": call.sent,
        "connect_s": call.connect,
        "headers_s": call.headers,
        "ended_s": call.ended,
        "status": call.status,
        "content_type": call.content_type,
        "result": call.result,
        "failure": call.failure,
        "detail": call.detail,
        "asked_input_tokens": asked_input_tokens,
        "asked_output_tokens": request.asked_output_tokens,
        "prompt_sha256": request.prompt_sha256,
        "body_bytes": call.body_bytes,
    }


def _raw(head: dict[str, Any], read_at: Sequence[float], read_bytes: Sequence[int], clock_zero_s: float) -> RawRequest:
    """On the run's clock, to the microsecond."""
    times = {name: None if head[name] is None else round(head[name] - clock_zero_s, 6) for name in _TIMES}
    reads = [round(at - clock_zero_s, 6) for at in read_at]
    return RawRequest.model_validate_json(_encode({**head, **times, "read_s": reads, "read_bytes": list(read_bytes)}))


def raw_request(call: Call, *, clock_zero_s: float) -> RawRequest:
    """One request that stands by itself and needs no file."""
    head = _head(call, point=0, asked_input_tokens=0)
    return _raw(head, call.read_at, call.read_bytes, clock_zero_s)


def write_raw(file: IO[bytes], call: Call, *, point: int, clock_zero_s: float, asked_input_tokens: int) -> None:
    head = _head(call, point=point, asked_input_tokens=asked_input_tokens)
    head["clock_zero_s"], head["reads"] = clock_zero_s, len(call.read_at)
    file.write(_encode(head).encode() + b"\n")
    file.write(call.read_at.tobytes())
    file.write(call.read_bytes.tobytes())
    file.writelines(call.body)
    file.write(b"\n")


def read_raw(path: Path) -> Iterator[tuple[RawRequest, bytes]]:
    """Each whole request with its body. A torn one ends the reading."""
    with path.open("rb") as file:
        while (line := file.readline()).endswith(b"\n"):
            head = json.loads(line)
            read_at, read_bytes = array("d"), array("q")
            reads, clock_zero_s = head.pop("reads"), head.pop("clock_zero_s")
            stamps, sizes = file.read(reads * read_at.itemsize), file.read(reads * read_bytes.itemsize)
            body = file.read(head["body_bytes"])
            if file.read(1) != b"\n":
                return
            read_at.frombytes(stamps)
            read_bytes.frombytes(sizes)
            yield _raw(head, read_at, read_bytes, clock_zero_s), body
