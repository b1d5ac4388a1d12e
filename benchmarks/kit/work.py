"""One piece of work, and how a client fared at it. Times are readings of the monotonic clock. Knows no client."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena.load.truth import Script, Sent
from inference_arena.plan import Load

SETTLE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What every client is asked to do. The load's duration is what is judged, after `settle_s` that is not."""

    script: Script
    load: Load
    input_tokens: int = 32
    settle_s: float = SETTLE_S

    @property
    def duration_s(self) -> float:
        assert self.load.duration_s is not None
        return self.load.duration_s

    @property
    def answer_s(self) -> float:
        """How long one answer takes when nothing is lost."""
        return self.script.ttft_s + (self.script.tokens - 1) * self.script.token_interval_s


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One finished request as its client reports it. `name` joins it to the server's log where the client sends one."""

    sent_s: float
    ttft_s: float
    tpot_s: float | None
    longest_gap_s: float | None = None
    scheduled_s: float | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Processor seconds that a client (all its processes) had used, or had been kept from, at some moments."""

    samples: tuple[tuple[float, float], ...]

    def between(self, begin_s: float, end_s: float) -> float | None:
        """Processor seconds in that time; None where it was not watched."""
        begin, end = self._at(begin_s), self._at(end_s)
        return None if begin is None or end is None else end - begin

    def _at(self, at_s: float) -> float | None:
        for (t0, used0), (t1, used1) in zip(self.samples, self.samples[1:], strict=False):
            if t0 <= at_s <= t1:
                return used0 + (used1 - used0) * (at_s - t0) / (t1 - t0 or 1.0)
        return None


@dataclass(frozen=True, kw_only=True)
class Fared:
    """A client's reports beside what the server logged. What is known of ours only has a default."""

    seen: tuple[Seen, ...]
    sent: tuple[Sent, ...]
    usage: Usage
    stolen: Usage
    loop_lag_s: Sequence[float] = ()
    waited: Usage = Usage(samples=())
