"""Words for plans: how sure a speed is, what a level means, which release. Knows no terminal."""

from typing import Final

from inference_arena import units
from inference_arena.facts import engines
from inference_arena.plan import Fit, Level, Target
from inference_arena.plan import Interval as SpeedInterval

LEVELS: Final[dict[Level, str]] = {
    "fits": "fits",
    "tight": "tight",
    "partly": "partly on the card",
    "unverified": "may run, unverified",
    "does-not-fit": "does not fit",
    "not-supported": "not supported",
}


def engine(fit: Fit) -> str:
    return f"{engines()[fit.engine].title} {fit.release}"


def interval(value: SpeedInterval | None) -> str:
    """Both ends with two digits: 41 to 62; a dash where unknown."""
    if value is None:
        return units.DASH
    low, high = units.number(value.low, digits=2), units.number(value.high, digits=2)
    return low if low == high else f"{low} to {high}"


def latency(value: SpeedInterval | None) -> str:
    if value is None:
        return units.DASH
    return f"{units.seconds(value.low)} to {units.seconds(value.high)}"


def tokens(value: int) -> str:
    return units.DASH if value <= 0 else f"{value:,}"


def target_line(title: str, *, count: int, memory_bytes: int, free_bytes: int, driver: str | None) -> str:
    """The card in one line: how many, what programs see of each, what is free, the driver."""
    many, each = (f"{count} x ", " each") if count > 1 else ("", "")
    free = "" if free_bytes >= memory_bytes else f" ({units.gib(free_bytes)} free now)"
    with_driver = f", driver {driver}" if driver else ""
    return f"{many}{title}: {units.gib(memory_bytes)}{each} for programs{free}{with_driver}"


def assumed(target: Target) -> tuple[str, ...]:
    """What the memory is known from, where nobody has read it off such a card."""
    if not target.memory_assumed:
        return ()
    if target.gpu is None or not target.unified:
        return ("How much of such a card programs see is assumed: nobody has read it off one.",)
    whole = units.gib(target.sold_bytes)
    return (f"Assumed of a machine with {whole}, less what the system keeps; --ram names another size.",)
