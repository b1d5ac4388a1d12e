"""The most that one load process can take: one-token requests/s, and streamed tokens/s; peers beside it.

The truth server is what may saturate first: `python benchmarks/truth_server.py` shows its own ceiling on this machine,
and its log shows here when it could not keep up (it joins overdue tokens into one write, so none is lost).
Run `python -m benchmarks.ceiling`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kit.judge import Window, cpu_us_per_token, quantile, tokens_between, window
from kit.ours import drive
from kit.peers import chosen, fare
from kit.table import Figure, finish, machine, parser, say, show
from kit.work import Fared, Work

from inference_arena.load.truth import Script
from inference_arena.plan import Load

STREAMS = 64
REQUESTS_LIMIT_PER_S, TOKENS_LIMIT_PER_S = 10_000, 40_000
OFFERED_TOKENS_PER_S = 64_000
TOKENS = 400
# prompts to make ahead for ours: above what any Python client has shown
MOST_REQUESTS_PER_S = 25_000.0
Read = Callable[[Work, Fared], float | None]


def requests_work(seconds: float) -> Work:
    load = Load(kind="closed", concurrency=STREAMS, duration_s=seconds)
    return Work(script=Script(tokens=1, ttft_s=0.0), load=load, input_tokens=8)


def tokens_work(seconds: float) -> Work:
    script = Script(tokens=TOKENS, ttft_s=0.05, token_interval_s=STREAMS / OFFERED_TOKENS_PER_S)
    return Work(script=script, load=Load(kind="closed", concurrency=STREAMS, duration_s=seconds), input_tokens=8)


def requests_per_s(work: Work, fared: Fared) -> float:
    inside = window(work, fared)
    return sum(inside[0] <= sent.ended_s < inside[1] for sent in fared.sent) / work.duration_s


def tokens_per_s(work: Work, fared: Fared) -> float:
    return tokens_between(fared, window(work, fared)) / work.duration_s


def cpu_share(work: Work, fared: Fared) -> float | None:
    """Cores the client used, 1.0 is one."""
    used_s = fared.usage.between(*window(work, fared))
    return None if used_s is None else used_s / work.duration_s


def server_late_ms(work: Work, fared: Fared) -> float | None:
    """How late the server's own writes were at p99: when it is much, the server was the limit, not the client."""
    inside = window(work, fared)
    late_s = [late for sent in fared.sent for late in _lateness_s(work, sent.first_due_s, sent.sends, inside)]
    late = quantile(late_s, 0.99)
    return None if late is None else late * 1e3


def _lateness_s(
    work: Work, first_due_s: float | None, sends: tuple[tuple[float, int], ...], inside: Window
) -> list[float]:
    late, done = [], 0
    for at_s, tokens in sends if first_due_s is not None else ():
        assert first_due_s is not None
        if inside[0] <= at_s < inside[1]:
            late.append(at_s - first_due_s - done * work.script.token_interval_s)
        done += tokens
    return late


def token_cost(work: Work, fared: Fared) -> float | None:
    return cpu_us_per_token(fared, window(work, fared))


def figure(
    work: Work, fared: dict[str, Fared | None], read: Read, *, name: str, unit: str, limit: float | None = None
) -> Figure:
    values = {who: None if one is None else read(work, one) for who, one in fared.items()}
    return Figure(name=name, unit=unit, ours=values.pop("ours"), limit=limit, sense="at least", peers=values)


def measure(work: Work, peers: tuple[str, ...]) -> dict[str, Fared | None]:
    most = MOST_REQUESTS_PER_S if work.script.tokens == 1 else None
    fared: dict[str, Fared | None] = {"ours": drive(work, most_requests_per_s=most)}
    for peer in peers:
        say(f"{peer}, {'requests' if work.script.tokens == 1 else 'tokens'} ...")
        fared[peer] = fare(peer, work)
    return fared


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=4.0, help="judged time of each load")
    given = options.parse_args()
    print(machine())
    peers = chosen(given.peers)
    work = requests_work(given.seconds)
    fared = measure(work, peers)
    requests = [
        figure(work, fared, requests_per_s, name="one-token requests", unit="1/s", limit=REQUESTS_LIMIT_PER_S),
        figure(work, fared, cpu_share, name="client CPU", unit="cores"),
    ]
    show(f"One-token answers, {STREAMS} at once", requests, peers=peers)
    work = tokens_work(given.seconds)
    fared = measure(work, peers)
    tokens = [
        figure(work, fared, tokens_per_s, name="streamed tokens", unit="1/s", limit=TOKENS_LIMIT_PER_S),
        figure(work, fared, cpu_share, name="client CPU", unit="cores"),
        figure(work, fared, token_cost, name="client CPU a token", unit="us"),
        figure(work, fared, server_late_ms, name="server late p99", unit="ms"),
    ]
    show(
        f"Answers of {TOKENS} tokens, {OFFERED_TOKENS_PER_S:,} tokens/s offered, {STREAMS} at once", tokens, peers=peers
    )
    return finish([*requests, *tokens], check=given.check)


if __name__ == "__main__":
    sys.exit(main())
