"""How exact the load client is, against a server that logs what it really did; GuideLLM and AIPerf beside it.

50 tokens an answer, the first after 100 ms, then one every 10 ms; closed loads. Run `python -m benchmarks.accuracy`.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kit.judge import Verdict, judge, per_peer
from kit.ours import drive
from kit.peers import chosen, fare
from kit.table import Figure, finish, machine, parser, say, show
from kit.work import Work

from inference_arena.load.truth import Script
from inference_arena.plan import Load

SCRIPT = Script(tokens=50, ttft_s=0.1, token_interval_s=0.01)
MOST_STREAMS, CPU_STREAMS = 128, 64
Read = Callable[[Verdict], float | None]
Verdicts = dict[str, Verdict | None]


def work_at(streams: int, *, seconds: float) -> Work:
    return Work(script=SCRIPT, load=Load(kind="closed", concurrency=streams, duration_s=seconds))


def figures(streams: int, ours: Verdict, peers: Verdicts) -> Iterator[Figure]:
    def figure(name: str, unit: str, read: Read, *, limit: float | None = None, at_least: bool = False) -> Figure:
        return Figure(
            name=f"{name} at {streams}",
            unit=unit,
            ours=read(ours),
            limit=limit,
            sense="at least" if at_least else "at most",
            peers=per_peer(peers, read),
        )

    hardest = streams == MOST_STREAMS
    yield figure("TTFT error p50", "ms", lambda v: v.ttft_error_p50_ms, limit=0.5 if hardest else None)
    yield figure("TTFT error p99", "ms", lambda v: v.ttft_error_p99_ms, limit=2.0 if hardest else None)
    yield figure("TPOT error p50", "%", lambda v: _percent(v.tpot_error_share), limit=1.0)
    yield figure("possible load", "%", lambda v: _percent(v.load_share), limit=99.0, at_least=True)
    cpu_limit = 30.0 if streams == CPU_STREAMS else None
    yield figure("client CPU a token", "us", lambda v: v.cpu_us_per_token, limit=cpu_limit)
    yield figure("loop lag p99", "ms", lambda v: v.loop_lag_p99_ms)
    yield figure("client kept from its core", "ms", lambda v: v.waited_ms)
    yield figure("cores taken by the host", "ms", lambda v: v.stolen_ms)
    yield figure("requests judged", "", lambda v: float(v.requests))


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def measure(streams: int, *, seconds: float, peers: tuple[str, ...]) -> list[Figure]:
    work = work_at(streams, seconds=seconds)
    ours = judge(work, drive(work))
    verdicts: Verdicts = {}
    for peer in peers:
        say(f"{peer}, streams: {streams} ...")
        fared = fare(peer, work)
        verdicts[peer] = None if fared is None else judge(work, fared)
    return list(figures(streams, ours, verdicts))


def main() -> int:
    options = parser(__doc__)
    options.add_argument(
        "--streams", type=lambda text: [int(word) for word in text.split(",")], default="1,8,32,64,128"
    )
    options.add_argument("--seconds", type=float, default=6.0, help="judged time of each load")
    given = options.parse_args()
    print(machine())
    peers, all_figures = chosen(given.peers), list[Figure]()
    for streams in given.streams:
        made = measure(streams, seconds=given.seconds, peers=peers)
        show(f"Accuracy, streams: {streams}", made, peers=peers)
        all_figures += made
    return finish(all_figures, check=given.check)


if __name__ == "__main__":
    sys.exit(main())
