"""Our own client at a piece of work: the load process as the arena uses it, each request joined to the server's log."""

import os
import tempfile
import time
from pathlib import Path

from inference_arena.load import LoadProcess, PointPlan, Target, Wording, decode, read_raw
from inference_arena.load.truth import start_truth_server
from inference_arena.metrics.latency import longest_gap_s, tpot_s, ttft_s
from inference_arena.plan import Lengths
from inference_arena.record import RequestTrace
from kit.usage import watched
from kit.work import Fared, Seen, Work

MOST_PROMPTS_AHEAD = 150_000
DRAIN_LIMIT_S = 10.0


def cores() -> tuple[tuple[int, ...] | None, int | None]:
    """The truth server's cores and our client's; no pinning where there is only one, or no say in it."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (tuple(usable[:-1]), usable[-1]) if len(usable) > 1 else (None, None)


def drive(work: Work, *, most_requests_per_s: float | None = None) -> Fared:
    """`most_requests_per_s` sizes the prompts made ahead where an answer takes no time."""
    server_cores, client_core = cores()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw_path = folder / "raw"
        with (
            start_truth_server(work.script, log_path=folder / "truth", cpus=server_cores) as server,
            LoadProcess(log_path=folder / "log", cpu=client_core) as load,
        ):
            plan = _plan(work, port=server.port, raw_path=raw_path, most_requests_per_s=most_requests_per_s)
            with watched(load.pid, cpus=server_cores) as watch:
                driven = load.drive(plan, on_tick=lambda _: None)
        traces = [decode(head, body) for head, body in read_raw(raw_path)]
        return Fared(
            seen=tuple(_seen(trace) for trace in traces if trace.result == "ok"),
            sent=server.sent(),
            usage=watch.usage,
            stolen=watch.stolen,
            loop_lag_s=driven.client.loop_lag_s,
            waited=watch.waited,
        )


def _plan(work: Work, *, port: int, raw_path: Path, most_requests_per_s: float | None) -> PointPlan:
    script, load = work.script, work.load
    per_s = most_requests_per_s or load.rate_per_s or (load.concurrency or 1) / max(work.answer_s, 0.001)
    expected = int(1.2 * per_s * (work.settle_s + work.duration_s + 1)) + (load.concurrency or 0)
    return PointPlan(
        point=0,
        seed=time.monotonic_ns() % 1_000_000,
        target=Target(host="127.0.0.1", port=port, path="/v1/chat/completions"),
        endpoint="chat",
        parameters={"model": "truth", "stream_options": {"include_usage": True}},
        load=load.model_copy(update={"warmup_s": work.settle_s}),
        lengths=Lengths(input_tokens=work.input_tokens, output_tokens=script.tokens, output_jitter=0.0),
        wording=Wording(),
        expected_requests=min(MOST_PROMPTS_AHEAD, expected),
        request_timeout_s=DRAIN_LIMIT_S * 3,
        warmup_limit_s=DRAIN_LIMIT_S,
        drain_limit_s=DRAIN_LIMIT_S,
        raw_path=str(raw_path),
        clock_zero_s=0.0,
    )


def _seen(trace: RequestTrace) -> Seen:
    assert trace.sent_s is not None
    return Seen(
        sent_s=trace.sent_s,
        ttft_s=ttft_s(trace) or 0.0,
        tpot_s=tpot_s(trace),
        longest_gap_s=longest_gap_s(trace),
        scheduled_s=trace.scheduled_s,
        name=f"0-{trace.request}",
    )
