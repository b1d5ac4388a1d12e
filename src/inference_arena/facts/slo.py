"""Bounds on latency that a request must meet."""

from datetime import date

from inference_arena.facts.fact import Fact


class Slo(Fact):
    """A request meets it when every stated bound holds; `judged_at` is the share of requests that must."""

    name: str
    title: str
    ttft_s: float | None = None
    tpot_s: float | None = None
    judged_at: float
    source: str
    checked: date
