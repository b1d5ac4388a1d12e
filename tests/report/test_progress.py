"""The live view: told things, shown sparingly. The clock is a number that the test turns."""

import io

import pytest

from inference_arena.record import DeviceSample, HostSample
from inference_arena.report import Progress
from inference_arena.report.progress import STALE_S
from inference_arena.report.scene import RunningPoint, Scene, Tick, bar, drawing, sparkline


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def drive_a_run(progress: Progress, clock: Clock) -> None:
    with progress:
        progress.stage("prepare", "4 cores")
        progress.stage("fetch model", "SmolLM2")
        progress.fetch(10, 100)
        progress.log_tail(["one", "two", "three", "four"])
        progress.time_left(60.0)
        progress.stage("load")
        progress.point(0, 2, label="1", expected_s=20.0)
        for i in range(40):
            clock.now_s += 0.5
            progress.tick(
                elapsed_s=i * 0.5, tokens_per_s=40.0, ttft_s=0.1, in_flight=1, done_requests=i, phase="steady"
            )
        progress.point_done("1", tokens_per_s=40.0, ttft_p50_s=0.112)
        progress.stage("save")


def break_off(progress: Progress) -> None:
    with progress:
        progress.stage("load")
        raise KeyboardInterrupt


def test_a_pipe_gets_a_line_a_stage_and_at_most_one_in_five_seconds_between():
    out, clock = io.StringIO(), Clock()
    drive_a_run(Progress(stream=out, clock=clock), clock)
    lines = out.getvalue().splitlines()
    ticks = [line for line in lines if "measuring" in line]
    assert len(ticks) == 4
    assert [line.split(",")[0] for line in lines if line not in ticks] == [
        "arena: prepare: 4 cores",
        "arena: fetch model: SmolLM2",
        "arena: load",
        "arena: load 1 (1 of 2)",
        "arena: load 1        40.0 tok/s   first token 112 ms (p50)",
        "arena: save",
    ]


def test_a_line_says_how_far_how_fast_and_how_long():
    out, clock = io.StringIO(), Clock()
    drive_a_run(Progress(stream=out, clock=clock), clock)
    assert (
        "arena: load 1 (1 of 2), 4 s of about 20 s, about 55 s left in all, "
        "measuring, 40.0 tok/s, first token 100 ms, 1 in flight, 9 done"
    ) in out.getvalue()


@pytest.mark.parametrize("plain", [True, False])
def test_a_terminal_is_redrawn_unless_lines_are_asked_for(plain: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    out, clock = Screen(), Clock()
    drive_a_run(Progress(stream=out, clock=clock, plain=plain), clock)
    assert ("\x1b[" in out.getvalue()) is not plain
    assert ("✓" in out.getvalue()) is not plain


def test_the_cursor_is_given_back_when_a_run_breaks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    out = Screen()
    with pytest.raises(KeyboardInterrupt):
        break_off(Progress(stream=out))
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")
    assert "✓" not in out.getvalue()


def test_a_view_that_nobody_reads_never_ends_a_run():
    clock = Clock()
    drive_a_run(Progress(stream=Gone(), clock=clock), clock)


def test_hostile_log_lines_and_labels_are_shown_not_obeyed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Screen()
    with Progress(stream=out) as progress:
        progress.stage("start engine", "[red]x[/red]\x1b[2J")
        progress.log_tail(["\x1b[2J\x07line"])
        progress.stage("load")
    assert "\x1b[2J" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "[red]x[/red]\\x1b[2J" in out.getvalue()


def test_the_running_point_is_drawn_with_its_speed_over_time():
    scene = Scene(
        stage="load",
        point=RunningPoint(index=2, total=4, label="4", expected_s=24.0),
        tick=Tick(elapsed_s=12.0, tokens_per_s=81.2, ttft_s=0.64, in_flight=4, done_requests=17, failed_requests=0),
        rates=(10.0, 40.0, 80.0),
        ends_s=170.0,
    )
    assert [line for line, _ in drawing(scene, now_s=100.0, ascii_only=False)] == [
        "load 4 (3 of 4)",
        "  ━━━━━━━━━━━━────────────  12 s of about 24 s",
        "  ▂▅█",
        "  81.2 tok/s, first token 640 ms, 4 in flight, 17 done, 0 failed",
        "  about 70 s left in all",
    ]


def test_a_download_says_how_much_how_fast_and_how_long():
    scene = Scene(stage="fetch model", detail="SmolLM2", since_s=90.0, fetched=(50 * 1024**2, 100 * 1024**2))
    lines = [line for line, _ in drawing(scene, now_s=100.0, ascii_only=True)]
    assert lines[1] == "  ############............  50.0 MiB of 100 MiB, 5.00 MiB/s, 10 s left"


def test_a_slow_start_shows_the_last_three_lines_of_the_log():
    scene = Scene(stage="start engine", log=("one", "two", "three", "four"))
    assert [line for line, style in drawing(scene, now_s=5.0, ascii_only=False) if style == "dim"] == [
        "  two",
        "  three",
        "  four",
    ]


def test_a_sparkline_starts_at_zero_and_survives_silence():
    assert sparkline((0.0, 50.0, 100.0), ascii_only=False) == "▁▅█"
    assert sparkline((0.0, 0.0), ascii_only=False) == "▁▁"
    assert sparkline((), ascii_only=True) == ""


def test_a_bar_stays_within_its_ends():
    assert bar(7.0, ascii_only=True) == "#" * 24
    assert bar(-1.0, ascii_only=True) == "." * 24


def test_below_the_running_load_stands_the_heartbeat_while_it_beats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    out, clock = Screen(), Clock()
    with Progress(stream=out, clock=clock) as progress:
        progress.stage("measure")
        progress.samples([DeviceSample(t_s=1.0, device=0, utilization_share=0.93, power_w=250.0)])
        progress.samples([HostSample(t_s=1.0, cpu_share=0.5, swap_used_bytes=0)])
        progress.point(0, 1, label="1")
        clock.now_s += STALE_S + 0.1
        stale_from = len(out.getvalue())
        progress.stage("keep the record")
    assert "GPU 0: 93 % busy, 250 W" in out.getvalue()[:stale_from]
    assert "machine: processor 50 %" in out.getvalue()[:stale_from]
    assert "GPU 0" not in out.getvalue().partition("keep the record")[2]
