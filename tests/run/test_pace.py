"""Guesses at how long a run takes."""

import pytest

from inference_arena.plan import Lengths, Load
from inference_arena.run.pace import SHORTEST_LIMIT_S, _point_guess_s, expected_s, stretch


def opened(rate_per_s: float, **changes: object) -> Load:
    return Load.model_validate(
        {"kind": "open", "rate_per_s": rate_per_s, "warmup_s": 5.0, "duration_s": 5.0, **changes}
    )


def test_an_open_load_that_is_answered_in_time_ends_with_its_last_answer():
    assert expected_s(opened(0.5), 1.0) == pytest.approx(11.0)


def test_what_piles_up_in_an_open_load_is_waited_for():
    one, two = expected_s(opened(2.0), 2.0), expected_s(opened(4.0), 2.0)
    assert 10.0 + 2.0 < one < two


def test_no_load_is_waited_for_longer_than_a_run_waits():
    assert expected_s(opened(1000.0), 2.0) == 10.0 + SHORTEST_LIMIT_S


def test_the_first_guess_has_room_for_what_piles_up_in_an_open_load():
    assert _point_guess_s(opened(2.0)) == 25.0
    assert _point_guess_s(Load(kind="closed", concurrency=2, duration_s=6.0)) == 9.0


def test_the_first_guess_of_an_open_load_counts_the_time_its_requests_take_to_come():
    assert _point_guess_s(opened(0.5, duration_s=None, requests=50)) > 100.0


def test_waits_stretch_where_the_longest_request_is_much_longer_than_the_usual_one():
    usual = Lengths(input_tokens=100, output_tokens=100, output_jitter=0.25)

    assert stretch(usual) == 1.0
    assert stretch(usual.model_copy(update={"most_tokens": 1000})) == 5.0
    assert stretch(usual.model_copy(update={"most_tokens": 10**6})) == 20.0
