"""`arena watch` on a terminal, in a pipe and as JSON: is told what was seen, and shows it."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from inference_arena.record import DeviceSample, HostSample, Sample
from inference_arena.report import JsonView, LiveView, PlainView, Watched
from inference_arena.report.scene import Scene
from inference_arena.report.watch_view import Plan, folded, plan_of

GIB = 1024**3
HOST = HostSample(t_s=2.0, cpu_share=0.5, ram_available_bytes=6 * GIB, ram_total_bytes=8 * GIB, swap_used_bytes=0)
CARD = DeviceSample(t_s=2.1, device=0, utilization_share=0.9, memory_used_bytes=12 * GIB, memory_total_bytes=24 * GIB)
BUDGET = {
    "rule": "vllm-profiled",
    "memory_bytes": 24 * GIB,
    "share": 0.9,
    "share_bytes": None,
    "terms": [
        {"name": "weights", "bytes": 14 * GIB, "formula": "", "explained": ""},
        {"name": "free", "bytes": 10 * GIB, "formula": "", "explained": ""},
    ],
    "kv_cache_tokens": 1,
    "sequence_bytes": 1,
    "requests": 1.0,
    "longest_context_tokens": 1,
    "host_bytes": 0,
    "gpu_layers": None,
    "spread": 0.0,
    "spread_of": "",
    "refusal": None,
}
INTENT = {
    "clock_zero_unix_s": 1000.0,
    "model": {"name": "small"},
    "engine": {"name": "vllm"},
    "host": {"devices": [{"name": "A card"}]},
    "trial": {"loads": [{"kind": "closed", "concurrency": 1}, {"kind": "open", "rate_per_s": 0.5}], "repeats": 2},
    "prediction": {"budget": BUDGET},
}
EVENTS = (
    {"kind": "stage", "stage": "load", "t_s": 1.0},
    {"kind": "point-started", "index": 1, "started_s": 1.5},
    {
        "kind": "tick", "t_s": 2.0, "point": 1, "elapsed_s": 0.5, "reads_per_s": 81.2, "ttft_s": 0.64, "in_flight": 4,
        "done": 17, "failed": 0, "phase": "steady",
    },
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    id: str = "20261124-120000-abcdef"
    intent: Mapping[str, Any] = field(default_factory=lambda: INTENT)


@dataclass(frozen=True)
class Seen:
    run: Run | None = None
    zero_unix_s: float = 1000.0
    samples: Sequence[Sample] = (HOST, CARD)
    events: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def text_of(watched: Watched, *, ascii_only: bool = True) -> str:
    return "\n".join(line for line, _ in watched.lines(now_unix_s=1003.0, width=80, ascii_only=ascii_only))


def test_an_idle_machine_shows_its_cards_by_name() -> None:
    watched = Watched(names=("An idle card",))
    watched.take(Seen())
    text = text_of(watched)

    assert text.startswith("no run is going on\nGPU 0  An idle card\n  busy      90 %")
    assert "planned" not in text
    assert "processor 50 %" in text


def test_before_the_first_sample_it_says_that_it_waits() -> None:
    watched = Watched()
    watched.take(Seen(samples=()))
    assert text_of(watched) == "no run is going on\nwaiting for the first sample"


def test_a_run_shows_its_load_its_speed_and_memory_as_planned_and_as_used() -> None:
    watched = Watched(names=("An idle card",))
    watched.take(Seen(run=Run(), events=EVENTS))
    text = text_of(watched)

    assert text.startswith("small on vllm, run 20261124-120000-abcdef\nload 0.5 (2 of 4)\n")
    assert "measuring, 81.2 tok/s, first token 640 ms, 4 in flight, 17 done, 0 failed" in text
    assert "GPU 0  A card" in text
    assert "14.0 of 24.0 GiB" in text
    assert "12.0 of 24.0 GiB, 86 % of the plan" in text


def test_who_comes_amid_a_load_knows_it_by_the_next_tick() -> None:
    watched = Watched()
    watched.take(Seen(run=Run(), events=EVENTS[2:]))
    assert "load 0.5 (2 of 4)" in text_of(watched)


def test_another_run_and_none_begin_anew() -> None:
    watched = Watched()
    watched.take(Seen(run=Run(), events=EVENTS))
    watched.take(Seen(samples=()))
    assert text_of(watched) == "no run is going on\nwaiting for the first sample"


def test_the_stages_of_a_run_are_named_and_a_finished_point_ends_its_numbers() -> None:
    scene = folded(Scene(), {"kind": "stage", "stage": "launch", "t_s": 1.0}, zero_unix_s=1000.0, loads=())
    assert (scene.stage, scene.stage_since_s) == ("start engine", 1001.0)
    assert folded(scene, {"kind": "note", "text": "x"}, zero_unix_s=1000.0, loads=()) == scene
    ended = folded(scene, {"kind": "point", "point": {}, "t_s": 9.0}, zero_unix_s=1000.0, loads=())
    assert (ended.point, ended.tick) == (None, None)


@pytest.mark.parametrize(
    "intent", [{}, {"prediction": None}, {"prediction": {"budget": {"of": "another release"}}}, {"trial": 3}]
)
def test_what_an_intent_of_another_release_does_not_say_is_left_out(intent: dict[str, Any]) -> None:
    plan = plan_of(Run(intent=intent))
    assert plan == Plan(title="a model on an engine, run 20261124-120000-abcdef", loads=[])


def test_json_lines_are_samples_with_the_time_of_day_and_the_run() -> None:
    out = io.StringIO()
    with JsonView(out) as view:
        view.show(Seen(run=Run(), events=EVENTS, notes=("GPU 0 stopped answering",)))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [line["kind"] for line in lines] == ["stage", "point-started", "host", "tick", "device", "note"]
    assert lines[2] == {**HOST.model_dump(mode="json", exclude_none=True), "unix_s": 1002.0, "run": Run().id}
    assert lines[5] == {"kind": "note", "text": "GPU 0 stopped answering", "unix_s": None, "run": Run().id}


def test_a_pipe_gets_the_time_and_a_line_a_card_as_often_as_asked() -> None:
    out = io.StringIO()
    with PlainView(Watched(), out, every_s=3600.0) as view:
        for _ in range(5):
            view.show(Seen(run=Run(), events=EVENTS))
    lines = out.getvalue().splitlines()

    assert [line.split(maxsplit=1)[1] for line in lines][1:] == [
        "GPU 0: 90 % busy, 12.0 of 24.0 GiB",
        "machine: processor 50 %, RAM 2.0 of 8.0 GiB, swap 0 B",
    ]
    assert "load 0.5 (2 of 4)" in lines[0]
    assert out.getvalue().isascii()


def test_a_terminal_is_drawn_over_and_its_cursor_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Screen()
    with LiveView(Watched(), out) as view:
        view.show(Seen())
    text = out.getvalue()

    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "90 %" in text


def test_hostile_names_are_shown_not_obeyed() -> None:
    intent = {**INTENT, "model": {"name": "[red]x\x1b[2J"}}
    watched = Watched()
    watched.take(Seen(run=Run(intent=intent)))
    assert "\x1b" not in text_of(watched, ascii_only=False)
