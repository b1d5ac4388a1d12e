"""Student's t distribution and what follows from it, for a handful of launches. Knows numbers only.

The incomplete beta function is the continued fraction of DLMF 8.17.22, evaluated by Lentz's method.
"""

import math
from statistics import NormalDist
from typing import Final

_TINY: Final = 1e-300
_PRECISE: Final = 1e-15
_MOST_TERMS: Final = 500
_STEPS: Final = 120
_MOST_STEPS: Final = 200
_NORMAL: Final = NormalDist()


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 and positive a, b."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # where the fraction for 1 - x converges faster (DLMF 8.17.4)
        return 1.0 - incomplete_beta(1 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) with the d of DLMF 8.17.23."""
    value, upper, lower = 1.0, 1.0, 0.0
    for n in range(1, _MOST_TERMS):
        m = n // 2
        if n % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / ((1 + d * lower) or _TINY)
        upper = (1 + d / upper) or _TINY
        value *= upper * lower
        if abs(upper * lower - 1) < _PRECISE:
            break
    return value


def two_sided_p(t: float, *, degrees: float) -> float:
    """The probability of a |t| at least as large by chance.

    I_x(degrees / 2, 1 / 2) at x = degrees / (degrees + t^2) (DLMF 8.17(i); Abramowitz and Stegun 26.7.1 and 26.5.27).
    """
    if not math.isfinite(t):
        return 0.0
    if t * t < degrees:  # the complement, which keeps its digits near t = 0
        return 1.0 - incomplete_beta(t * t / (degrees + t * t), 0.5, degrees / 2)
    return incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def two_sided_point(p: float, *, degrees: float) -> float:
    """The t that is exceeded in size with probability p; p in (0, 1).

    Newton's steps on log p over log t, which is nearly straight in the tails; halving where a step leaves the bracket.
    """
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees=degrees) > p:
        low, high = high, 2 * high
    t = high
    for _ in range(_MOST_STEPS):
        over = two_sided_p(t, degrees=degrees)
        low, high = (t, high) if over > p else (low, t)
        step = t * math.exp(over * math.log(over / p) / (2 * t * _density(t, degrees)))
        step = step if low < step < high else (low + high) / 2
        if abs(step - t) <= 1e-13 * t:
            break
        t = step
    return t


def _density(t: float, degrees: float) -> float:
    logarithm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    return math.exp(logarithm - (degrees + 1) / 2 * math.log1p(t * t / degrees))


def chance_to_exceed(point: float, *, shift: float, degrees: float) -> float:
    """The probability that Z + shift * U is over the point, Z standard normal and U = sqrt(chi-squared / degrees).

    The chance to find an effect whose size is `shift` standard errors, where the standard error itself was guessed
    from so many degrees of freedom. By the midpoint rule over the density of U, which is proportional to
    u^(degrees - 1) exp(-degrees u^2 / 2).
    """
    widest = 1 + 6 / math.sqrt(degrees)
    at = [(i + 0.5) * widest / _STEPS for i in range(_STEPS)]
    logarithms = [(degrees - 1) * math.log(u) + degrees * (1 - u * u) / 2 for u in at]
    weights = [math.exp(logarithm) for logarithm in logarithms]
    hits = sum(w * _NORMAL.cdf(shift * u - point) for w, u in zip(weights, at, strict=True))
    return hits / sum(weights)
