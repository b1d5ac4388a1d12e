"""What a reader of one format hands over, before ids, hashes and doubts are put to it."""

from typing import Literal

from inference_arena.facts import Fact
from inference_arena.record import ReportedPoint, ReportedRequest, Tool

Clock = Literal["report", "request"]


class Told(Fact):
    """`clock`: requests count from the report's first one, or each from its own start; None without requests."""

    tool: Tool
    tool_version: str | None = None
    tool_format: str
    started_unix_s: float | None = None
    model: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    hardware: str | None = None
    facts: dict[str, str | int | float | bool]
    points: tuple[ReportedPoint, ...]
    requests: tuple[ReportedRequest, ...] = ()
    clock: Clock | None = None
