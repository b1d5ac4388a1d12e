"""What it means: every number derived from raw traces, and why it may be wrong. Pure."""

from inference_arena.metrics.client import self_test_summary
from inference_arena.metrics.crosscheck import Crosscheck, Parting, crosscheck
from inference_arena.metrics.latency import e2e_s, tpot_s, ttft_s
from inference_arena.metrics.score import POOL_MEAN, POOL_WORST, PlanScore, SpeedScore, TermScore, score
from inference_arena.metrics.slope import full_in_s
from inference_arena.metrics.standing import standing
from inference_arena.metrics.summary import METRICS_VERSION, headline_ttft, summarise
from inference_arena.metrics.verify import Difference, count_numbers, differences
from inference_arena.metrics.views import View, ViewOf, as_seen, explained, figures, measured, ours_in, views

__all__ = [
    "METRICS_VERSION",
    "POOL_MEAN",
    "POOL_WORST",
    "Crosscheck",
    "Difference",
    "Parting",
    "PlanScore",
    "SpeedScore",
    "TermScore",
    "View",
    "ViewOf",
    "as_seen",
    "count_numbers",
    "crosscheck",
    "differences",
    "e2e_s",
    "explained",
    "figures",
    "full_in_s",
    "headline_ttft",
    "measured",
    "ours_in",
    "score",
    "self_test_summary",
    "standing",
    "summarise",
    "tpot_s",
    "ttft_s",
    "views",
]
