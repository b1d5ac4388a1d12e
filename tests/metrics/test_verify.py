"""Comparing a record's summary with one made again: it finds the number that was changed and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import metrics
from inference_arena.metrics.verify import TOLERANCE
from inference_arena.record import Summary


@pytest.fixture
def summary(trace, point, trial) -> Summary:
    traces = [trace(i, at_s=1.0 + 0.2 * i, result="failed" if i == 3 else "ok") for i in range(20)]
    return metrics.summarise(trial=trial(), points=[point()], traces=traces, samples=(), cpu_cores=2)


def changed(value: Any, path: list[str | int], new: object) -> Any:
    """A copy with the leaf at this path replaced."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def leaves(value: Any, path: tuple = ()) -> list[tuple]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, item in items for leaf in leaves(item, (*path, key))]
    return [(path, value)]


def field(path: tuple) -> str:
    return "summary" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


class Dumped:
    """Stands for a summary where only its plain data is looked at."""

    def __init__(self, data: dict) -> None:
        self._data = data

    def model_dump(self, *, mode: str) -> dict:
        return self._data


def test_a_true_summary_differs_in_nothing(summary):
    assert metrics.differences(summary, summary.model_copy(deep=True)) == ()


def test_each_changed_number_is_found_by_its_path_and_nothing_else_is(summary):
    data = summary.model_dump(mode="json")
    numbers = [(p, v) for p, v in leaves(data) if isinstance(v, int | float) and not isinstance(v, bool)]
    assert len(numbers) > 60

    for path, value in numbers:
        tampered = changed(data, list(path), value * 1.01 + 1)
        found = metrics.differences(Dumped(tampered), summary)

        assert [one.field for one in found] == [field(path)]
        assert found[0].recomputed == str(value)


def test_a_changed_word_an_unknown_that_became_known_and_the_reverse_are_found(summary):
    data = summary.model_dump(mode="json")
    for path, new in (
        (("points", 0, "load", "kind"), "open"),
        (("points", 0, "cached_input_share"), 0.0),
        (("points", 0, "ttft_s", "p90"), None),
        (("points", 0, "slo", "met"), None),
    ):
        assert [one.field for one in metrics.differences(Dumped(changed(data, list(path), new)), summary)] == [
            field(path)
        ]


def test_a_point_too_few_is_found(summary):
    (found,) = metrics.differences(summary.model_copy(update={"points": ()}), summary)

    assert found.field == "summary.points"


def test_rounding_in_the_last_place_is_no_difference(summary):
    data = summary.model_dump(mode="json")
    value = data["points"][0]["ttft_s"]["mean"]

    assert (
        metrics.differences(Dumped(changed(data, ["points", 0, "ttft_s", "mean"], value * (1 + 1e-12))), summary) == ()
    )


@given(st.floats(-1e6, 1e6), st.floats(1e-7, 1.0))
def test_what_is_over_rounding_is_a_difference(value, share):
    other = value + max(abs(value), 1.0) * share * (1 + TOLERANCE)

    (found,) = metrics.differences(Dumped({"x": value}), Dumped({"x": other}))

    assert found.field == "summary.x"


def test_numbers_are_counted_and_truths_and_words_are_none(summary):
    data = {"a": [1, 2.5, None, True, "3"], "b": {"c": 4}}

    assert metrics.count_numbers(Dumped(data)) == 3
    assert metrics.count_numbers(summary) > 60


def test_numbers_that_an_older_release_did_not_know_are_no_difference_but_wrong_ones_are(summary):
    document = summary.model_dump(mode="json")
    for name in ("devices", "energy", "stalls"):
        del document["points"][0][name]
    older = Summary.model_validate_json(json.dumps(document))
    document["points"][0]["sent"] += 1
    false = Summary.model_validate_json(json.dumps(document))

    assert older.points[0].energy is None
    assert summary.points[0].energy is not None
    assert metrics.differences(older, summary) == ()
    assert [difference.field for difference in metrics.differences(false, summary)] == ["summary.points[0].sent"]
