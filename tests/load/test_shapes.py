"""Shapes of load over real sockets: how many are in flight when, and that a spike comes at once."""

from itertools import accumulate

import pytest

from inference_arena.load.arrivals import share_of
from inference_arena.load.schedule import arrivals
from inference_arena.plan import Lengths, Load, Patience, Replay

STEADY = {"tokens": 8, "ttft_s": 0.02, "token_interval_s": 0.005}


def most_open_between(traces, begin, end) -> int:
    steps = sorted([(t.scheduled_s, 1) for t in traces] + [(t.ended_s, -1) for t in traces])
    running = list(zip((at for at, _ in steps), accumulate(step for _, step in steps), strict=True))
    return max((open_ for at, open_ in running if begin <= at < end), default=0)


def test_steps_go_up_and_down_and_never_beyond_their_level(play):
    load = Load(kind="closed", concurrency=4, shape="steps", levels=(1, 4, 2), duration_s=1.5)
    it = play(STEADY, load=load)
    begin = it.driven.steady_from_s

    for step, level in enumerate(load.levels):
        # a stream that has to leave first ends its answer, 55 ms at most
        from_s, to_s = begin + step * 0.5 + 0.15, begin + (step + 1) * 0.5
        assert most_open_between(it.traces, from_s, to_s) == level


def test_a_ramp_begins_with_one_stream_and_ends_with_all(play):
    load = Load(kind="closed", concurrency=4, shape="ramp", duration_s=1.2)
    it = play(STEADY, load=load)
    begin = it.driven.steady_from_s

    assert most_open_between(it.traces, begin, begin + 0.25) == 1
    assert most_open_between(it.traces, begin + 0.3, begin + 0.55) == 2
    assert most_open_between(it.traces, begin + 0.95, begin + 1.2) == 4
    assert it.driven.stopped_by == "plan"


def test_a_spike_is_sent_at_one_moment_in_the_middle_on_top_of_the_base(play):
    load = Load(kind="open", rate_per_s=20.0, arrivals="spike", together=15, warmup_s=0.2, duration_s=1.0)
    it = play(STEADY, load=load)
    begin = it.driven.steady_from_s

    at_once = [t for t in it.measured if abs(t.scheduled_s - (begin + 0.5)) < 1e-3]
    assert len(at_once) == 15
    assert len(it.measured) > 15
    assert all(trace.result == "ok" for trace in at_once)


def test_a_trace_is_replayed_at_its_times_and_with_its_lengths(play, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("at_s,input_tokens,output_tokens\n5.0,40,3\n5.4,80,5\n6.0,60,4\n", encoding="utf-8")
    load = Load(
        kind="open",
        rate_per_s=6.0,
        arrivals="trace",
        warmup_s=0.0,
        duration_s=0.5 + 1e-3,
        replay=Replay(sha256="ab", requests=3, speed=2.0),
    )
    it = play({**STEADY, "tokens": 100}, load=load, trace_path=str(path))
    start = it.driven.started_s

    assert [round(t.scheduled_s - start, 2) for t in it.traces] == [0.0, 0.2, 0.5]
    assert [t.asked_input_tokens for t in it.traces] == [40, 80, 60]
    assert [t.output_tokens for t in it.traces] == [3, 5, 4]


@pytest.mark.parametrize("kind", ["poisson", "constant", "bursts", "spike"])
def test_several_load_processes_send_together_exactly_what_one_sends(plan_to, kind):
    load = Load(kind="open", rate_per_s=30.0, arrivals=kind, together=7, warmup_s=1.0, duration_s=10.0)
    whole = arrivals(plan_to(load=load))
    parts = [share_of(whole, process=process, processes=3) for process in range(3)]

    assert sorted(at for part in parts for at in part) == list(whole)


def test_a_server_that_is_hopelessly_behind_ends_the_point_early_and_by_name(play):
    """One slot, 0.5 s each, 40 a second: after ten seconds the line would take minutes to empty."""
    load = Load(kind="open", rate_per_s=40.0, arrivals="constant", warmup_s=0.0, duration_s=60.0)
    script = {"tokens": 2, "ttft_s": 0.5, "token_interval_s": 0.0, "slots": 1}
    it = play(script, load=load, lengths=Lengths(input_tokens=8, output_tokens=2, output_jitter=0.0))

    assert it.driven.stopped_by == "saturated"
    assert it.driven.ended_s - it.driven.started_s < 30.0
    assert {trace.result for trace in it.traces} == {"ok", "unfinished"}


def test_a_number_of_failures_ends_the_point(play):
    load = Load(kind="closed", concurrency=2, duration_s=20.0, warmup_s=0.0, most_failures=3)
    it = play({**STEADY, "fail_every": 2, "fail_kind": "status"}, load=load)

    assert it.driven.stopped_by == "errors"
    assert 3 <= sum(trace.result == "failed" for trace in it.traces) <= 4


# people who leave


def test_who_has_no_first_word_in_time_leaves_and_the_server_sees_the_connection_close(play):
    it = play(
        {"tokens": 8, "ttft_s": 3.0, "token_interval_s": 0.01},
        load=Load(kind="closed", concurrency=2, warmup_s=0.0, requests=2),
        patience=Patience(first_token_s=0.3),
    )
    left = [trace for trace in it.measured if trace.result == "cancelled"]

    assert len(left) == len(it.measured) == 2
    assert {trace.cancelled_by for trace in left} == {"no-first-token"}
    assert all(trace.failure is None for trace in left)
    assert all(0.3 <= trace.ended_s - trace.scheduled_s < 3.0 for trace in left)
    assert {it.truth(trace).outcome for trace in left} == {"client-left"}


def test_who_meets_a_freeze_leaves_and_others_stay(play):
    it = play(
        {"tokens": 12, "ttft_s": 0.02, "token_interval_s": 0.01, "stall_every": 3, "stall_s": 5.0, "stall_at_token": 4},
        load=Load(kind="closed", concurrency=1, warmup_s=0.0, requests=6),
        lengths=Lengths(input_tokens=8, output_tokens=12, output_jitter=0.0),
        patience=Patience(freeze_s=0.4),
    )
    left = [trace for trace in it.measured if trace.result == "cancelled"]

    assert [trace.result for trace in sorted(it.measured, key=lambda t: t.request)].count("ok") == 4
    assert {trace.cancelled_by for trace in left} == {"freeze"}
    assert all(sum(trace.read_tokens) == 4 for trace in left)


def test_leaving_by_chance_hangs_on_the_seed_and_happens_inside_the_answer(play):
    asked = {
        "load": Load(kind="closed", concurrency=4, warmup_s=0.0, requests=40),
        "lengths": Lengths(input_tokens=8, output_tokens=20, output_jitter=0.0),
        "patience": Patience(leave_share=0.5),
        "expected_requests": 60,
    }
    script = {"tokens": 20, "ttft_s": 0.01, "token_interval_s": 0.02}
    one, same = (
        {t.request for t in play(script, **asked).traces if t.cancelled_by == "by-chance" and t.request < 30}
        for _ in range(2)
    )

    assert one == same
    assert 5 <= len(one) <= 25
