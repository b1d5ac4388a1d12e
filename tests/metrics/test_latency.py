"""Latencies of one request from readings chosen by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.metrics.latency import (
    chunk_gaps_s,
    e2e_s,
    itl_s,
    longest_gap_s,
    schedule_lag_s,
    scheduled_e2e_s,
    scheduled_ttft_s,
    tpot_s,
    ttft_s,
)
from inference_arena.record import RequestTrace


@pytest.fixture
def late(trace) -> RequestTrace:
    """Wanted at 10, sent at 10.5, tokens at 11, 11.2 (two) and 12."""
    return trace(scheduled_s=10.0, sent_s=10.5, read_s=(11.0, 11.2, 12.0), read_tokens=(1, 2, 1), ended_s=12.3)


def test_latencies_count_from_the_first_byte_sent_or_from_the_schedule(late):
    assert ttft_s(late) == pytest.approx(0.5)
    assert scheduled_ttft_s(late) == pytest.approx(1.0)
    assert e2e_s(late) == pytest.approx(1.5)
    assert scheduled_e2e_s(late) == pytest.approx(2.0)
    assert schedule_lag_s(late) == pytest.approx(0.5)


def test_gaps_lie_between_reads_and_the_longest_is_the_freeze(late):
    assert chunk_gaps_s(late) == pytest.approx((0.2, 0.8))
    assert longest_gap_s(late) == pytest.approx(0.8)


def test_a_gap_is_shared_by_the_tokens_of_the_chunk_that_ended_it(late):
    assert list(itl_s(late)) == pytest.approx([0.1, 0.8])


@pytest.mark.parametrize("chunks", [2, 3, 16])
def test_four_tokens_a_chunk_of_a_server_at_ten_milliseconds_read_ten_milliseconds(trace, chunks):
    """Dividing by n - 1 would read (chunks - 1) * 40 / (4 * chunks - 1) milliseconds, 9.5 with 16 chunks."""
    reads = tuple(1.0 + 0.04 * i for i in range(chunks))

    assert tpot_s(trace(read_s=reads, read_tokens=(4,) * chunks)) == pytest.approx(0.010, rel=1e-12)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=30), st.floats(0.001, 0.5))
def test_whatever_the_chunks_a_steady_pace_is_read_as_that_pace(sizes, pace_s):
    """A token is due every `pace_s`; a chunk comes when its last token is there."""
    done, reads = 0, []
    for size in sizes:
        done += size
        reads.append(done * pace_s)
    trace = RequestTrace(
        request=0, point=0, scheduled_s=0.0, sent_s=0.0, result="ok", asked_input_tokens=1, asked_output_tokens=1,
        prompt_sha256="", read_s=tuple(reads), read_tokens=tuple(sizes),
    )  # fmt: skip

    assert tpot_s(trace) == pytest.approx(pace_s)
    assert list(itl_s(trace)) == pytest.approx([pace_s] * (len(sizes) - 1))


def test_an_answer_in_one_read_has_no_tpot_and_no_gap(trace):
    one = trace(read_s=(1.0,), read_tokens=(5,))

    assert (tpot_s(one), longest_gap_s(one), list(itl_s(one)), chunk_gaps_s(one)) == (None, None, [], ())
    assert ttft_s(one) == 1.0


def test_an_answer_without_a_token_has_no_latency_at_all(trace):
    none = trace(read_s=(), read_tokens=())

    for measure in (ttft_s, scheduled_ttft_s, tpot_s, longest_gap_s, e2e_s, scheduled_e2e_s):
        assert measure(none) is None


def test_a_request_that_was_never_sent_has_no_lag(trace):
    never = trace(sent_s=None, read_s=(), read_tokens=())

    assert schedule_lag_s(never) is None
    assert ttft_s(trace(sent_s=None)) is None
    assert e2e_s(trace(sent_s=None)) is None
