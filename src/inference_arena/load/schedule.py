"""When an open load's requests are due, and which of them count: from the plan alone, before the clock starts."""

from inference_arena.load.arrivals import (
    Arrivals,
    burst_arrivals,
    constant_arrivals,
    poisson_arrivals,
    replayed_arrivals,
    spike_arrivals,
)
from inference_arena.load.files import read_replay
from inference_arena.load.point_plan import PointPlan


def arrivals(plan: PointPlan) -> Arrivals:
    """Every arrival of an open load from the start of its warm-up to the last moment it may still run.

    All of them, whichever load process sends them.
    """
    load = plan.load
    assert load.rate_per_s is not None
    rate, seed, together = load.rate_per_s, plan.seed, load.together or 1
    counted_s = 0.0 if load.requests is None else (2 * load.requests + 20) / rate
    seconds = (load.warmup_s or 0.0) + (load.duration_s or counted_s) + plan.drain_limit_s
    match load.arrivals:
        case "constant":
            return constant_arrivals(rate_per_s=rate, seconds=seconds)
        case "bursts":
            return burst_arrivals(rate_per_s=rate, together=together, seconds=seconds, seed=seed)
        case "spike":
            at_s = (load.warmup_s or 0.0) + (load.duration_s or counted_s) / 2
            return spike_arrivals(rate_per_s=rate, together=together, at_s=at_s, seconds=seconds, seed=seed)
        case "trace":
            return _replayed(plan)
    return poisson_arrivals(rate_per_s=rate, seconds=seconds, seed=seed)


def _replayed(plan: PointPlan) -> Arrivals:
    assert plan.trace_path is not None
    speed = plan.load.replay.speed if plan.load.replay else 1.0
    return replayed_arrivals([arrival.at_s for arrival in read_replay(plan.trace_path)], speed=speed)


def steady_window(plan: PointPlan, times: Arrivals) -> tuple[float, float]:
    """From the end of warm-up to the end of the duration or just before the arrival after the last wanted one."""
    load = plan.load
    begin = load.warmup_s or 0.0
    end = begin + load.duration_s if load.duration_s is not None else float("inf")
    if load.requests is not None:
        inside = [at for at in times if at >= begin]
        if load.requests < len(inside):
            end = min(end, inside[load.requests])
        elif load.duration_s is None:
            end = (inside or [begin])[-1] + 1e-6
    return begin, end
