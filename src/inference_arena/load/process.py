"""The arena's side of the load process: hand it a plan, follow its events, get back how the point went."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from inference_arena.errors import ArenaError
from inference_arena.facts import Fact
from inference_arena.load.point_plan import PointPlan
from inference_arena.record import ClientSample

SILENCE_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 5.0
Event = Mapping[str, Any]


class Driven(Fact):
    """How one point went. Times are on the run's clock; None where it did not come that far."""

    point: int
    started_s: float
    steady_from_s: float | None
    steady_to_s: float | None
    ended_s: float
    stopped_by: str
    storage_error: str | None
    client: ClientSample
    others: tuple[ClientSample, ...] = ()  # of further load processes


class LoadProcessDied(ArenaError):  # noqa: N818  # named for what happened
    """The load process ended or fell silent."""


class LoadProcess:
    """One process for a whole run, held to core `cpu` where that is named. Leaving the context ends it."""

    def __init__(self, *, log_path: Path, cpu: int | None = None) -> None:
        self._log_path = log_path
        self._events: queue.Queue[Event | None] = queue.Queue()
        # -m with this interpreter; a session of its own so that Ctrl-C reaches the arena first
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "inference_arena.load.client", *([] if cpu is None else ["--cpu", str(cpu)])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def drive(self, plan: PointPlan, *, on_tick: Callable[[Event], str | None]) -> Driven:
        """Drive one point. When `on_tick` returns a reason, the point is stopped early with that reason."""
        self.hand(plan)
        return self.follow(on_tick=on_tick)

    def hand(self, plan: PointPlan) -> None:
        """Tell it what to drive. One of several processes then waits to be told when to start."""
        self._write(plan.model_dump_json())

    def wait_prepared(self) -> None:
        """Until it has made its prompts; raises LoadProcessDied when nothing is heard of it."""
        while (event := self._next())["event"] != "prepared":
            if event["event"] == "error":
                raise LoadProcessDied("the load process could not go on", why=str(event["message"]))

    def start_at(self, at: float) -> None:
        self._write(f"start {at!r}")

    def follow(self, *, on_tick: Callable[[Event], str | None]) -> Driven:
        """Its events until the point is over. When `on_tick` returns a reason, the point is stopped early with it."""
        reason: str | None = None
        while (event := self._next())["event"] != "done":
            if event["event"] == "error":
                raise LoadProcessDied("the load process could not go on", why=str(event["message"]))
            if event["event"] == "tick" and reason is None and (reason := on_tick(event)) is not None:
                self._write("stop")
        return self._driven(event, reason)

    def interrupt(self) -> Driven | None:
        """End the point under way and return what is known of it; None when nothing comes in time."""
        self._write("stop")
        try:
            while (event := self._next(limit_s=STOP_LIMIT_S))["event"] != "done":
                pass
        except LoadProcessDied:
            return None
        return self._driven(event, None)

    def ask_to_stop(self) -> None:
        """End the point under way early; whoever drives it gets it as usual."""
        self._write("stop")

    def close(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it may have died first
                self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _driven(self, event: Event, reason: str | None) -> Driven:
        fields = {key: value for key, value in event.items() if key != "event"}
        driven = Driven.model_validate_json(json.dumps(fields))
        return driven if reason is None else driven.model_copy(update={"stopped_by": reason})

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        # that it has died is noticed, with more to say, when the next event does not come
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _next(self, *, limit_s: float = SILENCE_LIMIT_S) -> Event:
        try:
            event = self._events.get(timeout=limit_s)
        except queue.Empty:
            raise LoadProcessDied("the load process fell silent", why=f"no word for {limit_s:g} s") from None
        if event is None:
            self._events.put(None)  # whoever asks again is told at once too
            code = self._process.wait()
            raise LoadProcessDied(
                "the load process ended", why=f"exit code {code}: {self._last_words()}", try_="run it again"
            )
        return event

    def _last_words(self) -> str:
        lines = self._log_path.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # a killed process may leave half of one
                self._events.put(json.loads(line))
        self._events.put(None)
