"""The load client against a server whose truth is known: what the client itself adds, here and now, at this load."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from inference_arena.load.decode import decode
from inference_arena.load.fleet import LoadFleet
from inference_arena.load.point_plan import PointPlan, Target, Wording
from inference_arena.load.process import Driven, LoadProcess
from inference_arena.load.raw import read_raw
from inference_arena.load.truth import Script, Sent, start_truth_server
from inference_arena.plan import Lengths, Load
from inference_arena.record import RequestTrace, SelfTestSample

TTFT_S = 0.05
TOKENS = 20
FASTEST_INTERVAL_S = 0.002
SLOWEST_INTERVAL_S = 0.03
WARMUP_S = 0.2
DURATION_S = 0.8
DRAIN_LIMIT_S = 1.5


def self_test(
    load: LoadFleet | LoadProcess,
    *,
    streams: int,
    token_interval_s: float,
    folder: Path,
    cpus: Sequence[int] | None = None,
) -> SelfTestSample:
    """At most 3 s: `streams` streams of tokens at the engine's own pace (kept within 2 to 30 ms).

    Files go to `folder` and are removed. The server keeps to `cpus`, as the engine did.
    """
    interval_s = min(SLOWEST_INTERVAL_S, max(FASTEST_INTERVAL_S, token_interval_s))
    raw_path, log_path = folder / "self-test.raw", folder / "self-test.log"
    script = Script(tokens=TOKENS, ttft_s=TTFT_S, token_interval_s=interval_s)
    try:
        with start_truth_server(script, log_path=log_path, cpus=cpus) as server:
            driven = load.drive(_plan(server.port, streams=streams, raw_path=raw_path), on_tick=lambda _: None)
        seen = [decode(head, body) for head, body in read_raw(raw_path)]
        return _sample(driven, seen, server.sent(), streams=streams, interval_s=interval_s)
    finally:
        raw_path.unlink(missing_ok=True)
        log_path.unlink(missing_ok=True)


def _plan(port: int, *, streams: int, raw_path: Path) -> PointPlan:
    return PointPlan(
        point=0,
        seed=0,
        target=Target(host="127.0.0.1", port=port, path="/v1/chat/completions"),
        endpoint="chat",
        parameters={"model": "truth"},  # no usage: tokens are counted from what was read
        load=Load(kind="closed", concurrency=streams, warmup_s=WARMUP_S, duration_s=DURATION_S),
        lengths=Lengths(input_tokens=16, output_tokens=TOKENS, output_jitter=0.0),
        wording=Wording(),
        expected_requests=streams * 16,
        request_timeout_s=DRAIN_LIMIT_S,
        warmup_limit_s=WARMUP_S,
        drain_limit_s=DRAIN_LIMIT_S,
        raw_path=str(raw_path),
        clock_zero_s=0.0,
    )


def _sample(
    driven: Driven, seen: Iterable[RequestTrace], sent: Iterable[Sent], *, streams: int, interval_s: float
) -> SelfTestSample:
    finished = list(_finished(driven, seen, {entry.request: entry for entry in sent if entry.request}))
    pairs = [(trace, truth) for trace, truth in finished if trace.result == "ok"]
    return SelfTestSample(
        streams=streams,
        token_interval_s=interval_s,
        true_ttft_s=tuple(round(truth.sends[0][0] - truth.received_s, 6) for _, truth in pairs),
        seen_ttft_s=tuple(round(trace.read_s[0] - (trace.sent_s or 0.0), 6) for trace, _ in pairs),
        true_tpot_s=tuple(round((truth.sends[-1][0] - truth.sends[0][0]) / (TOKENS - 1), 9) for _, truth in pairs),
        seen_tpot_s=tuple(round((trace.read_s[-1] - trace.read_s[0]) / (TOKENS - 1), 9) for trace, _ in pairs),
        tokens_sent=sum(truth.tokens for _, truth in finished),
        tokens_seen=sum(sum(trace.read_tokens) for trace, _ in finished),
    )


def _finished(
    driven: Driven, seen: Iterable[RequestTrace], sent: dict[str, Sent]
) -> Iterator[tuple[RequestTrace, Sent]]:
    """Measured requests that the server finished, whatever the client made of them."""
    for trace in seen:
        truth = sent.get(f"0-{trace.request}")
        measured = (driven.steady_from_s or 0.0) <= trace.scheduled_s < (driven.steady_to_s or 0.0)
        if truth is not None and truth.outcome == "ok" and measured:
            yield trace, truth
