"""What users ask for: lengths of prompts and answers, as single numbers for a load and as distributions for a plan."""

import math
from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact

_P90 = 1.2815515655446004  # the 90th percentile of the standard normal distribution


class Distribution(Fact):
    """Lengths in tokens, as somebody observed or prescribed them. Unknown stays None; fixed has its median alone.

    lognormal and normal follow from median and 90th percentile, uniform from `least_tokens` and `most_tokens`. All are
    cut off at those two.
    """

    kind: Literal["lognormal", "normal", "uniform", "fixed"]
    median_tokens: int
    p90_tokens: int | None = None
    least_tokens: int | None = None
    most_tokens: int | None = None
    source: str

    @property
    def sigma(self) -> float | None:
        """Standard deviation of the logarithm of a lognormal length; None for other kinds or without a p90."""
        if self.kind != "lognormal" or self.p90_tokens is None:
            return None
        return math.log(self.p90_tokens / self.median_tokens) / _P90


class Workload(Fact):
    """Target lengths in tokens; `output_jitter` is the half-width of the uniform spread, as a share.

    `input` and `output` say how lengths spread in real use; their medians are the target lengths. `slo` names the SLO
    that fits it. `shared_prefix_share` is the share of a prompt that other prompts begin with too, and
    `shared_prefixes` how many such beginnings there are. `texts` is what prompts are made of; None is plain English.

    `concurrency` and `duration_s`: the load that belongs to it, where one does. `turns`, `turn_tokens`, `think_s` and
    `system_tokens`: what its conversations are like, where `arena run --turns` or `--sessions` asks for some: turns on
    average, tokens that each adds, mean time between an answer and the next question, shared instructions.
    """

    name: str
    version: int
    title: str
    input_tokens: int
    output_tokens: int
    output_jitter: float
    input: Distribution | None = None
    output: Distribution | None = None
    slo: str
    shared_prefix_share: float | None = None
    shared_prefixes: int | None = None
    texts: Literal["notes", "code", "tools"] | None = None
    concurrency: tuple[int, ...] | None = None
    duration_s: float | None = None
    turns: int | None = None
    turn_tokens: int | None = None
    think_s: float | None = None
    system_tokens: int | None = None
    source: str
    checked: date
