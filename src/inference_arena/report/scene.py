"""What is going on in a run, at one moment, and how that reads. Pure: `progress` decides when it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena import units
from inference_arena.report import words

KEPT_RATES = 40
NAME_COLUMNS = 12
_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.:-=+*#"
_PHASES = {"warm-up": "warming up", "steady": "measuring", "drain": "finishing"}
_LOG_LINES = 3
_BAR_COLUMNS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """How the running point does. What is not known yet is None."""

    elapsed_s: float
    tokens_per_s: float | None = None
    ttft_s: float | None = None
    in_flight: int | None = None
    done_requests: int | None = None
    failed_requests: int | None = None
    phase: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPoint:
    """The load point that is being driven; `index` counts from 0."""

    index: int
    total: int
    label: str
    expected_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The whole view. Times are readings of the caller's clock."""

    stage: str = ""
    detail: str = ""
    stage_since_s: float = 0.0
    since_s: float = 0.0
    fetched: tuple[int, int | None] | None = None
    point: RunningPoint | None = None
    tick: Tick | None = None
    rates: tuple[float, ...] = ()
    log: tuple[str, ...] = ()
    ends_s: float | None = None


def clock(seconds: float) -> str:
    """A time that passes: whole seconds, then minutes."""
    return units.seconds(seconds) if seconds >= 100 else f"{max(0.0, seconds):.0f} s"


def sparkline(rates: Sequence[float], *, ascii_only: bool, top: float | None = None) -> str:
    """One character a reading, from zero to the highest, or to the top that is given."""
    bars = _ASCII_BARS if ascii_only else _BARS
    highest = max(rates, default=0.0) if top is None else top
    if highest <= 0:
        return bars[0] * len(rates)
    return "".join(bars[min(len(bars) - 1, int(rate / highest * len(bars)))] for rate in rates)


def bar(share: float, *, ascii_only: bool) -> str:
    full, empty = ("#", ".") if ascii_only else ("━", "─")
    filled = round(max(0.0, min(1.0, share)) * _BAR_COLUMNS)
    return full * filled + empty * (_BAR_COLUMNS - filled)


def headline(scene: Scene, *, now_s: float) -> str:
    """One line that says it all: for terminals that cannot redraw, and for logs."""
    stage = f"{scene.stage}: {scene.detail}" if scene.detail else scene.stage
    parts = [_point_words(scene.point) if scene.point else stage]
    parts += [_progress_words(scene, now_s=now_s), _time_left(scene, now_s=now_s)]
    parts += [_tick_words(scene.tick)] if scene.tick else []
    return words.plain(", ".join(part for part in parts if part))


def drawing(scene: Scene, *, now_s: float, ascii_only: bool) -> list[tuple[str, str]]:
    """Lines with a Rich style each: what runs, how fast, what the log says, how long it still takes."""
    title = _point_words(scene.point) if scene.point else f"{scene.stage:<{NAME_COLUMNS}} {scene.detail}"
    share = _share(scene)
    gauge = "" if share is None else f"{bar(share, ascii_only=ascii_only)}  "
    lines = [(title.rstrip(), "bold"), (f"  {gauge}{_progress_words(scene, now_s=now_s) or clock(0)}", "")]
    if scene.tick is not None:
        lines += [(f"  {sparkline(scene.rates, ascii_only=ascii_only)}", "cyan"), (f"  {_tick_words(scene.tick)}", "")]
    lines += [(f"  {line}", "dim") for line in scene.log[-_LOG_LINES:]]
    left = _time_left(scene, now_s=now_s)
    lines += [(f"  {left}", "dim")] if left else []
    return [(words.plain(line, ascii_only=ascii_only), style) for line, style in lines]


def _point_words(point: RunningPoint) -> str:
    return f"load {point.label} ({point.index + 1} of {point.total})"


def _share(scene: Scene) -> float | None:
    if scene.fetched is not None and scene.fetched[1]:
        return scene.fetched[0] / scene.fetched[1]
    if scene.tick is not None and scene.point is not None and scene.point.expected_s:
        return scene.tick.elapsed_s / scene.point.expected_s
    return None


def _progress_words(scene: Scene, *, now_s: float) -> str:
    passed_s = now_s - scene.since_s
    if scene.fetched is not None:
        return _fetched_words(*scene.fetched, passed_s=passed_s)
    elapsed = clock(scene.tick.elapsed_s if scene.tick else passed_s)
    if scene.point is None or scene.point.expected_s is None:
        return elapsed if passed_s >= 1 else ""
    return f"{elapsed} of about {clock(scene.point.expected_s)}"


def _fetched_words(done_bytes: int, total_bytes: int | None, *, passed_s: float) -> str:
    done = units.size(done_bytes) + ("" if total_bytes is None else f" of {units.size(total_bytes)}")
    if done_bytes == 0 or passed_s <= 0:
        return done
    bytes_per_s = done_bytes / passed_s
    left = "" if total_bytes is None else f", {clock((total_bytes - done_bytes) / bytes_per_s)} left"
    return f"{done}, {units.size(int(bytes_per_s))}/s{left}"


def _tick_words(tick: Tick) -> str:
    counts = ((tick.in_flight, "in flight"), (tick.done_requests, "done"), (tick.failed_requests, "failed"))
    parts = [_PHASES.get(tick.phase, tick.phase)]
    parts += [units.rate(tick.tokens_per_s)] if tick.tokens_per_s is not None else []
    parts += [f"first token {words.duration(tick.ttft_s)}"] if tick.ttft_s is not None else []
    parts += [f"{count:,} {what}" for count, what in counts if count is not None]
    return ", ".join(part for part in parts if part)


def _time_left(scene: Scene, *, now_s: float) -> str:
    if scene.ends_s is None:
        return ""
    left_s = scene.ends_s - now_s
    return f"about {clock(left_s)} left in all" if left_s >= 1 else "nearly done"
