"""512 streams at once and 50,000 tokens a second: what one load process takes, what two take, and that none is lost.

The truth server needs a core of its own; on two cores two load processes share the other with each other, and the
server's own lateness says when it was the limit. Run `python -m benchmarks.many_streams`.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kit.table import Figure, finish, machine, parser, say, show

from inference_arena.load import Driven, LoadFleet, PointPlan, Target, Wording, decode, read_raw
from inference_arena.load.truth import Script, Sent, start_truth_server
from inference_arena.plan import Lengths, Load
from inference_arena.record import RequestTrace

STREAMS, TOKENS_PER_S, TOKENS = 512, 50_000, 400
LATE_S = 10.0


def drive(processes: int, seconds: float) -> tuple[Driven, list[RequestTrace], tuple[Sent, ...]]:
    script = Script(tokens=TOKENS, ttft_s=0.2, token_interval_s=STREAMS / TOKENS_PER_S)
    load = Load(kind="closed", concurrency=STREAMS, warmup_s=6.0, duration_s=seconds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            start_truth_server(script, log_path=folder / "truth") as server,
            LoadFleet(log_path=folder / "log", wanted=processes, most=processes) as fleet,
        ):
            plan = _plan(server.port, load, folder / "point.raw")
            driven = fleet.drive(plan, on_tick=lambda _: None)
        traces = [decode(head, body) for head, body in read_raw(Path(plan.raw_path))]
        return driven, traces, server.sent()


def _plan(port: int, load: Load, raw_path: Path) -> PointPlan:
    return PointPlan(
        point=0,
        seed=1,
        target=Target(host="127.0.0.1", port=port, path="/v1/chat/completions"),
        endpoint="chat",
        parameters={"model": "truth"},
        load=load,
        lengths=Lengths(input_tokens=16, output_tokens=TOKENS, output_jitter=0.0),
        wording=Wording(),
        expected_requests=4 * STREAMS,
        request_timeout_s=60.0,
        warmup_limit_s=30.0,
        drain_limit_s=LATE_S,
        raw_path=str(raw_path),
        clock_zero_s=0.0,
    )


def figures(processes: int, seconds: float) -> list[Figure]:
    driven, traces, sent = drive(processes, seconds)
    begin, end = driven.steady_from_s or 0.0, driven.steady_to_s or 0.0
    inside = sum(
        tokens
        for trace in traces
        for at, tokens in zip(trace.read_s, trace.read_tokens, strict=True)
        if begin <= at < end
    )
    truth = {entry.request: entry.tokens for entry in sent}
    ok = [trace for trace in traces if trace.result == "ok"]
    lost = sum(truth[f"0-{trace.request}"] - sum(trace.read_tokens) for trace in ok)
    clients = (driven.client, *driven.others)
    lags = sorted(lag for client in clients for lag in client.loop_lag_s)
    busiest = max(client.cpu_s / (client.to_s - client.from_s) for client in clients)
    return [
        Figure(
            name="streamed tokens", unit="1/s", ours=inside / (end - begin), limit=0.9 * TOKENS_PER_S, sense="at least"
        ),
        Figure(name="tokens lost in answers that ended well", unit="", ours=float(lost), limit=0.0, sense="at most"),
        Figure(name="answers that failed", unit="", ours=float(sum(t.result == "failed" for t in traces))),
        Figure(name="busiest client's CPU", unit="cores", ours=busiest),
        Figure(name="timer lag p99", unit="ms", ours=1e3 * lags[int(0.99 * (len(lags) - 1))] if lags else None),
    ]


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=5.0, help="judged time of each load")
    given = options.parse_args()
    print(machine())
    everything: list[Figure] = []
    for processes in (1, 2):
        say(f"{processes} load processes ...")
        told = figures(processes, given.seconds)
        show(f"{STREAMS} streams, {TOKENS_PER_S:,} tokens/s offered, {processes} load process(es)", told, peers=())
        everything += told
    return finish(everything, check=given.check)


if __name__ == "__main__":
    sys.exit(main())
