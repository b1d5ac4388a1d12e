"""`arena watch`: the heartbeat on a terminal, as plain lines, or as JSON lines. Is told what was seen, and shows it."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Protocol, Self, TextIO

from pydantic import ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inference_arena.plan import MemoryBudget
from inference_arena.record import Sample
from inference_arena.report import words
from inference_arena.report.heartbeat import Line, full_lines, plain_lines
from inference_arena.report.pulse import Pulse
from inference_arena.report.scene import KEPT_RATES, RunningPoint, Scene, Tick, drawing, headline

REDRAWS_PER_S: Final = 4
_STAGES: Final = {
    "prepare": "prepare",
    "launch": "start engine",
    "ready": "start engine",
    "probe": "first requests",
    "load": "measure",
    "self-test": "check the load client",
}


class Run(Protocol):
    """A run that is going on."""

    @property
    def id(self) -> str: ...
    @property
    def intent(self) -> Mapping[str, Any]: ...


class Seen(Protocol):
    """What came since the last look; times are seconds since `zero_unix_s`."""

    @property
    def run(self) -> Run | None: ...
    @property
    def zero_unix_s(self) -> float: ...
    @property
    def samples(self) -> Sequence[Sample]: ...
    @property
    def events(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def notes(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of a run, or of the idle machine, before any sample."""

    title: str = "no run is going on"
    names: Sequence[str | None] = ()
    budget: MemoryBudget | None = None
    loads: Sequence[str] = ()


class Watched:
    """All that was seen, folded into what is shown. `names` are the machine's cards, for when no run tells them."""

    def __init__(self, *, names: Sequence[str | None] = ()) -> None:
        self.pulse = Pulse()
        self.scene: Scene | None = None
        self.plan = Plan(names=names)
        self.note = ""
        self._idle = self.plan
        self._run_id: str | None = None

    def take(self, seen: Seen) -> None:
        run_id = None if seen.run is None else seen.run.id
        if run_id != self._run_id:  # another clock begins
            self._run_id = run_id
            self.pulse.clear()
            self.scene = None if seen.run is None else Scene()
            self.plan = self._idle if seen.run is None else plan_of(seen.run)
        self.pulse.add(seen.samples)
        for event in seen.events:
            if self.scene is not None:
                self.scene = folded(self.scene, event, zero_unix_s=seen.zero_unix_s, loads=self.plan.loads)
        self.note = seen.notes[-1] if seen.notes else self.note

    def lines(self, *, now_unix_s: float, width: int, ascii_only: bool) -> list[Line]:
        """The whole view."""
        lines = [(words.plain(self.plan.title, ascii_only=ascii_only), "bold cyan")]
        if self.scene is not None and (self.scene.stage or self.scene.point):
            lines += drawing(self.scene, now_s=now_unix_s, ascii_only=ascii_only)
        beat = self.pulse.now()
        if beat is None:
            return [*lines, ("waiting for the first sample", "dim")]
        plan = self.plan
        lines += full_lines(beat, budget=plan.budget, names=plan.names, width=width, ascii_only=ascii_only)
        if not beat.devices:
            lines += [("No GPU that can be sampled.", "dim")]
        return [*lines, (words.plain(self.note, ascii_only=ascii_only), "yellow")] if self.note else lines


def plan_of(run: Run) -> Plan:
    """From the journal's intent, which may be of another release: what is not understood is left out."""
    intent = run.intent
    model, engine = _part(intent, "model", "name"), _part(intent, "engine", "name")
    devices, loads = _part(intent, "host", "devices"), _part(intent, "trial", "loads")
    repeats = _part(intent, "trial", "repeats")
    labels = [_label(load) for load in loads] if isinstance(loads, list) else []
    return Plan(
        title=f"{model or 'a model'} on {engine or 'an engine'}, run {run.id}",
        names=[_part(device, "name") for device in devices] if isinstance(devices, list) else (),
        budget=_budget(_part(intent, "prediction", "budget")),
        loads=labels * (repeats if isinstance(repeats, int) else 1),
    )


def _part(document: Any, *path: str) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _label(load: Any) -> str:
    level = _part(load, "concurrency") or _part(load, "rate_per_s")
    return f"{level:g}" if isinstance(level, int | float) else "?"


def _budget(document: Any) -> MemoryBudget | None:
    try:
        return MemoryBudget.model_validate_json(json.dumps(document)) if document is not None else None
    except ValidationError:
        return None


def folded(scene: Scene, event: Mapping[str, Any], *, zero_unix_s: float, loads: Sequence[str]) -> Scene:
    """The view after one more event of the journal; one that it does not know changes nothing."""
    t_s = event.get("t_s", event.get("started_s"))
    at_s = zero_unix_s + t_s if isinstance(t_s, int | float) else scene.since_s
    match event.get("kind"):
        case "stage":
            stage = str(event.get("stage"))
            return Scene(stage=_STAGES.get(stage, stage), stage_since_s=at_s, since_s=at_s)
        case "point-started" if isinstance(event.get("index"), int):
            point = _point(event["index"], loads)
            return replace(scene, point=point, since_s=at_s, tick=None, rates=())
        case "tick":
            return _ticked(scene, event, loads)
        case "point":
            return replace(scene, point=None, tick=None, rates=(), since_s=at_s)
        case _:
            return scene


def _point(index: int, loads: Sequence[str]) -> RunningPoint:
    label = loads[index] if index < len(loads) else "?"
    return RunningPoint(index=index, total=max(len(loads), index + 1), label=label, expected_s=None)


def _ticked(scene: Scene, event: Mapping[str, Any], loads: Sequence[str]) -> Scene:
    """Who comes late has not seen the point begin: each tick names it."""
    number, rate = event.get("point"), event.get("reads_per_s")
    point = scene.point if scene.point or not isinstance(number, int) else _point(number, loads)
    tick = Tick(
        elapsed_s=float(event.get("elapsed_s") or 0.0),
        tokens_per_s=rate,
        ttft_s=event.get("ttft_s"),
        in_flight=event.get("in_flight"),
        done_requests=event.get("done"),
        failed_requests=event.get("failed"),
        phase=str(event.get("phase") or ""),
    )
    stage = scene.stage or _STAGES["load"]
    return replace(scene, stage=stage, point=point, tick=tick, rates=(*scene.rates, rate or 0.0)[-KEPT_RATES:])


class LiveView:
    """A terminal, redrawn in place; the last view stays."""

    def __init__(self, watched: Watched, stream: TextIO) -> None:
        self._watched = watched
        self._console = Console(file=stream, highlight=False)
        self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=REDRAWS_PER_S)

    def _draw(self) -> Group:
        ascii_only = self._console.options.ascii_only
        lines = self._watched.lines(now_unix_s=time.time(), width=self._console.width, ascii_only=ascii_only)
        return Group(*(Text(line, style=style, no_wrap=True, overflow="crop") for line, style in lines))

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, seen: Seen) -> None:
        self._watched.take(seen)

    def print_once(self) -> None:
        """The view as it is now, and no more."""
        self._console.print(self._draw())


class PlainView:
    """A pipe or a log: the time, then a line a card and one for the machine, as often as asked."""

    def __init__(self, watched: Watched, stream: TextIO, *, every_s: float) -> None:
        self._watched = watched
        self._stream = stream
        self._every_s = every_s
        self._due_unix_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to give back."""

    def show(self, seen: Seen) -> None:
        self._watched.take(seen)
        for note in seen.notes:
            self._write(f"note: {note}")
        now_unix_s, beat = time.time(), self._watched.pulse.now()
        if beat is None or now_unix_s < self._due_unix_s:
            return
        self._due_unix_s = now_unix_s + self._every_s
        scene = self._watched.scene
        if scene is not None and (scene.stage or scene.point):
            self._write(headline(scene, now_s=now_unix_s))
        for line in plain_lines(beat):
            self._write(line)

    def print_once(self) -> None:
        """Nothing is held back."""

    def _write(self, text: str) -> None:
        at = time.strftime("%H:%M:%S")
        self._stream.write(f"{at} {words.plain(text, ascii_only=True)}\n")
        self._stream.flush()


class JsonView:
    """One JSON object a line: samples as a record keeps them, with the time of day and the run they belong to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._run_id: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to give back."""

    def show(self, seen: Seen) -> None:
        run_id = None if seen.run is None else seen.run.id
        lines = [sample.model_dump(mode="json", exclude_none=True) for sample in seen.samples]
        lines += [dict(event) for event in seen.events if event.get("kind") in {"stage", "point-started", "tick"}]
        for line in sorted(lines, key=_time):
            self._write(line, run_id=run_id, zero_unix_s=seen.zero_unix_s)
        for note in seen.notes:
            self._write({"kind": "note", "text": note}, run_id=run_id, zero_unix_s=seen.zero_unix_s)
        self._stream.flush()

    def print_once(self) -> None:
        """Nothing is held back."""

    def _write(self, line: Mapping[str, Any], *, run_id: str | None, zero_unix_s: float) -> None:
        t_s = _time(line)
        unix_s = round(zero_unix_s + t_s, 6) if t_s else None
        self._stream.write(json.dumps({**line, "unix_s": unix_s, "run": run_id}) + "\n")


def _time(line: Mapping[str, Any]) -> float:
    found = line.get("t_s", line.get("started_s", line.get("to_s", 0.0)))
    return float(found) if isinstance(found, int | float) else 0.0


def redraws(stream: TextIO) -> bool:
    """Whether a view can be drawn over on this stream."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
