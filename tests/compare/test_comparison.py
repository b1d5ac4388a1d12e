"""Comparisons of launches whose truth is known: how often a difference is claimed, and of what."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena.compare import compare

SEEDS = range(200)
SPREAD = 0.03  # of one launch, as a share


def drawn(random_: random.Random, *, n: int, mean: float = 50.0) -> list[float]:
    return [mean * math.exp(random_.gauss(0, SPREAD)) for _ in range(n)]


def claims(comparison) -> list[str]:
    return [each.verdict for pair in comparison.pairs for each in pair.differences if each.verdict in ("more", "less")]


def output(comparison):
    return next(each for each in comparison.pairs[0].differences if each.metric == "output_tokens_per_s")


@pytest.fixture
def two(sides):
    def made(a, b, **fields):
        return [sides.side("A", a), sides.side("B", b, **{**sides.other_settings(), **fields})]

    return made


@pytest.mark.parametrize("metrics", [["output_tokens_per_s"], ["output_tokens_per_s", "ttft_p50_s", "tpot_p50_s"]])
def test_of_200_pairs_of_equal_servers_at_most_16_are_called_different(two, metrics):
    different = 0
    for seed in SEEDS:
        draw = random.Random(seed)
        different += bool(claims(compare(two(drawn(draw, n=4), drawn(draw, n=4)), metrics=metrics)))
    assert different <= 16


def test_equal_servers_are_seldom_called_different_though_many_unlike_numbers_are_looked_at(sides):
    """Three sides, two loads, numbers that vary on their own: the error is shared by all of them."""
    different = 0
    for seed in range(60):
        draw = random.Random(1000 + seed)
        different += bool(claims(compare([_many(sides, draw, label) for label in "ABC"])))
    assert different <= 7  # what a 5 % test exceeds once in a hundred times


def _many(sides, draw, label):
    import builders  # noqa: PLC0415

    loads = [builders.LOAD, builders.LOAD.model_copy(update={"concurrency": 8})]
    fields = {} if label == "A" else sides.other_settings(parallel=ord(label))
    minute = 1 if label == "C" else 0
    made = sides.side(label, [1.0] * 4, first=minute, **fields)
    launches = []
    for launch in made.launches:
        points = [
            sides.point(
                50 * math.exp(draw.gauss(0, SPREAD)),
                load=load,
                ttft_s=builders.spread(0.1 * math.exp(draw.gauss(0, 3 * SPREAD))),
                tpot_s=builders.spread(0.02 * math.exp(draw.gauss(0, SPREAD))),
            )
            for load in loads
        ]
        record = launch.record.model_copy(update={"summary": sides.summary(points)})
        launches.append(type(launch)(record=record))
    return type(made)(label=label, launches=tuple(launches), not_finished=())


@pytest.mark.parametrize(("pilot", "seeds"), [(2, SEEDS[:50]), (3, SEEDS)])
def test_a_true_difference_of_10_percent_is_found_with_the_launches_that_were_asked_for(two, pilot, seeds):
    found = 0
    for seed in seeds:
        draw = random.Random(seed)
        a, b = drawn(draw, n=pilot), drawn(draw, n=pilot, mean=55.0)
        first = output(compare(two(a, b)))
        if first.verdict != "none":
            found += first.verdict == "more"
            continue
        more = max(0, (first.needed or 0) - pilot)
        a, b = a + drawn(draw, n=more), b + drawn(draw, n=more, mean=55.0)
        found += output(compare(two(a, b))).verdict == "more"
    assert found > 0.9 * len(seeds)


def test_the_sentence_names_size_interval_and_launches(two):
    pair = compare(two([50.0, 50.5, 49.5, 50.2], [56.0, 56.5, 55.6, 56.1, 55.9])).pairs[0]
    change = math.exp(math.fsum(map(math.log, (56.0, 56.5, 55.6, 56.1, 55.9))) / 5)
    change /= math.exp(math.fsum(map(math.log, (50.0, 50.5, 49.5, 50.2))) / 4)
    each = pair.differences[0]
    assert each.change == pytest.approx(change - 1)
    assert pair.said[0].startswith("With 2 at once B writes 12 % more tokens/s than A (")
    assert pair.said[0].endswith(" %, 4 and 5 launches).")
    assert pair.compared == "Compared: settings (parallel by the engine against parallel 8)."
    assert pair.allowed
    assert pair.done


def test_a_drop_is_said_as_less_with_its_bounds_as_positive_numbers(two):
    pair = compare(two([56.0, 56.5, 55.6, 56.1], [50.0, 50.5, 49.5, 50.2])).pairs[0]
    assert pair.said[0].startswith("With 2 at once B writes 11 % fewer tokens/s than A (")
    assert "-" not in pair.said[0].split("(")[1]
    assert any("takes 12 % longer to the first token" in said for said in pair.said)


def test_from_one_launch_each_nothing_is_claimed_however_far_apart_they_are(two):
    comparison = compare(two([10.0], [100.0]))
    assert not comparison.done
    assert {each.verdict for each in comparison.pairs[0].differences} == {"too-few", "beside"}
    (said,) = (text for text in comparison.pairs[0].said)
    assert said.startswith("No difference can be claimed: from one launch")
    assert "run 2 more of A and 2 more of B" in said


def test_repeats_inside_a_launch_are_no_launches(two):
    comparison = compare(two([[50.0, 50.1, 49.9, 50.0]], [[60.0, 60.1, 59.9, 60.0]]))
    assert not comparison.done
    each = output(comparison)
    assert len(each.a.launches) == 1
    assert each.a.spread_between is None
    assert each.a.spread_within == pytest.approx(math.expm1(0.00163), rel=0.01)


def test_spread_between_launches_is_that_of_the_medians_of_their_repeats(two):
    each = output(compare(two([[50.0, 50.0, 90.0], [60.0, 60.0, 10.0]], [[55.0], [55.5]])))
    assert each.a.launches == pytest.approx((50.0, 60.0))
    assert each.a.value == pytest.approx(math.sqrt(3000))
    assert each.a.spread_between == pytest.approx(math.expm1(math.log(1.2) / math.sqrt(2)))


def test_records_of_a_server_that_ran_already_are_one_launch_unless_it_was_restarted(sides, builders):
    attached = {"engine": builders.ENGINE.model_copy(update={"form": "attached"})}
    values = [50.0, 50.5, 49.5]

    def pair(*, restarted):
        a = sides.side("A", values, restarted=restarted, **attached)
        b = sides.side("B", [60.0, 60.5, 59.5], restarted=restarted, **attached, **sides.other_settings())
        return compare([a, b])

    assert [side.launches for side in pair(restarted=False).sides] == [1, 1]
    assert not pair(restarted=False).done
    assert [side.launches for side in pair(restarted=True).sides] == [3, 3]
    assert "more" in claims(pair(restarted=True))


def test_launches_that_all_give_the_same_number_claim_nothing(two):
    comparison = compare(two([50.0, 50.0], [60.0, 60.0]))
    assert not comparison.done
    assert "how much launches differ is unknown" in comparison.pairs[0].said[0]


def test_failed_launches_are_counted_and_never_averaged(sides, builders):
    good = sides.side("A", [50.0, 50.5, 49.5])
    failed = sides.record(1.0, at="010000", outcome=builders.FAILED)
    mixed = sides.make_side("A", [*good.launches, sides.Launch(record=failed)])
    comparison = compare([mixed, sides.side("B", [56.0, 56.5, 55.5], **sides.other_settings())])
    assert comparison.sides[0].launches == 3
    assert comparison.sides[0].not_finished == {failed.id: "failed: driver-too-old"}
    assert output(comparison).a.value == pytest.approx(50.0, rel=0.001)
    assert [each.weight for each in comparison.pairs[0].unlike if each.field == "outcome"] == ["careful"]


def test_a_copy_of_a_record_is_no_second_launch(sides):
    made = sides.side("A", [50.0, 51.0])
    copy = made.records[0].model_copy(update={"id": "20261124-000000-ffffff"})
    assert sides.make_side("A", [*made.launches, sides.Launch(record=copy)]).records == made.records


def test_what_was_not_chosen_is_shown_and_never_claimed(two):
    comparison = compare(two([50.0, 50.5, 49.5], [90.0, 90.5, 89.5]), metrics=["e2e_p50_s"])
    verdicts = {each.metric: each.verdict for each in comparison.pairs[0].differences}
    assert (verdicts["e2e_p50_s"], verdicts["output_tokens_per_s"]) == ("less", "beside")
    assert comparison.judgements == 1


def test_a_difference_in_ttft_under_the_clients_own_error_is_no_difference(sides):
    from inference_arena.record import SelfTestSummary  # noqa: PLC0415

    test = SelfTestSummary(
        streams=2, n=9, ttft_error_p50_s=0.005, ttft_error_p99_s=0.006, tpot_error_share=0.0, tokens_lost=0
    )

    def tested(side):
        records = [r.model_copy(update={"summary": r.summary.model_copy(update={"self_test": test})})
                   for r in side.records]  # fmt: skip
        return sides.make_side(side.label, [sides.Launch(record=record) for record in records])

    a = tested(sides.side("A", [50.0, 50.1, 49.9]))
    b = tested(sides.side("B", [60.0, 60.1, 59.9], **sides.other_settings()))
    comparison = compare([a, b])  # medians of 20 and 16.7 ms
    verdicts = {each.metric: each.verdict for each in comparison.pairs[0].differences}
    assert (verdicts["ttft_p50_s"], verdicts["tpot_p50_s"]) == ("client-error", "less")


def test_three_sides_are_each_compared_with_the_first_and_corrected_over_all(sides):
    three = [
        sides.side("A", [50.0, 50.5, 49.5]),
        sides.side("B", [56.0, 56.5, 55.5], **sides.other_settings()),
        sides.side("C", [45.0, 45.5, 44.5], first=1, **sides.other_settings(16)),
    ]
    comparison = compare(three)
    assert [(pair.a, pair.b) for pair in comparison.pairs] == [("A", "B"), ("A", "C")]
    assert comparison.judgements == 2 * compare(three[:2]).judgements


def test_only_the_loads_asked_for_are_judged(sides, builders):
    other = builders.LOAD.model_copy(update={"concurrency": 8})

    def at_two_loads(label, values, **fields):
        made = sides.side(label, values, **fields)
        records = [
            record.model_copy(
                update={"summary": sides.summary([sides.point(value), sides.point(3 * value, load=other)])}
            )
            for record, value in zip(made.records, values, strict=True)
        ]
        return sides.make_side(label, [sides.Launch(record=record) for record in records])

    two = [at_two_loads("A", [50.0, 50.5]), at_two_loads("B", [60.0, 60.5], **sides.other_settings())]
    assert compare(two).judgements == 6
    assert compare(two, levels=[8]).judgements == 3
    assert {each.load.concurrency for each in compare(two, levels=[8]).pairs[0].differences} == {8}


VALUES = st.lists(st.floats(1.0, 1000.0), min_size=2, max_size=5, unique=True)


@settings(max_examples=30, deadline=None)
@given(VALUES, VALUES)
def test_the_interval_holds_the_point_and_swapping_sides_mirrors_it(sides, a, b):
    one, other = sides.side("A", a), sides.side("B", b, **sides.other_settings())
    there, back = output(compare([one, other])), output(compare([other, one]))
    assert (1 + there.change) * (1 + back.change) == pytest.approx(1)
    assert {there.verdict, back.verdict} in ({"none"}, {"more", "less"}, {"constant"})
    assert there.needed == back.needed
    for each in (there, back):
        assert each.low is None or each.low <= each.change * (1 + 1e-9) + 1e-9
        assert each.high is None or each.high >= each.change * (1 - 1e-9) - 1e-9
    if None not in (there.low, there.high, back.low):
        assert (1 + there.high) * (1 + back.low) == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(VALUES, VALUES, st.floats(0.01, 100.0), st.randoms())
def test_neither_the_order_of_launches_nor_the_unit_changes_anything(sides, a, b, factor, shuffle):
    def out(scale):
        return output(compare([
            sides.side("A", [value * scale for value in a]),
            sides.side("B", [value * scale for value in b], **sides.other_settings()),
        ]))  # fmt: skip

    plain, scaled = out(1.0), out(factor)
    assert scaled.verdict == plain.verdict
    assert scaled.change == pytest.approx(plain.change, rel=1e-6, abs=1e-9)
    one, other = sides.side("A", a), sides.side("B", b, **sides.other_settings())
    mixed = list(one.launches)
    shuffle.shuffle(mixed)
    assert compare([sides.make_side("A", mixed), other]) == compare([one, other])


def layout(builders, **settings):
    changed = builders.TRIAL.settings.model_copy(update=settings)
    return {"trial": builders.TRIAL.model_copy(update={"settings": changed}), "configuration": str(settings)}


def test_two_ways_to_use_cards_are_judged_for_one_user_and_for_many(sides):
    import builders  # noqa: PLC0415

    alone = builders.LOAD.model_copy(update={"concurrency": 1})
    many = builders.LOAD.model_copy(update={"concurrency": 64})

    def side(label, *, quick, plenty, **fields):
        made = sides.side(label, [1.0] * 4, **fields)
        launches = []
        for number, launch in enumerate(made.launches):
            by_luck = 1 + 0.002 * number
            points = [
                sides.point(quick * by_luck, load=alone),
                sides.point(plenty * by_luck, load=many),
            ]
            record = launch.record.model_copy(update={"summary": sides.summary(points)})
            launches.append(type(launch)(record=record))
        return type(made)(label=label, launches=tuple(launches), not_finished=())

    shared = side("A", quick=90.0, plenty=900.0, **layout(builders, tensor_parallel=2))
    copies = side("B", quick=60.0, plenty=1400.0, **layout(builders, replicas=2))
    said = compare([shared, copies]).pairs[0].said

    assert "For one user: A." in said
    assert "For many users (with 64 at once): B." in said


def test_other_settings_are_not_judged_for_whom(two):
    said = compare(two([50.0, 50.5, 49.5, 50.2], [56.0, 56.5, 55.6, 56.1])).pairs[0].said

    assert not any(sentence.startswith("For ") for sentence in said)
