"""Rates over a window: what counts at its edges, and what reaches over them."""

import pytest

from inference_arena.metrics.throughput import (
    concurrency_mean,
    input_tokens_per_s,
    output_tokens_per_s,
    requests_per_s,
    tokens_per_chunk,
)

WINDOW = (10.0, 20.0)
EMPTY = (10.0, 10.0)


def test_tokens_count_where_they_came_whenever_their_request_began_or_ended(trace):
    before = trace(read_s=(9.0, 11.0), read_tokens=(3, 4), sent_s=8.0, ended_s=11.0)
    after = trace(read_s=(19.0, 21.0), read_tokens=(5, 6), sent_s=18.0, ended_s=21.0)
    around = trace(read_s=(9.0, 15.0, 25.0), read_tokens=(1, 11, 1), sent_s=8.0, ended_s=25.0)

    assert output_tokens_per_s([before, after, around], WINDOW).value == pytest.approx(2.0)


def test_the_windows_begin_belongs_to_it_and_its_end_does_not(trace):
    it = trace(read_s=(10.0, 20.0), read_tokens=(30, 500))

    assert output_tokens_per_s([it], WINDOW).value == pytest.approx(3.0)


def test_tokens_of_failed_and_cut_requests_came_too(trace):
    broken = [
        trace(result=result, read_s=(12.0,), read_tokens=(10,)) for result in ("failed", "cancelled", "unfinished")
    ]

    assert output_tokens_per_s(broken, WINDOW).value == pytest.approx(3.0)


def test_a_steady_stream_has_a_narrow_interval_from_ten_blocks(trace):
    it = trace(read_s=tuple(10.0 + 0.1 * i + 0.05 for i in range(100)), read_tokens=(2,) * 100)

    speed = output_tokens_per_s([it], WINDOW)

    assert (speed.value, speed.low, speed.high) == pytest.approx((20.0, 20.0, 20.0))
    assert (speed.n, speed.method) == (10, "ten-blocks")


def test_the_last_moment_of_the_window_falls_into_the_last_block(trace):
    almost = 19.999999999999996

    assert output_tokens_per_s([trace(read_s=(almost,), read_tokens=(10,))], WINDOW).value == pytest.approx(1.0)


def test_an_empty_window_has_no_rate_and_a_silent_one_a_rate_of_nothing(trace):
    for measure in (output_tokens_per_s, input_tokens_per_s, requests_per_s, concurrency_mean):
        assert measure([trace()], EMPTY) is None
    assert output_tokens_per_s([], WINDOW).value == 0.0
    assert requests_per_s([], WINDOW) == 0.0


def test_prompt_tokens_are_credited_when_the_first_token_comes(trace):
    inside = trace(read_s=(10.0, 30.0), read_tokens=(1, 1), input_tokens=100)
    outside = trace(read_s=(9.9, 15.0), read_tokens=(1, 1), input_tokens=1000)

    assert input_tokens_per_s([inside, outside], WINDOW) == pytest.approx(10.0)


def test_prompt_tokens_that_the_server_did_not_tell_make_the_rate_unknown(trace):
    told, untold = trace(read_s=(11.0,), read_tokens=(1,)), trace(read_s=(12.0,), read_tokens=(1,), input_tokens=None)

    assert input_tokens_per_s([told, untold], WINDOW) is None
    assert input_tokens_per_s([], WINDOW) is None


def test_requests_count_where_they_ended_and_only_good_ones(trace):
    ends = [trace(ended_s=at_s) for at_s in (9.9, 10.0, 15.0, 20.0)]
    bad = trace(ended_s=15.0, result="failed")

    assert requests_per_s([*ends, bad, trace(ended_s=None, result="unfinished")], WINDOW) == pytest.approx(0.2)


def test_concurrency_is_the_time_that_requests_spent_inside_the_window(trace):
    spans = [(0.0, 30.0), (10.0, 15.0), (18.0, 25.0), (0.0, 10.0), (20.0, 30.0)]
    traces = [trace(sent_s=begin, ended_s=end) for begin, end in spans]

    assert concurrency_mean(traces, WINDOW) == pytest.approx((10 + 5 + 2) / 10)
    assert concurrency_mean([trace(sent_s=None), trace(ended_s=None)], WINDOW) == 0.0


def test_tokens_a_chunk_is_over_all_reads(trace):
    assert tokens_per_chunk([trace(read_tokens=(1, 3)), trace(read_tokens=(4,))]) == pytest.approx(8 / 3)
    assert tokens_per_chunk([]) is None
