"""Bytes, seconds, tokens per second: parsed from what people type, printed for people to read.

Values inside the program are in base units; only this module rounds them for the eye. Unknown prints as a dash.
"""

import math
import re

from inference_arena.errors import UsageError

DASH = "–"
KIB = 1024
MIB = 1024**2
GIB = 1024**3

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([kmgt]?)i?b?")
_SCALES = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": 1024**4}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def number(value: float | None, *, digits: int = 3) -> str:
    """Three significant digits: 0.0123, 1.23, 12.3, 123, 12,345; an exponent only under 0.0001."""
    if value is None:
        return DASH
    if value == 0:
        return "0"
    rounded = abs(float(f"{value:.{digits - 1}e}"))  # 9.999 has two whole digits once it is 10.0
    whole_digits = len(str(int(rounded))) if rounded >= 1 else 0
    if whole_digits >= digits:
        return f"{value:,.0f}"
    if whole_digits:
        return f"{value:.{digits - whole_digits}f}"
    return f"{value:.{digits}g}" if abs(value) >= 1e-4 else f"{value:.{min(1, digits - 1)}e}"


def seconds(value: float | None) -> str:
    """A latency: microseconds, milliseconds or seconds with three digits; minutes from 100 s on."""
    if value is None:
        return DASH
    if abs(value) < 0.001:
        return f"{value * 1e6:.0f} us"
    if abs(value) < 1:
        return f"{number(value * 1000)} ms"
    if abs(value) < 100:
        return f"{number(value)} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"


def roughly(value: float) -> str:
    """A guess at a duration, to five seconds or to a minute."""
    return f"{5 * max(1, round(value / 5))} s" if value < 120 else f"{round(value / 60)} min"


def gib(value: int | None) -> str:
    return DASH if value is None else f"{value / GIB:.2f} GiB"


def size(value: int | None) -> str:
    """Bytes as a person reads them: 981 B, 98.4 MiB, 23.5 GiB."""
    if value is None:
        return DASH
    for unit, scale in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if value >= scale:
            return f"{number(value / scale)} {unit}"
    return f"{value} B"


def rate(value: float | None, what: str = "tok/s") -> str:
    return DASH if value is None else f"{number(value)} {what}"


def percent(value: float | None) -> str:
    return DASH if value is None else f"{number(value * 100, digits=2)} %"


def parse_seconds(text: str) -> float:
    """Seconds of "250ms", "10", "10s", "1.5m"; raises UsageError otherwise."""
    match = _DURATION.fullmatch(text.strip())
    value = float(match[1]) * _SECONDS[match[2] or "s"] if match else math.inf
    if value == math.inf:  # or too many digits for one
        raise UsageError(f"not a duration: {text!r}", try_="10s, 250ms or 2m")
    return value


def parse_bytes(text: str) -> int:
    """Bytes of "64GB", "24 GiB", "512M"; memory is sold in powers of two, so GB counts as GiB. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip().lower())
    value = float(match[1]) * _SCALES[match[2] or ""] if match else math.inf
    if not 0 < value < 2**60:
        raise UsageError(f"not an amount of memory: {text!r}", try_="64GB, 24GiB or 512MB")
    return int(value)


def parse_numbers(text: str, *, whole: bool, name: str) -> tuple[float, ...]:
    """Positive numbers of "1,2,4,8"; raises UsageError that names the option."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        values = tuple(float(int(part)) if whole else float(part) for part in parts)
    except ValueError:
        values = ()
    if not values or any(not 0 < value < 1e6 for value in values):
        kind = "whole numbers above 0" if whole else "numbers above 0"
        raise UsageError(f"{name} takes {kind}, not {text!r}", try_=f"{name} {'1,2,4,8' if whole else '0.5,1,2'}")
    return values
