"""What users ask for: lengths of prompts and answers."""

from datetime import date

from inference_arena.facts.fact import Fact


class Workload(Fact):
    """Target lengths in tokens; `output_jitter` is the half-width of the uniform spread, as a share."""

    name: str
    version: int
    title: str
    input_tokens: int
    output_tokens: int
    output_jitter: float
    source: str
    checked: date
