"""The real load process against a server whose truth is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inference_arena.load import Driven, LoadProcess, PointPlan, Target, Wording, decode, read_raw
from inference_arena.load.truth import Script, Sent, start_truth_server
from inference_arena.plan import Lengths, Load
from inference_arena.record import RequestTrace

PATIENCE_S = 25.0


@dataclass(frozen=True)
class Played:
    """One point: how it went, what was seen, what the server did."""

    driven: Driven
    traces: list[RequestTrace]
    sent: dict[str, Sent]

    @property
    def measured(self) -> list[RequestTrace]:
        begin, end = self.driven.steady_from_s, self.driven.steady_to_s
        return [trace for trace in self.traces if begin <= trace.scheduled_s < end]

    def truth(self, trace: RequestTrace) -> Sent:
        return self.sent[f"{trace.point}-{trace.request}"]


@pytest.fixture(scope="session")
def load_process(tmp_path_factory) -> Iterator[LoadProcess]:
    with LoadProcess(log_path=tmp_path_factory.mktemp("load") / "log") as process:
        yield process


@pytest.fixture
def plan_to(tmp_path: Path) -> Callable[..., PointPlan]:
    """A plan for a server at a port, with what a test names in place of the usual."""

    def plan(port: int = 1, **fields) -> PointPlan:
        given = {
            "point": 3,
            "seed": 7,
            "target": Target(host="127.0.0.1", port=port, path="/v1/chat/completions"),
            "endpoint": "chat",
            "parameters": {"model": "truth", "stream_options": {"include_usage": True}},
            "load": Load(kind="closed", concurrency=4, duration_s=0.3),
            "lengths": Lengths(input_tokens=32, output_tokens=8, output_jitter=0.0),
            "wording": Wording(),
            "expected_requests": 40,
            "request_timeout_s": PATIENCE_S,
            "warmup_limit_s": PATIENCE_S,
            "drain_limit_s": PATIENCE_S,
            "raw_path": str(tmp_path / "point.raw"),
            "clock_zero_s": 0.0,
        }
        return PointPlan(**{**given, **fields})

    return plan


@pytest.fixture
def play(load_process, plan_to, tmp_path) -> Callable[..., Played]:
    def drive(script: dict, **fields) -> Played:
        with start_truth_server(Script(**script), log_path=tmp_path / "truth.log") as server:
            plan = plan_to(server.port, **fields)
            driven = load_process.drive(plan, on_tick=lambda _: None)
            traces = [decode(head, body) for head, body in read_raw(Path(plan.raw_path))]
            return Played(driven, traces, {sent.request: sent for sent in server.sent()})

    return drive
