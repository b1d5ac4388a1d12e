"""Encoding and decoding is identity for every record and trace that can be."""

from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_arena.facts import Fact
from inference_arena.plan import Interval
from inference_arena.record import SAMPLE, Record, RequestTrace, Sample
from inference_arena.store import iter_samples, iter_traces, parse_record, record_json, write_jsonl_gz

PLAIN = {
    str: st.text(max_size=6),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    date: st.dates(),
    NoneType: st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """All values of a field's type, with short lists."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return values(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of([values(argument) for argument in reversed(arguments)])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    assert issubclass(kind, Fact)
    if kind is Interval:
        return intervals()
    return st.builds(kind, **{name: values(field.annotation) for name, field in kind.model_fields.items()})


def intervals() -> st.SearchStrategy[Interval]:
    """Their three numbers are in order."""
    numbers = st.lists(PLAIN[float], min_size=3, max_size=3).map(sorted)
    return st.builds(
        lambda three, basis, source: Interval(low=three[0], point=three[1], high=three[2], basis=basis, source=source),
        numbers, st.sampled_from(("measured", "calibrated", "formula")), PLAIN[str],
    )  # fmt: skip


RELAXED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@RELAXED
@given(record=values(Record))
def test_a_record_comes_back_as_it_went(record):
    data = record_json(record)

    again = parse_record(data, name="it")
    assert again == record
    assert record_json(again) == data


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@RELAXED
@given(traces=st.lists(values(RequestTrace), max_size=3))
def test_traces_come_back_as_they_went(folder, traces):
    written = write_jsonl_gz(folder / "requests.jsonl.gz", traces)

    assert list(iter_traces(folder)) == traces
    assert written.lines == len(traces)


@RELAXED
@given(samples=st.lists(values(Sample), max_size=3))
def test_samples_come_back_as_they_went(folder, samples):
    write_jsonl_gz(folder / "samples.jsonl.gz", samples)

    assert list(iter_samples(folder)) == samples
    assert [SAMPLE.validate_json(sample.model_dump_json()) for sample in samples] == samples
