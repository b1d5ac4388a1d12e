"""The effects of a run, handed in: what it writes down, what it tells, what it starts, drives and asks."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from inference_arena.load import Driven, PointPlan
from inference_arena.plan import MemoryBudget
from inference_arena.record import Sample, SelfTestSample
from inference_arena.run.first import Acquainted
from inference_arena.run.job import Program
from inference_arena.run.server import Server

Tick = Mapping[str, Any]


class Journal(Protocol):
    """What a run needs of its journal."""

    @property
    def path(self) -> Path: ...

    def event(self, kind: str, **fields: Any) -> None: ...

    def samples(self, lines: Sequence[str]) -> None: ...


class Progress(Protocol):
    """What a run tells while it goes on."""

    def stage(self, name: str, detail: str = "") -> None: ...
    def point(self, index: int, total: int, *, label: str, expected_s: float | None = None) -> None: ...
    def tick(
        self,
        *,
        elapsed_s: float,
        tokens_per_s: float | None = None,
        ttft_s: float | None = None,
        in_flight: int | None = None,
        done_requests: int | None = None,
        failed_requests: int | None = None,
        phase: str = "",
    ) -> None: ...
    def point_done(self, label: str, *, tokens_per_s: float | None = None, ttft_p50_s: float | None = None) -> None: ...
    def log_tail(self, lines: Sequence[str]) -> None: ...
    def time_left(self, seconds: float) -> None: ...
    def planned(self, budget: MemoryBudget | None) -> None: ...
    def samples(self, samples: Sequence[Sample]) -> None: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """The effects of a run. Tests hand in their own and look at the order."""

    journal: Journal
    progress: Progress
    clock_zero_s: float
    now_s: Callable[[], float]
    start: Callable[[Program | None], Server]
    wait_ready: Callable[[Server], float]
    acquaint: Callable[[Server], Acquainted]
    watch: Callable[[Server, Acquainted], AbstractContextManager[object]]
    drive: Callable[[PointPlan, Callable[[Tick], str | None]], Driven]
    salvage_point: Callable[[], Driven | None]
    self_test: Callable[[int, float], SelfTestSample]
    describe: Callable[[Server, Program | None, Acquainted], None]
    heard: Callable[[], AbstractContextManager[object]] = nullcontext  # inside, interrupts raise
    empty_cache: Callable[[Server, Acquainted], str | None] = lambda *_: None  # what came of it, where it went wrong
