"""When requests are sent: the shapes of load. Knows no prompt, no clock and no engine."""

from typing import Literal

from inference_arena.facts import Fact

Shape = Literal["ramp", "steps"]
Arrivals = Literal["poisson", "constant", "bursts", "spike", "trace"]


class Replay(Fact):
    """A recorded arrival process: the file's hash, its requests, and how many times as fast it is played."""

    sha256: str
    requests: int
    speed: float = 1.0


class Load(Fact):
    """When requests are sent. Closed: `concurrency` in flight. Open: arrivals at `rate_per_s`, whatever the answers.

    The measured part ends after `duration_s` or after `requests` sends, whichever is named (both: the first).
    `warmup_s` None means: until every stream has finished one answer. `most_failures` failed requests end the point.

    `shape` of a closed load: `ramp` goes from one stream to `concurrency` over the measured time, `steps` through
    `levels`, each for an equal part of it; None keeps them all busy. An open load's `bursts` come by chance, `together`
    requests each, and `rate_per_s` counts requests; a `spike` is `together` requests at once in the middle of the
    measured time on top of the rate; a `trace` is replayed, and `rate_per_s` is its mean.

    `people`, where a capacity is sought: streams are people who behave as the trial says, not requests at once.
    """

    kind: Literal["closed", "open"]
    concurrency: int | None = None
    rate_per_s: float | None = None
    arrivals: Arrivals | None = None
    warmup_s: float | None = None
    duration_s: float | None = None
    requests: int | None = None
    shape: Shape | None = None
    levels: tuple[int, ...] | None = None
    together: int | None = None
    replay: Replay | None = None
    most_failures: int | None = None
    people: bool | None = None

    @property
    def level(self) -> float:
        """The number on the load axis: streams for a closed load, requests per second for an open one."""
        return float(self.concurrency or 0) if self.kind == "closed" else float(self.rate_per_s or 0)

    @property
    def label(self) -> str:
        if self.people:
            return f"{self.concurrency} people"
        if self.kind == "closed":
            return {None: f"{self.concurrency}", "ramp": f"1 to {self.concurrency}", "steps": self._steps}[self.shape]
        rate = f"{self.rate_per_s:.3g}/s"
        match self.arrivals:
            case "bursts":
                return f"{rate} by {self.together}"
            case "spike":
                return f"{rate} + {self.together}"
            case "trace":
                return f"trace {rate}"
        return f"{self.rate_per_s:g}/s"

    @property
    def _steps(self) -> str:
        return "-".join(str(level) for level in self.levels or ())
