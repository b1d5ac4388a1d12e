"""The generator beside this file, and a home with one whole record whose numbers follow from its traces."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from inference_arena.facts import Device
from inference_arena.metrics import summarise
from inference_arena.plan import Load
from inference_arena.record import (
    ClientSample,
    CounterSample,
    DeviceSample,
    Evidence,
    HostSample,
    Record,
    RepeatSample,
    RequestTrace,
    Sample,
    SelfTestSample,
    Startup,
)
from inference_arena.store import Home, open_home, save_record, write_jsonl_gz

LOADS = (
    Load(kind="closed", concurrency=2, duration_s=10.0),
    Load(kind="open", rate_per_s=2.0, arrivals="poisson", warmup_s=1.0, duration_s=10.0),
)


def _by_path(name: str, path: Path) -> ModuleType:
    """With pytest's importlib mode the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_PAGES = _by_path("pages", Path(__file__).parent / "pages.py")
_BUILDERS = _by_path("builders", Path(__file__).parents[1] / "builders.py")


@pytest.fixture
def pages() -> ModuleType:
    return _PAGES


@pytest.fixture
def builders() -> ModuleType:
    return _BUILDERS


def _trace(point: int, number: int) -> RequestTrace:
    """Every 20th fails, one of 20 is left by its person; the others say four tokens, two at a time."""
    at_s = point * 20 + number * 0.4
    fields = {"request": number, "point": point, "scheduled_s": at_s, "asked_input_tokens": 8, "asked_output_tokens": 4}
    if number % 20 == 18:
        return RequestTrace(
            **fields, sent_s=at_s, ended_s=at_s + 0.1, result="cancelled", cancelled_by="by-chance", status=200,
            prompt_sha256="ab" * 16,
        )  # fmt: skip
    if number % 20 == 19:
        return RequestTrace(
            **fields, sent_s=at_s, ended_s=at_s + 0.1, result="failed", failure="http-500", detail="no", status=500,
            prompt_sha256="ab" * 16,
        )  # fmt: skip
    return RequestTrace(
        **fields, sent_s=at_s + 0.001, connect_s=0.001, headers_s=at_s + 0.05, read_s=(at_s + 0.1, at_s + 0.2),
        read_tokens=(2, 2), first_answer_s=at_s + 0.1, ended_s=at_s + 0.25, result="ok", status=200,
        finish_reason="length", input_tokens=9, cached_input_tokens=0, output_tokens=4, output_tokens_source="usage",
        token_times="server-count", answer_characters=12, prompt_sha256="ab" * 16, answer_sha256="cd" * 16,
        engine_timings={"predicted_n": 4.0}, kind="chat", conversation=number, turn=0, repeated_share=0.1,
    )  # fmt: skip


def _samples() -> list[Sample]:
    own: list[Sample] = [
        HostSample(
            t_s=float(t), cpu_share=0.5, ram_available_bytes=2**30, swap_used_bytes=0, engine_cpu_share=0.9,
            engine_rss_bytes=2**28,
        )
        for t in range(1, 34)
    ]  # fmt: skip
    own += [CounterSample(t_s=1.0, values={"requests_running": 2.0})]
    own += [DeviceSample(t_s=1.0, device=0, memory_used_bytes=2**30, utilization_share=0.9, power_w=200.0)]
    own += [
        ClientSample(
            point=point, from_s=point * 20.0, to_s=point * 20 + 12.0, cpu_s=0.3, event_loop="uvloop",
            prompts_made_late=0, loop_lag_s=(0.0001, 0.0002),
        )
        for point in range(2)
    ]  # fmt: skip
    test = SelfTestSample(
        streams=2, token_interval_s=0.01, true_ttft_s=(0.05,), seen_ttft_s=(0.0501,), true_tpot_s=(0.01,),
        seen_tpot_s=(0.01,), tokens_sent=20, tokens_seen=20,
    )  # fmt: skip
    return [*own, test, RepeatSample(first_s=0.5, again_s=0.48, same_answer=True)]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builders: ModuleType) -> Path:
    """The folder of a record in a home of its own."""
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ARENA_DATABASE_URL", raising=False)
    raw = tmp_path / "raw"
    raw.mkdir()
    traces, samples = [_trace(point, number) for point in range(2) for number in range(40)], _samples()
    requests = write_jsonl_gz(raw / "requests.gz", traces)
    sampled = write_jsonl_gz(raw / "samples.gz", samples)
    record = _record(builders, traces, samples).model_copy(
        update={
            "evidence": Evidence(
                requests_sha256=requests.sha256,
                requests_lines=requests.lines,
                samples_sha256=sampled.sha256,
                samples_lines=sampled.lines,
            )
        }
    )
    home: Home = open_home()
    return save_record(home, record, requests_gz=raw / "requests.gz", samples_gz=raw / "samples.gz", log_gz=None)


def _record(builders: ModuleType, traces: list[RequestTrace], samples: list[Sample]) -> Record:
    trial = builders.TRIAL.model_copy(update={"loads": LOADS, "engine": "llamacpp"})
    points = tuple(
        builders.POINT.model_copy(
            update={
                "index": index,
                "load": load,
                "started_s": index * 20.0,
                "steady_from_s": index * 20 + 1.0,
                "steady_to_s": index * 20 + 11.0,
                "ended_s": index * 20 + 12.0,
            }
        )
        for index, load in enumerate(LOADS)
    )
    host = builders.HOST.model_copy(update={"devices": (Device(index=0, vendor="nvidia", name="A card"),)})
    made: Record = builders.a_record(
        trial=trial,
        host=host,
        points=points,
        startup=Startup(facts={"slots": 2}, ready_s=1.0, first_request_s=0.3),
        summary=summarise(trial=trial, points=points, traces=traces, samples=samples, cpu_cores=host.cpu_cores),
    )
    return made
