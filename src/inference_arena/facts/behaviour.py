"""How one person uses a model: conversations with pauses, which is what makes people out of requests."""

from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact


class Behaviour(Fact):
    """Each turn adds `turn_tokens` to a conversation of `turns` turns on average and is answered with `output_tokens`.

    `think_s` is the mean time between an answer's end and the next question; 0 is back to back. `doing` ends the
    sentence "11 people can ...". `workload` names what one such request looks like by itself.
    """

    name: str
    version: int
    title: str
    doing: str
    workload: str
    turn_tokens: int
    output_tokens: int
    output_jitter: float
    turns: int
    think_s: float
    system_tokens: int = 0
    texts: Literal["notes", "code", "tools"] | None = None
    slo: str
    source: str
    checked: date
