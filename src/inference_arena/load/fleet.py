"""Several load processes that drive one point together, where one would be the limit. Knows how to split and to merge.

Arrivals, streams and numbers are dealt out like cards, so that together they are exactly what one process would send.
Each process warms up by itself; what all of them have measured at the same time is the point's steady window.
"""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any, Final, Self

from inference_arena import units
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.process import Driven, Event, LoadProcess, LoadProcessDied
from inference_arena.plan import Load
from inference_arena.record import ClientSample

START_TOGETHER_S: Final = 0.2  # for every process to have read the moment
SUMMED: Final = ("reads_per_s", "in_flight", "done", "failed")
STREAMS_EACH: Final = 256
JOIN_LIMIT_S: Final = 10.0
BUSY: Final = 0.7  # of a core; from 0.8 on the numbers are doubted


def splits(load: Load) -> bool:
    """A number of requests cannot be kept to exactly by several, nor a moment of a ramp, and one stream is one."""
    return load.duration_s is not None and load.concurrency != 1 and load.shape is None


def _busy(client: ClientSample) -> float:
    return client.cpu_s / (client.to_s - client.from_s) if client.to_s > client.from_s else 0.0


class LoadFleet:
    """As a LoadProcess, but with as many behind it as are wanted. Leaving the context ends them all."""

    def __init__(self, *, log_path: Path, cpu: int | None = None, wanted: int = 1, most: int = 1) -> None:
        self._stack = ExitStack()
        self._log_path, self._wanted, self._most = log_path, wanted, max(wanted, most)
        self._processes = [self._stack.enter_context(LoadProcess(log_path=log_path, cpu=cpu))]
        self._parts: list[_Part] = []

    def drive(self, plan: PointPlan, *, on_tick: Callable[[Event], str | None]) -> Driven:
        """Drive one point with `wanted` processes, or one where it cannot be split."""
        count = self._count(plan.load)
        if count == 1:
            return self._processes[0].drive(plan, on_tick=on_tick)
        while len(self._processes) < count:
            log_path = self._log_path.with_name(f"{self._log_path.stem}-{len(self._processes)}.log")
            self._processes.append(self._stack.enter_context(LoadProcess(log_path=log_path)))
        plans = split(plan, count)
        self._start_together(self._processes[:count], plans)
        self._parts = [_Part(process, one) for process, one in zip(self._processes[1:], plans[1:], strict=False)]
        first = self._processes[0].follow(on_tick=self._merging(on_tick))
        return self._gathered(first, plans)

    def _start_together(self, processes: Sequence[LoadProcess], plans: Sequence[PointPlan]) -> None:
        for process, plan in zip(processes, plans, strict=True):
            process.hand(plan)
        for process in processes:
            process.wait_prepared()
        at = monotonic() + START_TOGETHER_S
        for process in processes:
            process.start_at(at)

    def more_if_busy(self, driven: Driven) -> str | None:
        """Twice as many from the next point on where one had no time to spare; said in words when that is so."""
        used = [_busy(client) for client in (driven.client, *driven.others)]
        if max(used) < BUSY or len(used) < self._wanted or self._wanted >= self._most:
            return None
        self._wanted = min(self._most, 2 * self._wanted)
        return (
            f"the load client used {units.percent(max(used))} of a core at load point {driven.point}; "
            f"{self._wanted} load processes share the load from there on"
        )

    def interrupt(self) -> Driven | None:
        """End the point under way in all of them; None when the first says nothing in time."""
        for part in self._parts:
            part.stop()
        first = self._processes[0].interrupt()
        others = [part.driven(JOIN_LIMIT_S) for part in self._parts]
        if first is None:
            return None
        gather_raw([part.plan for part in self._parts], into=self._first_raw())
        return merged([first, *(other for other in others if other is not None)])

    def _first_raw(self) -> Path | None:
        return Path(self._parts[0].first_raw) if self._parts else None

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, load: Load) -> int:
        if not splits(load):
            return 1
        streams = math.ceil((load.concurrency or 0) / STREAMS_EACH)
        return max(1, min(self._most, max(self._wanted, streams), load.concurrency or self._most))

    def _merging(self, on_tick: Callable[[Event], str | None]) -> Callable[[Event], str | None]:
        def tick(event: Event) -> str | None:
            reason = on_tick(summed([event, *(part.tick for part in self._parts if part.tick is not None)]))
            if reason is not None:
                for part in self._parts:
                    part.stop()
            return reason

        return tick

    def _gathered(self, first: Driven, plans: Sequence[PointPlan]) -> Driven:
        parts, driven = self._parts, [first]
        for part in parts:
            if (one := part.driven(None)) is None:
                raise part.died or LoadProcessDied("a load process fell silent", why="it did not end its point")
            driven.append(one)
        gather_raw(plans[1:], into=Path(plans[0].raw_path))
        self._parts = []
        return merged(driven)


class _Part:
    """One further process at work, followed in a thread of its own."""

    def __init__(self, process: LoadProcess, plan: PointPlan) -> None:
        self.plan = plan
        self.tick: Event | None = None
        self.died: LoadProcessDied | None = None
        self.first_raw = plan.raw_path.replace(f"-part{plan.process}.raw", ".raw")
        self._process, self._driven = process, list[Driven]()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            self._driven.append(self._process.follow(on_tick=self._on_tick))
        except LoadProcessDied as error:
            self.died = error

    def _on_tick(self, event: Event) -> None:
        self.tick = event

    def stop(self) -> None:
        self._process.ask_to_stop()

    def driven(self, limit_s: float | None) -> Driven | None:
        self._thread.join(limit_s)
        return self._driven[0] if self._driven else None


def split(plan: PointPlan, count: int) -> list[PointPlan]:
    """A plan for each process; the first writes where the whole point's requests are wanted."""
    stem = plan.raw_path.removesuffix(".raw")
    most = plan.load.most_failures
    load = plan.load.model_copy(
        update={
            "most_failures": None if most is None else max(1, most // count),
            "requests": None if plan.load.requests is None else math.ceil(plan.load.requests / count),
        }
    )
    shared = {
        "load": load,
        "processes": count,
        "expected_requests": math.ceil(plan.expected_requests / count),
        "most_bytes_ahead": plan.most_bytes_ahead // count,
    }
    paths = [plan.raw_path, *(f"{stem}-part{number}.raw" for number in range(1, count))]
    return [
        plan.model_copy(update={**shared, "process": number, "raw_path": path}) for number, path in enumerate(paths)
    ]


def gather_raw(plans: Sequence[PointPlan], *, into: Path | None) -> None:
    """Append what the others wrote to the first one's file; a killed run leaves the parts, which are read too."""
    for path in (Path(plan.raw_path) for plan in plans):
        if into is None or not path.exists():
            continue
        with into.open("ab") as whole, path.open("rb") as part:
            while block := part.read(1 << 20):
                whole.write(block)
        path.unlink()


def summed(ticks: Sequence[Event]) -> dict[str, Any]:
    """What all processes say of the same moment, as one."""
    told = dict(ticks[0])
    for name in SUMMED:
        told[name] = sum(tick[name] for tick in ticks)
    told["ttft_s"] = next((tick["ttft_s"] for tick in ticks if tick["ttft_s"] is not None), None)
    for name, pick in (("steady_from_s", max), ("steady_to_s", min)):
        known = [tick[name] for tick in ticks]
        told[name] = None if None in known else pick(known)
    return told


def merged(parts: Sequence[Driven]) -> Driven:
    """One point: measured while all of them measured, over when the last was, ended early when any was."""
    first = parts[0]
    starts, ends = [part.steady_from_s for part in parts], [part.steady_to_s for part in parts]
    known_ends = [end for end in ends if end is not None]
    early = next((part.stopped_by for part in parts if part.stopped_by != "plan"), "plan")
    return first.model_copy(
        update={
            "started_s": min(part.started_s for part in parts),
            "steady_from_s": None if None in starts else max(start for start in starts if start is not None),
            "steady_to_s": min(known_ends) if len(known_ends) == len(ends) else None,
            "ended_s": max(part.ended_s for part in parts),
            "stopped_by": early,
            "storage_error": next((part.storage_error for part in parts if part.storage_error), None),
            "others": tuple(part.client for part in parts[1:]),
        }
    )
