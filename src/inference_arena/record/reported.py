"""What another tool says it measured. Never a Record: no host was read, no byte was stamped by us.

A figure keeps the tool's own name and unit, because the same word means another number elsewhere.
"""

from typing import Literal

from inference_arena.facts import Fact
from inference_arena.plan import Load
from inference_arena.record.summary import Doubt
from inference_arena.record.trace import Result

REPORTED_FORMAT: Literal[1] = 1

Tool = Literal["guidellm", "aiperf", "vllm", "sglang", "first-arena"]


class Figure(Fact):
    """One metric as a tool prints it, in its unit. A percentile the tool does not give is None.

    `n` is how many values it is over. `ours` is our nearest metric; `differs` says how the tool's definition differs
    from it, and is None where it does not.
    """

    name: str
    unit: str
    n: int | None = None
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    ours: str | None = None
    differs: str | None = None


class ReportedRequest(Fact):
    """One request as another tool saw it, in seconds from the report's first request. Unknown is None.

    `gaps_s` are the times between its chunks where the tool keeps them; a first and a last token say nothing of them.
    """

    request: int
    point: int
    scheduled_s: float | None = None
    sent_s: float | None = None
    first_token_s: float | None = None
    last_token_s: float | None = None
    ended_s: float | None = None
    gaps_s: tuple[float, ...] = ()
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    result: Result
    failure: str | None = None


class ReportedPoint(Fact):
    """One load of a report. `load` is None where the file does not say, or says what we have no word for."""

    index: int
    label: str
    load: Load | None = None
    duration_s: float | None = None
    ok: int | None = None
    failed: int | None = None
    unfinished: int | None = None
    figures: tuple[Figure, ...]


class Reported(Fact):
    """A report of another tool, read and judged. `facts` are what it says of the run beside its figures.

    `clock`: times of requests count from the report's first one, or each from its own start where the file does not say
    when they were sent. The file itself stays where it is, for it may hold prompts and answers: `source_sha256` says
    which one it was.
    """

    kind: Literal["reported"] = "reported"
    format: Literal[1] = 1
    id: str
    tool: Tool
    tool_version: str | None = None
    tool_format: str
    source_sha256: str
    source_bytes: int
    started_at: str | None = None
    model: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    hardware: str | None = None
    facts: dict[str, str | int | float | bool]
    points: tuple[ReportedPoint, ...]
    requests: tuple[ReportedRequest, ...] = ()
    clock: Literal["report", "request"] | None = None
    doubts: tuple[Doubt, ...]
