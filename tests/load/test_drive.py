"""The real load process against servers whose truth is known: what was sent when, what counts, how a point ends."""

import os
import signal
import socket
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.load import Driven, LoadProcess, LoadProcessDied, PointPlan, Target, Wording, decode, read_raw
from inference_arena.load.ahead import Ahead
from inference_arena.load.raw import write_raw
from inference_arena.load.requests import Request, make_request
from inference_arena.load.schedule import arrivals, steady_window
from inference_arena.load.truth import Script, Sent, start_truth_server
from inference_arena.metrics.latency import longest_gap_s
from inference_arena.metrics.summary import summarise_point
from inference_arena.plan import Lengths, Load
from inference_arena.record import Point, RequestTrace

PATIENCE_S = 25.0  # less than the load process may be silent for
QUICK = {"tokens": 6, "ttft_s": 0.01, "token_interval_s": 0.002}
SLOW = {"tokens": 50, "ttft_s": 0.05, "token_interval_s": 0.2}
LOADS = {"closed": Load(kind="closed", concurrency=4, duration_s=0.3)}


class Drove(NamedTuple):
    driven: Driven
    traces: list[RequestTrace]
    sent: dict[str, Sent]

    @property
    def measured(self) -> list[RequestTrace]:
        begin, end = self.driven.steady_from_s, self.driven.steady_to_s
        return [trace for trace in self.traces if begin <= trace.scheduled_s < end]

    @property
    def failures(self) -> set[str | None]:
        return {trace.failure for trace in self.traces if trace.result == "failed"}

    def truth(self, trace: RequestTrace) -> Sent:
        return self.sent[f"{trace.point}-{trace.request}"]


def a_plan(port: int, raw_path: Path, **fields) -> PointPlan:
    given = {
        "point": 3,
        "seed": 7,
        "target": Target(host="127.0.0.1", port=port, path="/v1/chat/completions"),
        "endpoint": "chat",
        "parameters": {"model": "truth", "stream_options": {"include_usage": True}},
        "load": LOADS["closed"],
        "lengths": Lengths(input_tokens=32, output_tokens=1000, output_jitter=0.0),
        "wording": Wording(),
        "expected_requests": 100,
        "request_timeout_s": PATIENCE_S,
        "warmup_limit_s": PATIENCE_S,
        "drain_limit_s": PATIENCE_S,
        "raw_path": str(raw_path),
        "clock_zero_s": 0.0,
    }
    return PointPlan(**{**given, **fields})


def carry_on(_: object) -> None:
    return None


def traces_of(path: Path) -> list[RequestTrace]:
    return [decode(head, body) for head, body in read_raw(path)]


@pytest.fixture(scope="module")
def process(tmp_path_factory) -> Iterator[LoadProcess]:
    with LoadProcess(log_path=tmp_path_factory.mktemp("load") / "log") as process:
        yield process


@pytest.fixture
def own_process(tmp_path) -> Iterator[LoadProcess]:
    """For a test that ends it."""
    with LoadProcess(log_path=tmp_path / "load.log") as process:
        yield process


@pytest.fixture
def drove(process, tmp_path) -> Callable[..., Drove]:
    def drive(script: dict, **fields) -> Drove:
        raw_path = tmp_path / "raw"
        with start_truth_server(Script(**script), log_path=tmp_path / "truth") as server:
            driven = process.drive(a_plan(server.port, raw_path, **fields), on_tick=carry_on)
            traces = traces_of(raw_path)
            return Drove(driven, traces, {sent.request: sent for sent in server.sent()})

    return drive


@pytest.fixture(scope="module")
def quick_port(tmp_path_factory) -> Iterator[int]:
    """One quick server for the tests that do not ask it for the truth."""
    with start_truth_server(Script(**QUICK), log_path=tmp_path_factory.mktemp("quick") / "truth") as server:
        yield server.port


@pytest.fixture
def drove_quick(process, quick_port, tmp_path) -> Callable[..., Drove]:
    def drive(**fields) -> Drove:
        driven = process.drive(a_plan(quick_port, tmp_path / "raw", **fields), on_tick=carry_on)
        return Drove(driven, traces_of(tmp_path / "raw"), {})

    return drive


# closed loads


def most_open(entries: list[tuple[float, float]]) -> int:
    """The most that were open at once; one that ends when another begins does not overlap it."""
    steps = sorted([(begin, 1) for begin, _ in entries] + [(end, -1) for _, end in entries])
    return max(accumulate(step for _, step in steps))


def test_a_closed_load_keeps_its_streams_busy_from_warm_up_to_the_last_measured_answer(drove):
    lengths = Lengths(input_tokens=32, output_tokens=24, output_jitter=0.5)
    it = drove({"tokens": 50, "ttft_s": 0.02, "token_interval_s": 0.004}, lengths=lengths)
    begin, end = it.driven.steady_from_s, it.driven.steady_to_s

    assert it.driven.stopped_by == "plan"
    assert it.driven.point == 3

    # exactly four, by client and by server
    assert most_open([(trace.scheduled_s, trace.ended_s) for trace in it.traces]) == 4
    assert most_open([(sent.received_s, sent.ended_s) for sent in it.sent.values()]) == 4
    starts = sorted(trace.scheduled_s for trace in it.traces)
    ends = sorted(trace.ended_s for trace in it.traces if trace.result == "ok")
    assert len(starts) in {len(ends) + 3, len(ends) + 4}
    assert all(start >= ended for start, ended in zip(starts[4:], ends, strict=False))

    # warm-up is handed over, not drained: answers are under way at both edges, and the server knows of them
    for edge in (begin, end):
        under_way = [trace for trace in it.traces if trace.sent_s < edge < trace.ended_s]
        assert under_way
        assert any(f"3-{trace.request}" in it.sent for trace in under_way)
    assert len([trace for trace in it.traces if trace.ended_s <= begin]) >= 4

    # measured is what was scheduled in the window, and all of it ended
    assert it.measured
    assert {trace.result for trace in it.measured} == {"ok"}
    assert all(it.truth(trace).outcome == "ok" for trace in it.measured)
    assert max(trace.ended_s for trace in it.measured) <= it.driven.ended_s

    # what was sent to keep up the load was cut off, and the server saw it leave
    fillers = [trace for trace in it.traces if trace.result == "cancelled"]
    assert 1 <= len(fillers) <= 4
    assert all(trace.scheduled_s >= end for trace in fillers)
    assert all(trace.failure is None for trace in fillers)
    left = {trace.request for trace in fillers if f"3-{trace.request}" in it.sent}
    assert left
    assert {it.sent[f"3-{request}"].outcome for request in left} == {"client-left"}


def test_every_token_that_the_server_sent_was_seen_and_none_before_it_was_sent(drove):
    it = drove(QUICK)

    for trace in it.measured:
        truth = it.truth(trace)
        assert sum(trace.read_tokens) == trace.output_tokens == truth.tokens == 6
        assert trace.scheduled_s <= trace.sent_s <= truth.received_s + 1e-6
        # the server reads its clock when the kernel has taken a write; the client may have it by then
        assert trace.read_s[-1] >= trace.read_s[0] >= truth.received_s + QUICK["ttft_s"] - 1e-6


def test_a_number_of_requests_is_kept_to_exactly(drove_quick):
    closed = drove_quick(load=Load(kind="closed", concurrency=3, requests=7))

    assert len(closed.measured) == 7
    assert {trace.result for trace in closed.measured} == {"ok"}


def test_a_number_of_requests_is_kept_to_exactly_in_an_open_load_too(drove_quick):
    load = Load(kind="open", rate_per_s=40.0, arrivals="constant", warmup_s=0.1, requests=5)

    it = drove_quick(load=load)

    assert len(it.measured) == 5
    assert {trace.result for trace in it.measured} == {"ok"}


def test_a_point_that_needs_more_prompts_than_expected_makes_them_and_says_so(drove_quick):
    it = drove_quick(load=Load(kind="closed", concurrency=2, requests=12), expected_requests=4)

    assert it.driven.client.prompts_made_late == len(it.traces) - 4
    assert {trace.result for trace in it.measured} == {"ok"}


def test_prompts_that_memory_does_not_hold_are_made_in_quiet_moments_and_are_the_same(drove_quick):
    plan = a_plan(1, Path("raw"))
    most_bytes = 3 * len(make_request(plan, 0).payload)
    it = drove_quick(load=Load(kind="closed", concurrency=2, requests=30), most_bytes_ahead=most_bytes)

    assert it.driven.client.prompts_made_late == 0
    assert len(it.traces) >= 30
    assert all(trace.prompt_sha256 == make_request(plan, trace.request).prompt_sha256 for trace in it.traces)


def made_ahead(plan: PointPlan) -> tuple[Ahead, list[int]]:
    ahead, told = Ahead(plan), []
    ahead.fill(told.append)
    return ahead, told


@pytest.mark.parametrize(("most_bytes", "held"), [(1, 1), (5_000, None), (10**9, 40)])
def test_requests_are_made_ahead_until_the_bytes_are_full_or_all_that_are_expected_are_there(most_bytes, held):
    plan = a_plan(1, Path("raw"), expected_requests=40, most_bytes_ahead=most_bytes)
    ahead, told = made_ahead(plan)
    sizes = [len(make_request(plan, number).payload) for number in range(ahead.made)]

    assert told == list(range(1, ahead.made + 1))
    assert ahead.held_bytes == sum(sizes)
    assert sum(sizes[:-1]) < most_bytes
    assert ahead.made == held or (held is None and 1 < ahead.made < 40 and sum(sizes) >= most_bytes)


def test_what_did_not_fit_is_wanted_once_half_of_the_bytes_are_free_and_nothing_beyond_what_is_expected():
    ahead, _ = made_ahead(a_plan(1, Path("raw"), expected_requests=40, most_bytes_ahead=5_000))
    taken, most_bytes = [], 0
    while len(taken) < 43:
        taken.append(ahead.take().number)
        assert ahead.wants_one == (ahead.made < 40 and ahead.held_bytes <= 2_500)
        if ahead.wants_one:
            ahead.make_one()
        most_bytes = max(most_bytes, ahead.held_bytes)

    assert taken == list(range(43))
    assert ahead.made_late == 3
    assert most_bytes < 5_000
    assert ahead.held_bytes == 0


def test_an_answer_that_does_not_end_is_unfinished_at_the_drain_limit(drove):
    load = Load(kind="closed", concurrency=2, warmup_s=0.0, duration_s=0.1)

    it = drove(SLOW, load=load, drain_limit_s=0.2)

    assert it.driven.stopped_by == "drain-limit"
    assert Counter(trace.result for trace in it.traces) == {"unfinished": 2}
    assert {sent.outcome for sent in it.sent.values()} == {"client-left"}


def test_points_of_one_process_follow_each_other_with_other_prompts(process, quick_port, tmp_path):
    for point in (0, 1):
        plan = a_plan(
            quick_port, tmp_path / str(point), point=point, load=Load(kind="closed", concurrency=1, requests=2)
        )
        assert process.drive(plan, on_tick=carry_on).point == point
    prompts = [{trace.prompt_sha256 for trace in traces_of(tmp_path / str(point))} for point in (0, 1)]

    assert not prompts[0] & prompts[1]


# open loads


def test_an_open_load_keeps_its_schedule_while_the_server_is_frozen_and_the_summary_shows_the_wait(drove):
    rate, freeze_s = 60.0, 2.0
    load = Load(kind="open", rate_per_s=rate, arrivals="constant", warmup_s=0.2, duration_s=2.5)
    it = drove({**QUICK, "tokens": 3, "freeze_at_s": 0.5, "freeze_s": freeze_s}, load=load, expected_requests=300)
    started, traces = it.driven.started_s, sorted(it.traces, key=lambda trace: trace.request)

    # constant arrivals are where arithmetic has them
    assert [trace.scheduled_s - started for trace in traces] == pytest.approx(
        [i / rate for i in range(len(traces))], abs=3e-6
    )

    # what was due while the server slept was sent while it slept
    asleep_from = min(sent.received_s for sent in it.sent.values()) + 0.5
    due = [trace for trace in traces if asleep_from < trace.scheduled_s < asleep_from + freeze_s - 1.0]
    assert len(due) >= 50
    assert all(trace.sent_s < asleep_from + freeze_s for trace in due)

    summary = summarise_point(a_point(it.driven, load), traces=traces, samples=(), slo=facts.slo("chat"))
    assert summary.sent == summary.ok == round(rate * 2.5)
    assert summary.scheduled_ttft_s.p99 > 1.8
    assert all(trace.read_s[0] - trace.scheduled_s >= trace.read_s[0] - trace.sent_s for trace in it.measured)


def a_point(driven: Driven, load: Load) -> Point:
    return Point(
        index=driven.point,
        repeat=0,
        load=load,
        seed=7,
        started_s=driven.started_s,
        steady_from_s=driven.steady_from_s,
        steady_to_s=driven.steady_to_s,
        ended_s=driven.ended_s,
        stopped_by=driven.stopped_by,
    )


def test_an_open_load_with_few_arrivals_runs_to_the_end_of_its_window(drove_quick):
    load = Load(kind="open", rate_per_s=1.0, arrivals="constant", warmup_s=0.0, duration_s=0.6)

    it = drove_quick(load=load, drain_limit_s=0.2)

    assert len(it.measured) == 1
    assert it.driven.ended_s >= it.driven.steady_to_s


def test_the_window_of_an_open_load_without_arrivals_is_its_duration():
    load = Load(kind="open", rate_per_s=0.01, arrivals="poisson", warmup_s=1.0, duration_s=2.0, requests=5)

    assert steady_window(a_plan(1, Path("raw"), load=load), ()) == (1.0, 3.0)


def test_the_arrivals_of_an_open_load_hang_on_its_seed():
    load = Load(kind="open", rate_per_s=50.0, arrivals="poisson", warmup_s=1.0, duration_s=2.0)
    one, same, other = (arrivals(a_plan(1, Path("raw"), load=load, seed=seed)) for seed in (1, 1, 2))

    assert one == same != other


# requests


def test_the_same_seed_makes_the_same_requests_and_another_point_others():
    lengths = Lengths(input_tokens=64, output_tokens=40, output_jitter=0.5)
    plan = a_plan(80, Path("raw"), lengths=lengths)
    one, same, other_point, other_seed = (
        [make_request(plan.model_copy(update=changed), number) for number in range(20)]
        for changed in ({}, {}, {"point": 4}, {"seed": 8})
    )

    assert one == same
    assert [len(request.payload) for request in one] == [len(request.payload) for request in same]
    assert len({request.prompt_sha256 for request in (*one, *other_point, *other_seed)}) == 60
    assert len({request.asked_output_tokens for request in one}) > 5


def test_the_same_plan_driven_twice_asks_the_same(process, quick_port, tmp_path):
    load = Load(kind="closed", concurrency=1, requests=4)
    asked = []
    for name in ("one", "two"):
        process.drive(a_plan(quick_port, tmp_path / name, load=load), on_tick=carry_on)
        traces = traces_of(tmp_path / name)[:4]
        asked.append([(trace.request, trace.prompt_sha256, trace.asked_output_tokens) for trace in traces])

    assert asked[0] == asked[1]
    assert len(set(asked[0])) == 4


# servers that close


def test_a_server_that_closes_after_each_answer_loses_no_request(drove):
    it = drove({**QUICK, "connection": "close"})

    assert it.failures == set()
    assert {trace.result for trace in it.measured} == {"ok"}


CHUNKS = b'data: {"choices": [{"delta": {"content": " a"}, "finish_reason": "length"}]}\n\ndata: [DONE]\n\n'


@contextmanager
def silently_closing_server() -> Iterator[int]:
    """Keeps quiet about closing each connection behind its first answer, as llama.cpp's server does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(CHUNKS), CHUNKS)

    def give(sock: socket.socket) -> None:
        with sock, suppress(OSError):
            data = b""
            while b"}]" not in data:
                if not (more := sock.recv(65536)):
                    return
                data += more
            sock.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=give, args=(listener.accept()[0],), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(PATIENCE_S)


def test_a_server_that_closes_silently_after_each_answer_loses_no_request(process, tmp_path):
    load = Load(kind="closed", concurrency=3, requests=30)

    with silently_closing_server() as port:
        driven = process.drive(a_plan(port, tmp_path / "raw", load=load), on_tick=carry_on)
    it = Drove(driven, traces_of(tmp_path / "raw"), {})

    assert it.driven.stopped_by == "plan"
    assert len(it.measured) == 30
    assert {trace.result for trace in it.measured} == {"ok"}


# failures


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ({"fail_kind": "status", "fail_status": 503}, "http-503"),
        ({"fail_kind": "reset"}, "connection-reset"),
        ({"fail_kind": "close"}, "connection-closed"),
        ({"fail_kind": "html"}, "not-a-stream"),
        ({"fail_kind": "garbage"}, "garbage"),
        ({"fail_kind": "stream-error"}, "stream-error"),
        ({"fail_kind": "close", "transfer": "length-less"}, "cut-short"),
        ({"fail_kind": "hang"}, "timeout"),
    ],
)
def test_every_way_to_fail_has_its_name_and_the_point_ends(drove, script, name):
    load = Load(kind="closed", concurrency=5, requests=20)

    it = drove(
        {**QUICK, "fail_every": 1, **script}, load=load, request_timeout_s=0.3 if name == "timeout" else PATIENCE_S
    )

    assert it.failures == {name}
    assert {trace.result for trace in it.traces} <= {"failed", "cancelled", "unfinished"}
    # what shows on the wire ends the point early; what shows in the answer only is left to the plan
    wire = name in {"http-503", "connection-reset", "connection-closed", "timeout"}
    assert it.driven.stopped_by == ("errors" if wire else "plan")
    # the tenth failure in a row ends it; those of the other streams may be there already by then
    assert not wire or 10 <= sum(trace.result == "failed" for trace in it.traces) <= 10 + 4


def test_a_timeout_keeps_its_name_on_a_connection_that_served_before(drove):
    script = {**QUICK, "fail_every": 2, "fail_kind": "hang"}
    load = Load(kind="closed", concurrency=1, warmup_s=0.0, requests=3)

    it = drove(script, load=load, request_timeout_s=1.0)

    assert [trace.failure for trace in it.measured] == [None, "timeout", None]
    assert len(it.sent) == len({sent.request for sent in it.sent.values()})


def test_one_failure_among_answers_is_counted_and_the_point_goes_on(drove):
    it = drove({**QUICK, "fail_every": 4}, load=Load(kind="closed", concurrency=2, requests=16))

    assert it.driven.stopped_by == "plan"
    assert len(it.measured) == 16
    assert all((trace.failure == "http-500") == (it.truth(trace).outcome == "failed") for trace in it.measured)
    # every fourth as they arrived; two that were sent together may arrive the other way round
    assert 3 <= sum(trace.failure is not None for trace in it.measured) <= 5


def test_a_port_where_nobody_listens_refuses_and_the_point_ends(process, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    driven = process.drive(a_plan(port, tmp_path / "raw"), on_tick=carry_on)
    it = Drove(driven, traces_of(tmp_path / "raw"), {})

    assert driven.stopped_by == "errors"
    assert it.failures == {"connection-refused"}
    assert all(trace.sent_s is None and trace.status is None for trace in it.traces)


def test_a_stall_shows_as_the_longest_gap_of_exactly_the_answers_that_stalled(drove):
    script = {**QUICK, "tokens": 8, "stall_every": 10, "stall_s": 1.0, "stall_at_token": 4}

    it = drove(script, load=Load(kind="closed", concurrency=2, warmup_s=0.0, requests=21))

    order = sorted(it.sent.values(), key=lambda sent: sent.received_s)
    stalled = {sent.request for sent in order[9::10]}
    long = {f"3-{trace.request}" for trace in it.traces if (longest_gap_s(trace) or 0) >= 0.95}
    assert len(stalled & {f"3-{trace.request}" for trace in it.measured}) == 2
    assert long == stalled & {f"3-{trace.request}" for trace in it.traces if trace.result == "ok"}


# ends


def test_a_reason_given_at_a_tick_ends_the_point_with_it_and_the_process_drives_on(process, tmp_path):
    with start_truth_server(Script(**SLOW), log_path=tmp_path / "truth") as server:
        plan = a_plan(server.port, tmp_path / "raw", load=Load(kind="closed", concurrency=2, duration_s=60.0))
        driven = process.drive(plan, on_tick=lambda _: "engine-died")
        left = server.sent()
        again = process.drive(
            a_plan(server.port, tmp_path / "again", load=Load(kind="closed", concurrency=1, requests=1, warmup_s=0.0),
                   lengths=Lengths(input_tokens=8, output_tokens=1, output_jitter=0.0)),
            on_tick=carry_on,
        )  # fmt: skip

    assert driven.stopped_by == "engine-died"
    assert driven.steady_from_s is None
    assert [trace.result for trace in traces_of(tmp_path / "raw")] == ["cancelled", "cancelled"]
    assert [sent.outcome for sent in left] == ["client-left", "client-left"]
    assert again.stopped_by == "plan"


def interrupt(_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_cancels_what_is_under_way_and_keeps_it(own_process, tmp_path):
    load = Load(kind="closed", concurrency=3, warmup_s=0.0, duration_s=60.0)
    with start_truth_server(Script(**SLOW), log_path=tmp_path / "truth") as server:
        with pytest.raises(KeyboardInterrupt):
            own_process.drive(a_plan(server.port, tmp_path / "raw", load=load), on_tick=interrupt)
        driven = own_process.interrupt()
        sent = server.sent()

    assert driven.stopped_by == "interrupted"
    assert driven.steady_to_s is None
    assert [trace.result for trace in traces_of(tmp_path / "raw")] == ["unfinished"] * 3
    assert [one.outcome for one in sent] == ["client-left"] * 3


def test_the_load_process_leaves_when_its_input_ends_in_the_middle_of_a_point(own_process, tmp_path):
    with start_truth_server(Script(**SLOW), log_path=tmp_path / "truth") as server:
        with pytest.raises(KeyboardInterrupt):
            own_process.drive(a_plan(server.port, tmp_path / "raw"), on_tick=interrupt)
        own_process.close()

    assert own_process._process.returncode == 0  # it left by itself
    assert len(traces_of(tmp_path / "raw")) == 4


def real_time_is_allowed() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except (AttributeError, OSError):
        return False
    return True


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be kept to cores here")
@pytest.mark.parametrize("own_core", [True, False])
def test_the_load_process_goes_first_on_a_core_of_its_own_and_only_while_it_drives(quick_port, tmp_path, own_core):
    cpu = max(os.sched_getaffinity(0)) if own_core else None
    load, seen = Load(kind="closed", concurrency=2, duration_s=60.0), []

    def look(_: object) -> str:
        seen.append(os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK)
        return "seen"

    with LoadProcess(log_path=tmp_path / "log", cpu=cpu) as process:
        driven = process.drive(a_plan(quick_port, tmp_path / "raw", load=load), on_tick=look)
        afterwards = os.sched_getscheduler(process.pid)

    first = own_core and real_time_is_allowed()
    assert driven.stopped_by == "seen"
    assert seen == [os.SCHED_FIFO if first else os.SCHED_OTHER]
    assert afterwards == os.SCHED_OTHER


def test_a_killed_load_process_is_noticed_at_once_and_said(own_process, tmp_path):
    begin = monotonic()
    with start_truth_server(Script(**SLOW), log_path=tmp_path / "truth") as server:
        with pytest.raises(LoadProcessDied) as caught:
            own_process.drive(
                a_plan(server.port, tmp_path / "raw"), on_tick=lambda _: os.kill(own_process.pid, signal.SIGKILL)
            )
        assert own_process.interrupt() is None

    assert "exit code -9" in caught.value.why
    assert monotonic() - begin < PATIENCE_S


def test_a_torn_last_line_of_a_killed_load_process_does_not_hide_its_death(tmp_path):
    """A kill may come in the middle of a long event; without care the reader would die of it and nobody be told."""
    read = LoadProcess.__new__(LoadProcess)
    read._process = SimpleNamespace(stdout=['{"event":"tick"}\n', '{"event":"do'])
    read._events = SimpleNamespace(put=(got := []).append)

    read._read()

    assert got == [{"event": "tick"}, None]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("duration_s", [0.2, 60.0])
def test_a_full_disk_ends_the_point_by_its_name_and_the_process_drives_on(process, quick_port, tmp_path, duration_s):
    """With a short point, the disk is found full only when the last of it is written."""
    load = Load(kind="closed", concurrency=4, duration_s=duration_s)
    driven = process.drive(a_plan(quick_port, Path("/dev/full"), load=load), on_tick=carry_on)
    again = process.drive(a_plan(quick_port, tmp_path / "raw"), on_tick=carry_on)

    assert driven.stopped_by == "storage"
    assert "No space left" in driven.storage_error
    assert (again.stopped_by, again.storage_error) == ("plan", None)
    assert traces_of(tmp_path / "raw")


def test_a_raw_file_that_cannot_be_opened_is_said_and_the_process_drives_on(process, quick_port, tmp_path):
    with pytest.raises(LoadProcessDied, match="No such file"):
        process.drive(a_plan(quick_port, tmp_path / "no" / "raw"), on_tick=carry_on)
    again = process.drive(a_plan(quick_port, tmp_path / "raw"), on_tick=carry_on)

    assert again.stopped_by == "plan"


# the raw file


def a_call(number: int, *, body: bytes, reads: int) -> SimpleNamespace:
    return SimpleNamespace(
        request=Request(number=number, payload=b"", asked_input_tokens=8, asked_output_tokens=4, prompt_sha256="ab"),
        scheduled=10.0 + number,
        sent=10.1 + number,
        connect=None,
        headers=None,
        ended=11.0 + number,
        status=200,
        content_type='text/event-stream; charset="é"',
        result="ok",
        failure=None,
        detail=None,
        cancelled_by=None,
        read_at=array("d", [10.5 + number + i / 100 for i in range(reads)]),
        read_bytes=array("q", [len(body) // reads] * (reads - 1) + [len(body) - len(body) // reads * (reads - 1)])
        if reads
        else array("q"),
        body=[body],
        body_bytes=len(body),
    )


BODIES = ((b"data: one\n\n", 2), (b"", 0), (b'\n{"request": 9}\n' * 3, 3), ("漢\n".encode() * 20, 1))


@pytest.fixture(scope="module")
def raw_file(tmp_path_factory) -> tuple[bytes, list[int], Path]:
    """Four requests, where each ends in the file, and a path to write to."""
    folder, ends = tmp_path_factory.mktemp("raw"), []
    with (folder / "whole").open("wb") as file:
        for number, (body, reads) in enumerate(BODIES):
            write_raw(file, a_call(number, body=body, reads=reads), point=2, clock_zero_s=10.0)
            ends.append(file.tell())
    return (folder / "whole").read_bytes(), ends, folder / "torn"


def test_a_raw_file_gives_back_what_was_written(raw_file):
    whole, _, path = raw_file
    path.write_bytes(whole)

    requests = list(read_raw(path))

    assert [body for _, body in requests] == [body for body, _ in BODIES]
    first = requests[0][0]
    assert (first.request, first.point, first.scheduled_s, first.sent_s, first.headers_s) == (0, 2, 0.0, 0.1, None)
    assert (first.read_s, first.read_bytes) == ((0.5, 0.51), (5, 6))
    assert first.content_type == 'text/event-stream; charset="é"'


@given(data=st.data())
def test_a_raw_file_torn_at_any_byte_gives_only_whole_requests(raw_file, data):
    whole, ends, path = raw_file
    cut = data.draw(
        st.integers(0, len(whole)) | st.sampled_from([end + shift for end in ends[:-1] for shift in (-1, 0, 1)])
    )
    path.write_bytes(whole[:cut])

    bodies = [body for _, body in read_raw(path)]

    assert bodies == [body for (body, _), end in zip(BODIES, ends, strict=True) if end <= cut]
