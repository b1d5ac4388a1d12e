"""The largest whole number for which something that gets harder still holds. Knows nothing of memory."""

from collections.abc import Callable


def largest_that_fits(most: int, fits: Callable[[int], bool]) -> int:
    """The largest n of 1..most with fits(n), where fits never turns true again after it was false; 0 for none."""
    low, high = 0, most
    if most > 0 and fits(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
