"""The order of a run, told by tools that only write down that they were used."""

import json
from array import array
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inference_arena.engines import ENGINES
from inference_arena.errors import StorageError
from inference_arena.load import Driven, LoadProcessDied, Target, Wording
from inference_arena.record import ClientSample, Failed, Finished, Interrupted, SelfTestSample
from inference_arena.run.address import Address
from inference_arena.run.failure import RunFailed
from inference_arena.run.first import Acquainted
from inference_arena.run.interrupts import Ended
from inference_arena.run.job import Job, Limits, Program
from inference_arena.run.server import Server
from inference_arena.run.session import run
from inference_arena.run.tools import Tools

RAW = b""
ADDRESS = Address(host="127.0.0.1", port=1, tls=False, base_path="/v1")


class Diary:
    """Journal, progress and tools in one; `log` is the order of things."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log: list[str] = []
        self.titles: list[str] = []
        self.events: list[dict[str, object]] = []
        self.calls: Counter[str] = Counter()
        self.raises: dict[str, list[BaseException | None]] = {}

    def does(self, what: str) -> None:
        self.log.append(what)
        queue = self.raises.get(what, [])
        if queue and (error := queue.pop(0)) is not None:
            raise error

    def event(self, kind: str, **fields: object) -> None:
        self.events.append({"kind": kind, **fields})

    def samples(self, lines) -> None:
        pass

    def stage(self, name, detail="") -> None:
        self.titles.append(name)

    def point(self, index, total, *, label, expected_s=None) -> None: ...
    def tick(self, **fields) -> None: ...
    def point_done(self, label, **fields) -> None: ...
    def log_tail(self, lines) -> None: ...
    def time_left(self, seconds) -> None: ...


class FakeProcess:
    pid = 1

    def __init__(self, diary: Diary) -> None:
        self.diary = diary
        self.code: int | None = None

    def poll(self):
        return self.code

    def wait(self, timeout_s):
        return self.code

    def stop(self, *, immediately=False):
        self.diary.log.append("stop")

    def log_lines(self):
        return iter(())


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path)


@pytest.fixture
def job(sample_trial, sample_record):
    program = Program(name="first", argv=("first",), why="it is first")
    return Job(
        purpose="measurement",
        trial=sample_trial,
        host=sample_record.host,
        model=sample_record.model,
        engine=sample_record.engine,
        limits=Limits(ready_s=1.0, request_s=1.0),
        programs=(program, program.model_copy(update={"name": "second"})),
        model_path="model.gguf",
    )


def tools(diary: Diary, *, succeed: bool = True) -> Tools:
    def start(program):
        diary.does("launch " + program.name)
        return Server(address=ADDRESS, engine=ENGINES["llamacpp"], process=FakeProcess(diary))

    def acquaint(server):
        diary.does("first requests")
        target = Target(host="127.0.0.1", port=1, path="/v1/chat/completions")
        return Acquainted(target, "llamacpp", {"model": "m"}, (), Wording(), 0.1, 0.1)

    @contextmanager
    def watch(server, known):
        diary.log.append("watch")
        try:
            yield
        finally:
            diary.log.append("unwatch")

    def drive(plan, on_tick):
        Path(plan.raw_path).write_bytes(ok_request(plan.point) if succeed else RAW)
        diary.does("drive")
        return driven(plan.point)

    def wait_ready(server):
        diary.does("ready")
        return 0.1

    def self_test(streams, pace_s):
        diary.does("self-test")
        return SelfTestSample(streams=streams, token_interval_s=pace_s, true_ttft_s=(), seen_ttft_s=(), true_tpot_s=(),
                              seen_tpot_s=(), tokens_sent=0, tokens_seen=0)  # fmt: skip

    return Tools(
        journal=diary, progress=diary, clock_zero_s=0.0, now_s=lambda: 1.0, start=start, wait_ready=wait_ready,
        acquaint=acquaint, watch=watch, drive=drive, salvage_point=lambda: driven(0, stopped_by="interrupted"),
        self_test=self_test, describe=lambda server, program, known: None,
    )  # fmt: skip


def driven(point: int, *, stopped_by: str = "plan") -> Driven:
    client = ClientSample(
        point=point, from_s=0.0, to_s=2.0, cpu_s=0.1, event_loop="uvloop", prompts_made_late=0, loop_lag_s=()
    )
    return Driven(point=point, started_s=0.0, steady_from_s=0.5, steady_to_s=1.5, ended_s=2.0, stopped_by=stopped_by,
                  storage_error=None, client=client)  # fmt: skip


def ok_request(point: int) -> bytes:
    events = ({"delta": {"content": "a"}}, {"delta": {}, "finish_reason": "length"})
    body = b"".join(b"data: " + json.dumps({"choices": [event]}).encode() + b"\n\n" for event in events)
    head = {
        "request": 0, "point": point, "scheduled_s": 1.0, "sent_s": 1.0, "connect_s": None,
        "headers_s": 1.1, "ended_s": 1.2,
        "status": 200, "content_type": "text/event-stream", "result": "ok", "failure": None, "detail": None,
        "asked_input_tokens": 8, "asked_output_tokens": 1, "prompt_sha256": "0" * 32, "body_bytes": len(body),
        "clock_zero_s": 0.0, "reads": 1,
    }  # fmt: skip
    return (
        json.dumps(head).encode()
        + b"\n"
        + array("d", [1.1]).tobytes()
        + array("q", [len(body)]).tobytes()
        + body
        + b"\n"
    )


BEFORE = ["launch first", "ready", "first requests", "watch"]


def test_a_run_goes_from_launch_to_self_test_and_stops_the_engine_before_it(diary, job):
    assert run(job, tools(diary)) == Finished()
    drives = ["drive"] * (len(job.trial.loads) * job.trial.repeats)
    assert diary.log == [*BEFORE, *drives, "unwatch", "stop", "self-test"]


def test_a_launched_engine_is_started_and_a_running_server_is_found(diary, job):
    run(job, tools(diary))
    assert diary.titles[0] == "start engine"

    diary.titles.clear()
    attach = replace(tools(diary), start=lambda program: Server(address=ADDRESS, engine=ENGINES["openai"]))
    run(job.model_copy(update={"programs": ()}), attach)
    assert diary.titles[0] == "find server"


def test_the_outcome_is_the_journals_last_word(diary, job):
    run(job, tools(diary))
    assert diary.events[-1]["kind"] == "outcome"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (LoadProcessDied("gone"), "client-died"),
        (StorageError("no room", why="disk full"), "storage"),
    ],
)
def test_when_driving_fails_the_engine_is_stopped_all_the_same(diary, job, error, cause):
    diary.raises["drive"] = [error]
    outcome = run(job, tools(diary))
    assert isinstance(outcome, Failed)
    assert (outcome.stage, outcome.cause) == ("load", cause)
    assert diary.log == [*BEFORE, "drive", "unwatch", "stop"]


def test_an_interrupt_while_driving_keeps_the_point_and_stops_the_engine(diary, job):
    diary.raises["drive"] = [Ended("ctrl-c")]
    assert run(job, tools(diary)) == Interrupted(stage="load", by="ctrl-c")
    assert diary.log == [*BEFORE, "drive", "unwatch", "stop"]
    assert [event["kind"] for event in diary.events][-2:] == ["point", "outcome"]


@pytest.mark.parametrize("where", ["ready", "first requests"])
def test_an_interrupt_before_the_first_answer_stops_the_engine(diary, job, where):
    diary.raises[where] = [Ended("terminated")]
    outcome = run(job, tools(diary))
    assert isinstance(outcome, Interrupted)
    assert diary.log[-1] == "stop"


def failed(*, another: bool) -> RunFailed:
    return RunFailed(
        Failed(stage="ready", cause="crashed", what="it crashed", why="signal 4", advice="another build"),
        worth_another_program=another,
    )


def test_a_build_that_does_not_run_here_gives_way_to_the_next_and_is_noted(diary, job):
    diary.raises["ready"] = [failed(another=True), None]
    assert run(job, tools(diary)) == Finished()
    assert diary.log[:4] == ["launch first", "ready", "stop", "launch second"]
    assert any("first was tried first" in str(event.get("text")) for event in diary.events)


def test_a_failure_that_another_build_would_share_is_final(diary, job):
    diary.raises["ready"] = [failed(another=False)]
    outcome = run(job, tools(diary))
    assert isinstance(outcome, Failed)
    assert "launch second" not in diary.log


def test_the_last_programs_failure_is_the_runs(diary, job):
    diary.raises["ready"] = [failed(another=True), failed(another=True)]
    outcome = run(job, tools(diary))
    assert isinstance(outcome, Failed)
    assert outcome.cause == "crashed"


def test_a_run_without_one_successful_answer_has_failed(diary, job):
    outcome = run(job, tools(diary, succeed=False))
    assert isinstance(outcome, Failed)
    assert outcome.cause == "no-answer"


def test_a_self_test_that_fails_is_a_note_and_no_failure(diary, job):
    diary.raises["self-test"] = [RuntimeError("no truth server")]
    assert run(job, tools(diary)) == Finished()
    assert any("self-test" in str(event.get("text")) for event in diary.events)


@pytest.mark.parametrize(("code", "told"), [(-9, "killed"), (None, "no-answer")])
def test_an_engine_that_ends_after_all_requests_failed_is_told_as_its_own_end(diary, job, code, told):
    """As of vLLM, whose worker was killed: its front refuses requests, and ends some seconds later."""
    usual = tools(diary, succeed=False)

    def start(program):
        server = usual.start(program)
        assert isinstance(server.process, FakeProcess)
        server.process.code = code
        return server

    def drive(plan, on_tick):
        usual.drive(plan, on_tick)
        return driven(plan.point, stopped_by="errors")

    outcome = run(job, replace(usual, start=start, drive=drive))

    assert (outcome.stage, outcome.cause) == ("load", told)
