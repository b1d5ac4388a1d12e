"""An open load that the server cannot keep up with: told when it is beyond hope, not when it is merely slow.

Beyond hope: for a while fewer requests have been answered than arrived, the line grows, and at this pace it would take
longer to empty than the last requests are waited for. Whoever arrives now would not be answered within the point.
"""

import asyncio
from collections import deque
from time import monotonic
from typing import Final, NamedTuple

from inference_arena.load.course import Course

LOOK_EVERY_S: Final = 0.5
OVER_S: Final = 10.0
KEEPS_UP: Final = 0.9  # of the arrivals


class Look(NamedTuple):
    """The line at one moment: how many wait or are being answered, how many have been."""

    at: float
    waiting: int
    answered: int


def hopeless(first: Look, last: Look, *, limit_s: float) -> bool:
    """From two looks some seconds apart; `limit_s` is how long the last requests are waited for."""
    answered, arrived = last.answered - first.answered, last.waiting - first.waiting + last.answered - first.answered
    if last.waiting <= first.waiting or answered >= KEEPS_UP * arrived:
        return False
    to_empty_s = last.waiting * (last.at - first.at) / answered if answered else float("inf")
    return to_empty_s > limit_s


async def watch_line(course: Course) -> None:
    """Until cancelled; stops the point as `saturated`."""
    looks: deque[Look] = deque()
    while course.plan.load.kind == "open":
        await asyncio.sleep(LOOK_EVERY_S)
        now = Look(monotonic(), len(course.open), course.done)
        looks.append(now)
        while now.at - looks[0].at > OVER_S:
            looks.popleft()
        if now.at - looks[0].at < OVER_S - 2 * LOOK_EVERY_S or course.phase != "steady":
            continue
        if hopeless(looks[0], now, limit_s=course.plan.drain_limit_s):
            course.stop("saturated")
