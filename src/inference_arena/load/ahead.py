"""Requests made before they are wanted, as many as a number of bytes holds. Knows no clock and no socket.

What does not fit is made later, one for each that is sent, once half of the bytes are free: the caller does that in a
quiet moment. A prompt takes 4 to 5 bytes a token, so 256 MiB are some 58 million tokens of prompts: more than ten
minutes of an engine that reads 90,000 a second. Most points end before the first one is made late.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from inference_arena.load.conversation import Conversation, make_conversation
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.requests import Request, make_request

Item = Request | Conversation


@dataclass(slots=True)
class Ahead:
    """Requests, or conversations where the plan has them, in the order of their numbers.

    `made_late` counts those that were made when they had to be sent.
    """

    plan: PointPlan
    made: int = 0
    made_late: int = 0
    held_bytes: int = 0
    _held: deque[Item] = field(default_factory=deque)

    def fill(self, on_made: Callable[[int], None]) -> None:
        """All that are expected or as many as the bytes hold, and one in any case."""
        while self.made < self.plan.expected_requests and self.held_bytes < self.plan.most_bytes_ahead:
            self.make_one()
            on_made(self.made)

    def make_one(self) -> None:
        request = self._make()
        self.held_bytes += len(request.payload)
        self._held.append(request)

    def take(self) -> Item:
        if not self._held:
            self.made_late += 1
            return self._make()
        request = self._held.popleft()
        self.held_bytes -= len(request.payload)
        return request

    @property
    def wants_one(self) -> bool:
        """True when the bytes kept a request from being made, and now hold it."""
        return self.made < self.plan.expected_requests and self.held_bytes <= self.plan.most_bytes_ahead // 2

    def _make(self) -> Item:
        """Of several load processes each makes its own: every `processes`-th."""
        number = self.plan.process + self.made * self.plan.processes
        self.made += 1
        return make_request(self.plan, number) if self.plan.sessions is None else make_conversation(self.plan, number)
