"""Processors by the memory beside them, where nothing more is known than that there is no card."""

from datetime import date

from inference_arena.facts.fact import Fact


class Processor(Fact):
    """A class of machines: the slowest and the fastest memory that they come with."""

    name: str
    title: str
    least_bandwidth_bytes_per_s: float
    most_bandwidth_bytes_per_s: float
    source: str
    checked: date
