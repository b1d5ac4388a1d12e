"""What differs between two sides, how heavily it weighs, and what is named as the thing compared."""

import pytest

from inference_arena import facts
from inference_arena.compare import compare
from inference_arena.facts import Device
from inference_arena.plan import Data, Patience, Sessions
from inference_arena.record import Doubt

A, B = [50.0, 50.5, 49.5], [56.0, 56.5, 55.5]
CARD = Device(index=0, vendor="nvidia", name="A card", driver_version="560.1", power_limit_w=350.0)


@pytest.fixture
def pair(sides):
    def made(*, a=None, b=None, settings_differ=True):
        other = sides.other_settings() if settings_differ else {}
        one = sides.side("A", A, **(a or {}))
        return compare([one, sides.side("B", B, **{**other, **(b or {})})]).pairs[0]

    return made


def weights(pair):
    return {each.field: each.weight for each in pair.unlike}


def model(builders, **fields):
    return builders.a_record().model.model_copy(update=fields)


def engine(builders, **fields):
    return builders.ENGINE.model_copy(update=fields)


def trial(builders, **fields):
    return builders.TRIAL.model_copy(update=fields)


def host(builders, **fields):
    return builders.HOST.model_copy(update=fields)


def test_one_intended_difference_is_named_first_and_is_fine(pair):
    both = pair()
    assert weights(both) == {"settings": "fine"}
    assert both.compared == "Compared: settings (parallel by the engine against parallel 8)."


def test_each_thing_that_people_compare_is_recognised(pair, builders):
    cases = {
        "engine": {"engine": engine(builders, name="vllm")},
        "release": {"engine": engine(builders, version="b2")},
        "machine": {"host": host(builders, cpu_model="Another CPU")},
        "model": {"model": model(builders, quantization="q8_0")},
    }
    for field, fields in cases.items():
        both = pair(b=fields, settings_differ=False)
        assert both.compared.startswith(f"Compared: {field} ("), field
        assert both.unlike[0].field == field
        assert both.unlike[0].weight == "fine"


def test_two_files_of_the_same_name_are_told_apart(pair, builders):
    both = pair(
        a={"model": model(builders, file_sha256="aa" * 32)},
        b={"model": model(builders, file_sha256="bb" * 32)},
        settings_differ=False,
    )
    assert (
        both.compared == "Compared: model (Small Model q4_1 (file aaaaaaaa) against Small Model q4_1 (file bbbbbbbb))."
    )


def test_several_differences_ask_for_care_and_belong_together(pair, builders):
    both = pair(b={"engine": engine(builders, name="vllm")})
    assert weights(both) == {"engine": "careful", "settings": "careful"}
    assert both.compared.endswith("a difference belongs to all of these together.")
    assert both.done


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("endpoint", {"endpoint": "completions"}),
        ("lengths", {"lengths": "longer"}),
        ("workload", {"workload": "chat"}),
    ],
)
def test_other_work_forbids_and_the_numbers_stand_side_by_side_without_a_claim(pair, builders, field, change):
    if "lengths" in change:
        change = {"lengths": builders.TRIAL.lengths.model_copy(update={"output_tokens": 64})}
    both = pair(b={"trial": trial(builders, **change)}, settings_differ=False)
    assert weights(both)[field] == "forbids"
    assert (both.allowed, both.done) == (False, False)
    assert {each.verdict for each in both.differences} == {"forbidden"}
    assert {(each.low, each.p) for each in both.differences} == {(None, None)}
    assert both.said[0].startswith("A and B cannot be compared.")


def test_made_up_weights_are_never_compared_with_real_ones(pair, builders):
    both = pair(b={"model": model(builders, weights="dummy")})
    assert weights(both)["weights"] == "forbids"
    assert not both.allowed


def test_made_up_weights_say_nothing_of_engines_but_something_of_settings(pair, builders):
    dummy = {"model": model(builders, weights="dummy")}
    engines = pair(a=dummy, b={**dummy, "engine": engine(builders, name="vllm")}, settings_differ=False)
    assert not engines.allowed
    assert not any("more tokens" in said for said in engines.said)
    assert pair(a=dummy, b=dummy).allowed


def test_weights_that_one_side_does_not_know_ask_for_care(pair, builders):
    assert weights(pair(b={"model": model(builders, weights="unknown")}))["weights"] == "careful"


def test_a_self_test_is_not_compared_with_a_measurement(pair):
    assert weights(pair(b={"purpose": "self-test"}))["purpose"] == "forbids"


def test_another_arithmetic_forbids(sides):
    b = sides.side("B", B, **sides.other_settings())
    newer = [r.model_copy(update={"summary": r.summary.model_copy(update={"metrics_version": 2})}) for r in b.records]
    b = sides.make_side("B", [sides.Launch(record=record) for record in newer])
    assert weights(compare([sides.side("A", A), b]).pairs[0])["metrics version"] == "forbids"


def test_the_cards_state_asks_for_care_on_one_machine_and_belongs_to_it_between_two(pair, builders):
    limited = CARD.model_copy(update={"power_limit_w": 250.0})
    same = pair(a={"host": host(builders, devices=(CARD,))}, b={"host": host(builders, devices=(limited,))})
    assert weights(same)["power limit"] == "careful"
    other = limited.model_copy(update={"name": "Another card"})
    two = pair(
        a={"host": host(builders, devices=(CARD,))},
        b={"host": host(builders, devices=(other,))},
        settings_differ=False,
    )
    assert weights(two) == {"machine": "fine", "power limit": "fine"}


def doubt(code, weight):
    return Doubt(code=code, weight=weight, evidence="seen", advice="do")


@pytest.mark.parametrize(
    ("code", "weight", "on_a", "expected"),
    [
        ("client-bound", "serious", True, "forbids"),
        ("client-bound", "serious", False, "forbids"),
        ("warm-cache", "caution", False, "forbids"),
        ("warm-cache", "caution", True, "careful"),
        ("short-output", "caution", False, "forbids"),
        ("client-late", "caution", False, "careful"),
        ("few-samples", "note", False, None),
    ],
)
def test_a_doubt_weighs_by_what_it_does_to_the_comparison(pair, code, weight, on_a, expected):
    doubts = [doubt(code, weight)]
    both = pair(a={"doubts": doubts} if on_a else {}, b={"doubts": doubts})
    assert weights(both).get(code) == expected


def _with_points(sides, made, **fields):
    records = [
        record.model_copy(update={"summary": sides.summary([sides.point(50.0 + i, **fields)])})
        for i, record in enumerate(made.records)
    ]
    return sides.make_side(made.label, [sides.Launch(record=record) for record in records])


def test_answers_of_unlike_length_forbid(sides, builders):
    a = _with_points(sides, sides.side("A", A), output_tokens=builders.spread(100.0))
    b = _with_points(sides, sides.side("B", B, **sides.other_settings()), output_tokens=builders.spread(120.0))
    assert weights(compare([a, b]).pairs[0])["answers"] == "forbids"


def test_a_cache_that_helped_one_side_forbids_unless_caching_is_what_is_compared(sides, builders):
    a = _with_points(sides, sides.side("A", A), cached_input_share=0.0)
    warm = _with_points(sides, sides.side("B", B, **sides.other_settings()), cached_input_share=0.4)
    assert weights(compare([a, warm]).pairs[0])["from the cache"] == "forbids"
    caching = builders.TRIAL.settings.model_copy(update={"prefix_caching": True})
    asked = sides.side("B", B, trial=trial(builders, settings=caching), configuration="cached")
    both = compare([a, _with_points(sides, asked, cached_input_share=0.4)]).pairs[0]
    assert weights(both)["from the cache"] == "careful"


def test_without_a_load_in_common_nothing_is_compared(sides, builders):
    other = builders.LOAD.model_copy(update={"concurrency": 8})
    b = _with_points(sides, sides.side("B", B, **sides.other_settings()), load=other)
    both = compare([sides.side("A", A), b]).pairs[0]
    assert weights(both)["load"] == "forbids"
    assert both.differences == ()


def test_the_same_load_for_another_time_asks_for_care(sides, builders):
    longer = builders.LOAD.model_copy(update={"duration_s": 60.0})
    b = _with_points(sides, sides.side("B", B, **sides.other_settings()), load=longer)
    both = compare([sides.side("A", A), b]).pairs[0]
    assert weights(both)["measured for"] == "careful"
    assert both.done


def test_another_goal_takes_goodput_and_attainment_out(pair, builders):
    both = pair(b={"trial": trial(builders, slo=facts.slo("interactive"))})
    assert weights(both)["goal"] == "careful"
    assert not {"goodput_per_s", "attainment"} & {each.metric for each in both.differences}


def test_all_of_one_before_all_of_the_other_asks_for_care(sides):
    late = sides.side("B", B, first=60, **sides.other_settings())
    assert weights(compare([sides.side("A", A), late]).pairs[0])["order"] == "careful"


def test_a_warmer_start_asks_for_care(sides):
    def started(side, celsius):
        return sides.make_side(side.label, [sides.Launch(record=r, start_c=celsius) for r in side.records])

    a, b = sides.side("A", A), sides.side("B", B, **sides.other_settings())
    assert weights(compare([started(a, 40.0), started(b, 62.0)]).pairs[0])["start"] == "careful"
    assert "start" not in weights(compare([started(a, 40.0), started(b, 44.0)]).pairs[0])


def test_a_side_without_a_finished_launch_forbids_and_says_how_it_ended(sides, builders):
    failed = sides.record(1.0, at="010000", outcome=builders.FAILED, summary=None, points=())
    both = compare([sides.side("A", A), sides.make_side("B", [sides.Launch(record=failed)])]).pairs[0]
    assert weights(both)["outcome"] == "forbids"
    assert "driver-too-old" in both.said[0]


REDUCED = ("attention by triton, not by its own kernels",)


def test_an_engine_without_its_own_kernels_is_never_compared_with_another_engine(pair, builders):
    short = {"engine": engine(builders, name="sglang", reduced=REDUCED)}
    assert not pair(b=short, settings_differ=False).allowed
    both_short = {"engine": engine(builders, name="vllm", reduced=REDUCED)}
    assert not pair(a=both_short, b=short, settings_differ=False).allowed


def test_an_engine_without_its_own_kernels_is_compared_with_itself_in_the_same_state(pair, builders):
    short = {"engine": engine(builders, reduced=REDUCED)}
    assert pair(a=short, b=short).allowed
    assert not pair(b=short).allowed


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("talks", {"sessions": Sessions(turns=4, think_s=2.0)}),
        ("people leave", {"patience": Patience(first_token_s=5.0, leave_share=0.1)}),
        ("own prompts", {"data": Data(sha256="ab" * 32, prompts=9)}),
        ("prefix cache", {"cache": "warm"}),
    ],
)
def test_servers_that_met_other_people_are_not_compared(pair, builders, field, fields):
    assert weights(pair(b={"trial": trial(builders, **fields)}, settings_differ=False))[field] == "forbids"


def test_a_launch_that_failed_has_no_other_arithmetic(sides, builders):
    failed = builders.a_record().model_copy(update={"outcome": builders.FAILED, "summary": None})
    one = sides.side("A", A)
    launches = (*one.launches,)
    with_failure = type(one)(label="A", launches=launches, not_finished=(failed,))
    both = compare([with_failure, sides.side("B", B, **sides.other_settings())]).pairs[0]

    assert "metrics version" not in weights(both)
