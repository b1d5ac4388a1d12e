"""Axes for text charts: where a value lies between bottom and top, and which round numbers are written beside it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LOG_FROM = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Bottom and top of an axis, with its ticks. A logarithmic one has a bottom above zero."""

    bottom: float
    top: float
    log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """0 at the bottom, 1 at the top; what lies outside is drawn at the edge."""
        if value <= self.bottom:
            return 0.0
        bend: Callable[[float], float] = math.log if self.log else float
        share = (bend(value) - bend(self.bottom)) / (bend(self.top) - bend(self.bottom))
        return min(1.0, share)


def scale(values: Sequence[float], *, most: int, log_allowed: bool) -> Scale:
    """An axis for these values with at most about `most` ticks; logarithmic where they differ over twentyfold."""
    highest, lowest = max(values), min(values)
    if log_allowed and lowest > 0 and highest / lowest > LOG_FROM:
        return _logarithmic(lowest, highest, most=max(2, most))
    return _linear(highest, most=max(2, most))


def _linear(highest: float, *, most: int) -> Scale:
    if highest <= 0:
        return Scale(bottom=0.0, top=1.0, log=False, ticks=(0.0, 1.0))
    step = _round_up(highest / (most - 1))
    steps = max(1, math.ceil(highest / step - 1e-9))
    return Scale(bottom=0.0, top=steps * step, log=False, ticks=tuple(i * step for i in range(steps + 1)))


def _logarithmic(lowest: float, highest: float, *, most: int) -> Scale:
    bottom, top = _round_down(lowest), _round_up(highest)
    numbers = tuple(n for n in _round_numbers(bottom, top))
    decades = tuple(n for n in numbers if math.isclose(n, 10.0 ** round(math.log10(n))))
    every = math.ceil(len(decades) / most)
    ticks = numbers if len(numbers) <= most else decades[::every] or (bottom,)
    return Scale(bottom=bottom, top=top, log=True, ticks=ticks)


def _round_numbers(bottom: float, top: float) -> list[float]:
    powers = range(math.floor(math.log10(bottom)) - 1, math.ceil(math.log10(top)) + 1)
    every = [float(f"{lead}e{power}") for power in powers for lead in (1, 2, 5)]
    return [n for n in every if bottom * 0.999 <= n <= top * 1.001]


def _round_up(value: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below the value."""
    power = math.floor(math.log10(value))
    steps = (float(f"{lead}e{power}") for lead in (1, 2, 5, 10))
    return next(step for step in steps if step >= value * (1 - 1e-9))


def _round_down(value: float) -> float:
    power = math.floor(math.log10(value))
    steps = (float(f"{lead}e{power}") for lead in (5, 2, 1))
    return next((step for step in steps if step <= value * (1 + 1e-9)), float(f"1e{power}"))
