"""How long planning takes: the whole catalogue on three engines for one card, and `arena fit` from a cold start.

Run `python -m benchmarks.planning`. Nothing is started and no network is used.
"""

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent))

from kit.table import Figure, finish, machine, parser, show

from inference_arena import facts
from inference_arena.plan import Ask, Wish, survey, target_of_card

CARDS = (("RTX 3090", "550.54.15"), ("RTX 3090", None), ("H100 SXM5", None), ("RTX 4090 laptop", None))
RANKING_LIMIT_MS, COLD_LIMIT_MS = 100.0, 1000.0
ROUNDS = 7


def ask_for(card: str, driver: str | None) -> Ask:
    target = target_of_card(facts.find_gpu(card), driver=driver, ram_bytes=64 * 2**30)
    return Ask(target=target, wish=Wish(users=4, context_tokens=4096), slo=facts.slo("chat"))


def ranking(card: str, driver: str | None) -> Figure:
    """The median of a few rounds, the first left out: it reads the cards, which is part of the import."""
    pairs = [(facts.model(one.model), one) for one in facts.checkpoints().values()]
    ask = ask_for(card, driver)
    made = len(survey(ask, checkpoints=pairs))
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        survey(ask, checkpoints=pairs)
        times.append((perf_counter() - began) * 1000)
    name = f"{made} plans for {card}" + (f" with driver {driver}" if driver else "")
    return Figure(name=name, unit="ms", ours=median(times), limit=RANKING_LIMIT_MS, sense="at most", peers={})


def cold(*words: str) -> Figure:
    """The whole command in a process of its own, the first run left out: it warms the disk's cache."""
    argv = [sys.executable, "-m", "inference_arena", *words]
    times = []
    for _ in range(ROUNDS + 1):
        began = perf_counter()
        subprocess.run(argv, check=False, capture_output=True)
        times.append((perf_counter() - began) * 1000)
    name = " ".join(("arena", *words))
    return Figure(name=name, unit="ms", ours=median(times[1:]), limit=COLD_LIMIT_MS, sense="at most", peers={})


def main() -> int:
    given = parser(__doc__).parse_args()
    print(machine())
    figures = [ranking(card, driver) for card, driver in CARDS]
    figures += [cold("fit"), cold("fit", "--gpu", "RTX 3090"), cold("plan", "mistral-7b-instruct-v0.2", "--gpu", "L4")]
    show("Planning", figures, peers=())
    return finish(figures, check=given.check)


if __name__ == "__main__":
    sys.exit(main())
