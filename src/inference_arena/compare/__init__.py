"""Which is better: what differs, what may be compared, and what a handful of launches can claim. Pure."""

from inference_arena.compare.comparison import Comparison, Pair, SideSummary, compare, loads_of
from inference_arena.compare.difference import MetricDifference
from inference_arena.compare.measures import JUDGED, MEASURES
from inference_arena.compare.sentences import at, interval, signed
from inference_arena.compare.side import Launch, Side, SideValues, belongs, make_side, same_launch_group
from inference_arena.compare.traits import Unlike

__all__ = [
    "JUDGED",
    "MEASURES",
    "Comparison",
    "Launch",
    "MetricDifference",
    "Pair",
    "Side",
    "SideSummary",
    "SideValues",
    "Unlike",
    "at",
    "belongs",
    "compare",
    "interval",
    "loads_of",
    "make_side",
    "same_launch_group",
    "signed",
]
