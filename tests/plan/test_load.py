"""Loads: what was said before has the id that it had, and how many streams a shape wants at a moment."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.facts import Slo
from inference_arena.plan import Lengths, Load, Patience, Replay, Settings, Trial, next_wanted, sections, streams_wanted


def a_trial(**fields) -> Trial:
    given = {
        "engine": "llamacpp",
        "model": "m",
        "endpoint": "chat",
        "settings": Settings(context_tokens=1024, parallel=2),
        "workload": "chat",
        "lengths": Lengths(input_tokens=256, output_tokens=128, output_jitter=0.25),
        "loads": (Load(kind="closed", concurrency=2, duration_s=10.0),),
        "repeats": 1,
        "seed": 0,
        "slo": Slo(name="chat", title="", ttft_s=2.0, judged_at=0.9, source="", checked=date(2026, 11, 23)),
    }
    return Trial(**{**given, **fields})


def test_a_trial_that_could_be_asked_for_before_shapes_came_keeps_its_id():
    assert a_trial().id == "50a966d1b1f4d546"


@pytest.mark.parametrize(
    "fields",
    [
        {"patience": Patience(first_token_s=5.0)},
        {"cache": "cold"},
        {"loads": (Load(kind="closed", concurrency=2, duration_s=10.0, shape="ramp"),)},
        {"lengths": Lengths(input_tokens=256, output_tokens=128, output_jitter=0.25, most_tokens=9000)},
    ],
)
def test_whatever_else_is_asked_for_makes_another_trial(fields):
    assert a_trial(**fields).id != a_trial().id


def test_each_shape_has_a_label_that_tells_it_from_the_others():
    replay = Replay(sha256="ab", requests=9, speed=2.0)
    loads = (
        Load(kind="closed", concurrency=8),
        Load(kind="closed", concurrency=8, shape="ramp"),
        Load(kind="closed", concurrency=8, shape="steps", levels=(2, 8)),
        Load(kind="open", rate_per_s=2.0, arrivals="poisson"),
        Load(kind="open", rate_per_s=2.0, arrivals="bursts", together=5),
        Load(kind="open", rate_per_s=2.0, arrivals="spike", together=20),
        Load(kind="open", rate_per_s=2.0, arrivals="trace", replay=replay),
    )

    assert [load.label for load in loads] == ["8", "1 to 8", "2-8", "2/s", "2/s by 5", "2/s + 20", "trace 2/s"]


@given(streams=st.integers(1, 200), share=st.floats(-2, 2))
def test_a_ramp_wants_at_least_one_stream_and_never_more_than_all(streams, share):
    load = Load(kind="closed", concurrency=streams, shape="ramp", duration_s=10.0)

    assert 1 <= streams_wanted(load, share) <= streams
    assert streams_wanted(load, 1.0) == streams


@given(levels=st.lists(st.integers(1, 20), min_size=1, max_size=6), share=st.floats(0, 1), stream=st.integers(0, 19))
def test_a_stream_that_is_not_wanted_learns_when_it_will_be(levels, share, stream):
    load = Load(kind="closed", concurrency=max(levels), shape="steps", levels=tuple(levels), duration_s=10.0)
    join = next_wanted(load, stream=stream, after=share)

    if join is None:
        later = [level for step, level in enumerate(levels) if step / len(levels) > share]
        assert all(level <= stream for level in later)
    else:
        assert join > share
        assert streams_wanted(load, join + 1e-9) > stream


def test_the_parts_of_a_load_cover_it_without_gaps():
    for shape, levels in (("ramp", None), ("steps", (1, 4, 2))):
        load = Load(kind="closed", concurrency=4, shape=shape, levels=levels, duration_s=10.0)
        parts = list(sections(load))

        assert parts[0][1] == 0.0
        assert parts[-1][2] == 1.0
        assert all(before[2] == after[1] for before, after in pairwise(parts))
    assert list(sections(Load(kind="closed", concurrency=4))) == []
