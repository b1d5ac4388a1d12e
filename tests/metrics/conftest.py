"""Traces with known readings, and the points and trials they belong to."""

from collections.abc import Callable
from datetime import date

import pytest

from inference_arena.facts import Slo
from inference_arena.plan import Lengths, Load, Settings, Trial
from inference_arena.record import Point, RequestTrace

CLOSED = Load(kind="closed", concurrency=2, duration_s=10.0)
OPEN = Load(kind="open", rate_per_s=2.0, arrivals="poisson", warmup_s=1.0, duration_s=10.0)
CHAT = Slo(name="chat", title="", ttft_s=2.0, tpot_s=0.1, judged_at=0.9, source="", checked=date(2026, 11, 23))


def a_trace(request: int = 0, *, at_s: float = 0.0, **fields) -> RequestTrace:
    """Sent at `at_s`, first token 0.2 s later, then one every 0.1 s: five tokens, ended at the last."""
    result = fields.get("result", "ok")
    given = {
        "request": request,
        "point": 0,
        "scheduled_s": at_s,
        "sent_s": at_s,
        "headers_s": at_s + 0.1,
        "read_s": tuple(round(at_s + 0.2 + 0.1 * i, 6) for i in range(5)),
        "read_tokens": (1, 1, 1, 1, 1),
        "ended_s": round(at_s + 0.6, 6),
        "result": result,
        "failure": "timeout" if result == "failed" else None,
        "status": 200,
        "asked_input_tokens": 10,
        "asked_output_tokens": 5,
        "input_tokens": 10,
        "output_tokens": 5,
        "output_tokens_source": "usage",
        "token_times": "per-delta",
        "prompt_sha256": "ab",
    }
    return RequestTrace(**{**given, **fields})


def a_point(**fields) -> Point:
    """Steady from second 1 to second 11."""
    given = {
        "index": 0,
        "repeat": 0,
        "load": CLOSED,
        "seed": 1,
        "started_s": 0.0,
        "steady_from_s": 1.0,
        "steady_to_s": 11.0,
        "ended_s": 12.0,
        "stopped_by": "plan",
    }
    return Point(**{**given, **fields})


def a_trial(**fields) -> Trial:
    given = {
        "engine": "llamacpp",
        "model": "small",
        "endpoint": "chat",
        "settings": Settings(),
        "workload": None,
        "lengths": Lengths(input_tokens=10, output_tokens=5, output_jitter=0.0),
        "loads": (CLOSED,),
        "repeats": 1,
        "seed": 1,
        "slo": CHAT,
    }
    return Trial(**{**given, **fields})


@pytest.fixture
def trace() -> Callable[..., RequestTrace]:
    return a_trace


@pytest.fixture
def point() -> Callable[..., Point]:
    return a_point


@pytest.fixture
def trial() -> Callable[..., Trial]:
    return a_trial


@pytest.fixture
def closed() -> Load:
    return CLOSED


@pytest.fixture
def open_load() -> Load:
    return OPEN


@pytest.fixture
def chat() -> Slo:
    return CHAT
