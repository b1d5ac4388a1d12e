"""What it means: every number derived from raw traces, and why it may be wrong. Pure."""

from inference_arena.metrics.client import self_test_summary
from inference_arena.metrics.latency import e2e_s, tpot_s, ttft_s
from inference_arena.metrics.summary import METRICS_VERSION, headline_ttft, summarise
from inference_arena.metrics.verify import Difference, count_numbers, differences

__all__ = [
    "METRICS_VERSION",
    "Difference",
    "count_numbers",
    "differences",
    "e2e_s",
    "headline_ttft",
    "self_test_summary",
    "summarise",
    "tpot_s",
    "ttft_s",
]
