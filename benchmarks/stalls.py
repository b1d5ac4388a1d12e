"""What a latency tool must not hide: stalls inside answers, a frozen server, and arrivals that are not by chance.

Peers are shown by the nearest figure that they print. Run `python -m benchmarks.stalls`.
"""

import math
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pvariance

sys.path.insert(0, str(Path(__file__).parent))

from kit.judge import Window, pairs, quantile, window
from kit.ours import drive
from kit.peers import chosen, fare
from kit.table import Figure, finish, machine, parser, say, show
from kit.work import Fared, Work

from inference_arena.load.arrivals import poisson_arrivals
from inference_arena.load.truth import Script, Sent
from inference_arena.plan import Load

STALL_S, STALL_EVERY = 0.5, 10
# 8 streams in step have 50 tokens in 590 ms: after 6.25 s they are amid an answer, not before its first token
FREEZE_S, FREEZE_AT_S, OPEN_RATE_PER_S = 2.0, 6.25, 12.0
ARRIVALS, WINDOWS, SEED = 20_000, 2_000, 7
DRIVEN_RATE_PER_S, DRIVEN_S, DRIVEN_WINDOW_S = 20.0, 25.0, 0.5
# three standard errors of the index over 2,000 windows are 0.095, over the 50 windows of the driven load 0.61
DISPERSION_LIMIT, DRIVEN_DISPERSION_LIMIT, LEAST_P = 0.1, 0.61, 0.01
Faring = dict[str, Fared | None]


def everyone(work: Work, peers: Sequence[str]) -> Faring:
    fared: Faring = {"ours": drive(work)}
    for peer in peers:
        say(f"{peer}, {work.load.kind} load of {work.load.label} ...")
        fared[peer] = fare(peer, work)
    return fared


def values_of(values: dict[str, float | None], *, name: str, unit: str, limit: float | None = None) -> Figure:
    peers = dict(values)
    return Figure(name=name, unit=unit, ours=peers.pop("ours", None), limit=limit, peers=peers)


# stalls inside answers


def stalls_work(seconds: float) -> Work:
    script = Script(stall_every=STALL_EVERY, stall_s=STALL_S, stall_at_token=25)
    return Work(script=script, load=Load(kind="closed", concurrency=8, duration_s=seconds))


def true_longest_gap_s(sent: Sent) -> float:
    return max((after - before for (before, _), (after, _) in pairwise(sent.sends)), default=0.0)


def gap_error_ms(fared: Fared, inside: Window) -> float | None:
    """The greatest |longest gap seen - longest gap made| of any request."""
    errors = [
        abs(seen.longest_gap_s - true_longest_gap_s(sent))
        for seen, sent in pairs(fared, inside)
        if seen.longest_gap_s is not None and seen.name is not None
    ]
    return max(errors) * 1e3 if errors else None


def printed_gap_ms(who: str, fared: Fared, inside: Window) -> float | None:
    """p99 of what the tool calls a gap: ours the longest of each answer, the peers' their inter-token latency."""
    seen = [one for one in fared.seen if inside[0] <= one.sent_s < inside[1]]
    gaps = [one.longest_gap_s if who == "ours" else one.tpot_s for one in seen]
    p99 = quantile([gap for gap in gaps if gap is not None], 0.99)
    return None if p99 is None else p99 * 1e3


def largest_kept_ms(fared: Fared, inside: Window) -> float | None:
    """The largest gap in the tool's raw data; None where it keeps none."""
    gaps = [one.longest_gap_s for one in fared.seen if inside[0] <= one.sent_s < inside[1]]
    known = [gap for gap in gaps if gap is not None]
    return max(known) * 1e3 if known else None


def stalls(seconds: float, peers: Sequence[str]) -> list[Figure]:
    work = stalls_work(seconds)
    fared = {who: (one, window(work, one)) for who, one in everyone(work, peers).items() if one is not None}
    truth = quantile([true_longest_gap_s(sent) for _, sent in pairs(*fared["ours"])], 0.99)
    say(f"truth: longest gap p99 {(truth or 0) * 1e3:.1f} ms")
    printed = {who: printed_gap_ms(who, *one) for who, one in fared.items()}
    kept = {who: largest_kept_ms(*one) for who, one in fared.items()}
    wrong = gap_error_ms(*fared["ours"])
    shown = printed["ours"]
    miss = None if shown is None or not truth else abs(shown / (truth * 1e3) - 1) * 100
    return [
        values_of(printed, name="gap that the tool prints, p99 (truth 510)", unit="ms"),
        values_of(kept, name="largest gap in its raw data (truth 510)", unit="ms"),
        Figure(name="longest gap p99 against the truth", unit="%", ours=miss, limit=1.0),
        Figure(name="worst longest gap of a request against the truth", unit="ms", ours=wrong),
    ]


# a frozen server under an open load


def freeze_work() -> Work:
    script = Script(freeze_at_s=FREEZE_AT_S, freeze_s=FREEZE_S)
    load = Load(kind="open", rate_per_s=OPEN_RATE_PER_S, arrivals="constant", duration_s=12.0)
    return Work(script=script, load=load, settle_s=1.0)


def scheduled_ttft_p99_ms(fared: Fared, inside: Window) -> float | None:
    first_s = [
        one.sent_s + one.ttft_s - one.scheduled_s
        for one in fared.seen
        if one.scheduled_s is not None and inside[0] <= one.scheduled_s < inside[1]
    ]
    p99 = quantile(first_s, 0.99)
    return None if p99 is None else p99 * 1e3


def printed_ttft_p99_ms(fared: Fared, inside: Window) -> float | None:
    p99 = quantile([one.ttft_s for one in fared.seen if inside[0] <= one.sent_s < inside[1]], 0.99)
    return None if p99 is None else p99 * 1e3


def true_scheduled_p99_ms(fared: Fared, inside: Window) -> float | None:
    """From our schedule to the server's first write: what a perfect client would have seen."""
    first_s = [sent.sends[0][0] - one.scheduled_s for one, sent in pairs(fared, inside) if one.scheduled_s is not None]
    p99 = quantile(first_s, 0.99)
    return None if p99 is None else p99 * 1e3


def freeze(peers: Sequence[str]) -> list[Figure]:
    work = freeze_work()
    fared = {who: (one, window(work, one)) for who, one in everyone(work, peers).items() if one is not None}
    closed = Work(script=work.script, load=Load(kind="closed", concurrency=8, duration_s=12.0), settle_s=1.0)
    hidden = drive(closed)
    truth, seen = true_scheduled_p99_ms(*fared["ours"]), scheduled_ttft_p99_ms(*fared["ours"])
    miss = None if not truth or seen is None else abs(seen / truth - 1) * 100
    return [
        values_of(
            {who: scheduled_ttft_p99_ms(*one) for who, one in fared.items()},
            name=f"open {OPEN_RATE_PER_S:g}/s: scheduled TTFT p99 (truth {truth or 0:.0f})",
            unit="ms",
        ),
        Figure(name="the same against the truth", unit="%", ours=miss, limit=1.0),
        values_of(
            {who: printed_ttft_p99_ms(*one) for who, one in fared.items()},
            name=f"open {OPEN_RATE_PER_S:g}/s: TTFT p99",
            unit="ms",
        ),
        Figure(
            name="closed 8, same freeze: TTFT p99 (closed loads hide it)",
            unit="ms",
            ours=printed_ttft_p99_ms(hidden, window(closed, hidden)),
        ),
    ]


# arrivals by chance


def dispersion(at_s: Sequence[float], *, begin_s: float, window_s: float, windows: int) -> float:
    """Variance over mean of the counts in equal windows: 1 for a Poisson process."""
    counts = Counter(int((at - begin_s) / window_s) for at in at_s if at >= begin_s)
    each = [counts[number] for number in range(windows)]
    return float(pvariance(each) / fmean(each)) if any(each) else math.nan


def ks_p_value(gaps_s: Sequence[float], *, rate_per_s: float) -> float:
    """Kolmogorov and Smirnov's test that gaps are exponential with this rate; Stephens' correction for n."""
    n, ordered = len(gaps_s), sorted(gaps_s)
    expected = [1 - math.exp(-rate_per_s * gap) for gap in ordered]
    apart = max(max((i + 1) / n - share, share - i / n) for i, share in enumerate(expected))
    scaled = apart * (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n))
    series: float = sum((-1.0) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))
    return max(0.0, min(1.0, 2 * series))


def gaps(at_s: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(sorted(at_s))]


def planned() -> list[Figure]:
    """What our load draws, by itself: enough of it for a sharp test."""
    rate_per_s = 10.0
    # a margin, so that the count is reached whatever the draw
    at_s = poisson_arrivals(rate_per_s=rate_per_s, seconds=1.1 * ARRIVALS / rate_per_s, seed=SEED)[:ARRIVALS]
    index = dispersion(at_s, begin_s=0.0, window_s=at_s[-1] / WINDOWS, windows=WINDOWS)
    p = ks_p_value(gaps(at_s), rate_per_s=rate_per_s)
    say(f"{ARRIVALS:,} arrivals, {WINDOWS:,} windows: index of dispersion {index:.3f}, KS p {p:.3f}")
    return [
        Figure(name="drawn: index of dispersion off 1", unit="", ours=abs(index - 1), limit=DISPERSION_LIMIT),
        Figure(name="drawn: KS p-value", unit="", ours=p, limit=LEAST_P, sense="at least"),
    ]


def driven(peers: Sequence[str]) -> list[Figure]:
    """What reaches the server, which is what its queue feels."""
    load = Load(kind="open", rate_per_s=DRIVEN_RATE_PER_S, arrivals="poisson", duration_s=DRIVEN_S)
    work = Work(script=Script(tokens=2, ttft_s=0.01, token_interval_s=0.01), load=load, settle_s=0.5)
    fared = {who: (one, window(work, one)) for who, one in everyone(work, peers).items() if one is not None}
    arrived = {
        who: [sent.arrived_s for sent in one.sent if inside[0] <= sent.arrived_s < inside[1]]
        for who, (one, inside) in fared.items()
    }
    windows = round(DRIVEN_S / DRIVEN_WINDOW_S)
    index: dict[str, float | None] = {
        who: dispersion(at, begin_s=fared[who][1][0], window_s=DRIVEN_WINDOW_S, windows=windows)
        for who, at in arrived.items()
    }
    p: dict[str, float | None] = {
        who: ks_p_value(gaps(at), rate_per_s=DRIVEN_RATE_PER_S) for who, at in arrived.items()
    }
    rate: dict[str, float | None] = {who: len(at) / DRIVEN_S for who, at in arrived.items()}
    ours = index.get("ours")
    return [
        values_of(index, name="at the server: index of dispersion (1)", unit=""),
        Figure(
            name="at the server: index off 1",
            unit="",
            ours=None if ours is None else abs(ours - 1),
            limit=DRIVEN_DISPERSION_LIMIT,
        ),
        values_of(p, name="at the server: KS p-value", unit=""),
        values_of(rate, name=f"at the server: rate ({DRIVEN_RATE_PER_S:g} wanted)", unit="1/s"),
    ]


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=12.0, help="judged time of the stalling load")
    given = options.parse_args()
    print(machine())
    peers = chosen(given.peers)
    made = stalls(given.seconds, peers)
    show("A pause of 500 ms in every tenth answer, 8 streams", made, peers=peers)
    frozen = freeze(peers)
    show("A server frozen for 2 s", frozen, peers=peers)
    arrivals = [*planned(), *driven(peers)]
    show("Poisson arrivals", arrivals, peers=peers)
    return finish([*made, *frozen, *arrivals], check=given.check)


if __name__ == "__main__":
    sys.exit(main())
