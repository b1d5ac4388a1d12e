"""How long a question or an answer is: drawn from a workload's spread, the same for the same seed."""

import math
import random

from inference_arena.plan import Spread

_P90 = 1.2815515655446004  # the 90th percentile of the standard normal distribution
_TRIES = 20


def output_length(*, tokens: int, jitter: float, seed: int | str) -> int:
    """A length drawn uniformly from tokens * (1 -+ jitter), at least 1; without jitter exactly `tokens`."""
    spread = int(tokens * jitter)
    return max(1, tokens + random.Random(seed).randint(-spread, spread))


def drawn_length(spread: Spread, *, seed: int | str) -> int:
    """A length of this spread inside its bounds, at least 1: drawn again where it falls outside, then cut off."""
    pick = random.Random(seed)
    least, most = max(1, spread.least_tokens or 1), spread.most_tokens or 10**9
    length = least
    for _ in range(_TRIES):
        length = round(_draw(spread, pick))
        if least <= length <= most:
            break
    return min(most, max(least, length))


def _draw(spread: Spread, pick: random.Random) -> float:
    median, p90 = float(spread.median_tokens), spread.p90_tokens
    if spread.kind == "uniform" and spread.least_tokens is not None and spread.most_tokens is not None:
        return pick.uniform(spread.least_tokens, spread.most_tokens)
    if spread.kind == "lognormal" and p90 is not None:
        return median * math.exp(pick.gauss(0.0, 1.0) * math.log(p90 / median) / _P90)
    if spread.kind == "normal" and p90 is not None:
        return pick.gauss(median, (p90 - median) / _P90)
    return median
