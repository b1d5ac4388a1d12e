"""The view while a run goes on: redrawn in place on a terminal, an occasional line elsewhere. Writes to stderr.

It shares the processor with the engine that is being measured, so its methods only note what they are told; a
terminal is redrawn twice a second. A view that cannot be written never ends a run.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inference_arena import units
from inference_arena.plan import MemoryBudget
from inference_arena.record import Sample
from inference_arena.report import words
from inference_arena.report.heartbeat import brief_lines
from inference_arena.report.pulse import Beat, Pulse
from inference_arena.report.scene import KEPT_RATES, NAME_COLUMNS, RunningPoint, Scene, Tick, clock, drawing, headline

LINE_EVERY_S = 5.0
REDRAWS_PER_S = 2
# samples of the machine come once a second; what is older is no longer now
STALE_S = 3.0


class _View(Protocol):
    def open(self) -> None: ...
    def close(self) -> None: ...
    def say(self, text: str, *, mark: str) -> None: ...
    def changed(self, *, news: bool) -> None: ...


class Progress:
    """A context manager. `plain` asks for lines even on a terminal, as --json and --quiet do."""

    def __init__(
        self, *, plain: bool = False, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._scene = Scene()
        self._pulse = Pulse()
        self._budget: MemoryBudget | None = None
        self._beat_at_s: float | None = None
        out = stream or sys.stderr
        redraws = not plain and out.isatty() and os.environ.get("TERM") != "dumb"
        self._view: _View = _Redrawn(out, self._now, self._beat) if redraws else _Spoken(out, self._now)

    def _now(self) -> tuple[Scene, float]:
        return self._scene, self._clock()

    def _beat(self) -> tuple[Beat, MemoryBudget | None] | None:
        """None where nothing was sampled lately."""
        beat, at_s = self._pulse.now(), self._beat_at_s
        if beat is None or at_s is None or self._clock() - at_s > STALE_S:
            return None
        return beat, self._budget

    def __enter__(self) -> Self:
        with suppress(OSError, ValueError):
            self._view.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._end_stage()
        with suppress(OSError, ValueError):
            self._view.close()

    def stage(self, name: str, detail: str = "") -> None:
        """Something else begins: the stage before is over."""
        self._end_stage()
        now_s, ends_s = self._clock(), self._scene.ends_s
        self._change(Scene(stage=name, detail=detail, stage_since_s=now_s, since_s=now_s, ends_s=ends_s), news=True)

    def fetch(self, done_bytes: int, total_bytes: int | None) -> None:
        self._change(replace(self._scene, fetched=(done_bytes, total_bytes)))

    def point(self, index: int, total: int, *, label: str, expected_s: float | None = None) -> None:
        """A load point begins; `index` counts from 0."""
        point = RunningPoint(index=index, total=total, label=label, expected_s=expected_s)
        now_s = self._clock()
        self._change(
            replace(self._scene, point=point, since_s=now_s, tick=None, rates=(), log=(), fetched=None), news=True
        )

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
    ) -> None:
        """How the running point does now."""
        tick = Tick(
            elapsed_s=elapsed_s,
            tokens_per_s=tokens_per_s,
            ttft_s=ttft_s,
            in_flight=in_flight,
            done_requests=done_requests,
            failed_requests=failed_requests,
            phase=phase,
        )
        rates = (*self._scene.rates, tokens_per_s or 0.0)[-KEPT_RATES:]
        self._change(replace(self._scene, tick=tick, rates=rates))

    def point_done(self, label: str, *, tokens_per_s: float | None = None, ttft_p50_s: float | None = None) -> None:
        """A row that stays."""
        rate, wait = units.rate(tokens_per_s), words.duration(ttft_p50_s)
        self._change(replace(self._scene, point=None, tick=None, rates=(), since_s=self._clock()))
        self._say(f"load {label:<{NAME_COLUMNS - 5}} {rate:>11}   first token {wait} (p50)", mark="●")

    def log_tail(self, lines: Sequence[str]) -> None:
        """The last lines of an engine that takes its time to start."""
        self._change(replace(self._scene, log=tuple(lines)))

    def time_left(self, seconds: float) -> None:
        self._change(replace(self._scene, ends_s=self._clock() + seconds))

    def planned(self, budget: MemoryBudget | None) -> None:
        """What the plan says of a card's memory, to be shown beside what is used."""
        self._budget = budget

    def samples(self, samples: Sequence[Sample]) -> None:
        """The machine and its cards, as they are sampled; may be called from another thread."""
        self._pulse.add(samples)
        self._beat_at_s = self._clock()

    def _end_stage(self) -> None:
        scene, now_s = self._now()
        if scene.stage:
            detail = f"{scene.detail}  " if scene.detail else ""
            self._say(f"{scene.stage:<{NAME_COLUMNS}} {detail}{clock(now_s - scene.stage_since_s)}", mark="✓")

    def _say(self, text: str, *, mark: str) -> None:
        with suppress(OSError, ValueError):
            self._view.say(text, mark=mark)

    def _change(self, scene: Scene, *, news: bool = False) -> None:
        self._scene = scene
        with suppress(OSError, ValueError):
            self._view.changed(news=news)


class _Redrawn:
    """A terminal: finished rows scroll up and stay, the rest is drawn over twice a second by Rich's own thread."""

    def __init__(
        self,
        stream: TextIO,
        now: Callable[[], tuple[Scene, float]],
        beat: Callable[[], tuple[Beat, MemoryBudget | None] | None],
    ) -> None:
        self._now = now
        self._beat = beat
        self._console = Console(file=stream, highlight=False)
        self._ascii = self._console.options.ascii_only
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REDRAWS_PER_S,
            transient=True,
            redirect_stdout=False,
        )

    def _draw(self) -> Group:
        scene, now_s = self._now()
        lines = drawing(scene, now_s=now_s, ascii_only=self._ascii) if scene.stage or scene.point else []
        shown = self._beat()
        if shown is not None and lines:
            beat, budget = shown
            lines += brief_lines(beat, budget=budget, width=self._console.width, ascii_only=self._ascii)
        return Group(*(Text(line, style=style, no_wrap=True, overflow="crop") for line, style in lines))

    def open(self) -> None:
        self._live.start(refresh=True)

    def close(self) -> None:
        self._live.stop()

    def say(self, text: str, *, mark: str) -> None:
        line = Text(f"{'*' if self._ascii else mark} ", style="green")
        self._console.print(line.append(words.plain(text, ascii_only=self._ascii), style="default"))

    def changed(self, *, news: bool) -> None:
        if news:
            self._live.refresh()


class _Spoken:
    """A pipe or a log: a line at each stage, and at most one in five seconds between them."""

    def __init__(self, stream: TextIO, now: Callable[[], tuple[Scene, float]]) -> None:
        self._stream = stream
        self._now = now
        self._spoke_s: float | None = None

    def open(self) -> None:
        """Nothing is taken over."""

    def close(self) -> None:
        """Nothing to give back."""

    def say(self, text: str, *, mark: str) -> None:
        # the end of a stage is told by the start of the next; a finished point is a result
        if mark == "●":
            self._write(text)

    def changed(self, *, news: bool) -> None:
        scene, now_s = self._now()
        if news or self._spoke_s is None or now_s - self._spoke_s >= LINE_EVERY_S:
            self._write(headline(scene, now_s=now_s))

    def _write(self, text: str) -> None:
        _, self._spoke_s = self._now()
        line = words.plain(text, ascii_only=True)
        self._stream.write(f"arena: {line}\n")
        self._stream.flush()
