"""What it means: every number derived from raw traces, and why it may be wrong. Pure."""

from inference_arena.metrics.client import self_test_summary
from inference_arena.metrics.latency import e2e_s, tpot_s, ttft_s
from inference_arena.metrics.score import POOL_MEAN, POOL_WORST, PlanScore, SpeedScore, TermScore, score
from inference_arena.metrics.slope import full_in_s
from inference_arena.metrics.standing import standing
from inference_arena.metrics.summary import METRICS_VERSION, headline_ttft, summarise
from inference_arena.metrics.verify import Difference, count_numbers, differences

__all__ = [
    "METRICS_VERSION",
    "POOL_MEAN",
    "POOL_WORST",
    "Difference",
    "PlanScore",
    "SpeedScore",
    "TermScore",
    "count_numbers",
    "differences",
    "e2e_s",
    "full_in_s",
    "headline_ttft",
    "score",
    "self_test_summary",
    "standing",
    "summarise",
    "tpot_s",
    "ttft_s",
]
