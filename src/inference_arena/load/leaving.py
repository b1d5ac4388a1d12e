"""People who leave before an answer has ended, and when: the connection is closed under the answer, as a browser does.

They are looked at every 20 ms beside the measuring loop, which stays as it is for those who stay.
"""

import asyncio
from time import monotonic
from typing import Final

from inference_arena.load.course import Course
from inference_arena.load.decode import first_token_at
from inference_arena.load.wire import Call
from inference_arena.plan import Patience

LOOK_EVERY_S: Final = 0.02


async def people_leave(course: Course) -> None:
    """Until cancelled: whoever has had enough closes the connection, and the call says why."""
    patience = course.plan.patience
    while patience is not None:
        await asyncio.sleep(LOOK_EVERY_S)
        now = monotonic()
        for call, connection in list(course.open.items()):
            why = had_enough(call, patience, now=now)
            if why is None or connection is None or call.ended is not None:
                continue
            connection.abandon()
            call.leave(why)
            call.end()


def had_enough(call: Call, patience: Patience, *, now: float) -> str | None:
    """Why this person leaves now; waiting counts from when they wanted to ask."""
    if call.request.leave_after_reads is not None and len(call.read_at) > call.request.leave_after_reads:
        return "by-chance"
    if not call.spoke:
        if patience.first_token_s is None and patience.freeze_s is None:
            return None
        call.spoke = bool(call.read_at) and first_token_at(call) is not None
    if not call.spoke:
        late = patience.first_token_s is not None and now - call.scheduled > patience.first_token_s
        return "no-first-token" if late else None
    frozen = patience.freeze_s is not None and now - call.read_at[-1] > patience.freeze_s
    return "freeze" if frozen else None
