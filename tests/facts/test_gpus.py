"""Cards of graphics cards and prices: sound, physically possible, and right where other catalogues are wrong."""

from collections import defaultdict

import pytest

from inference_arena import facts
from inference_arena.facts import Gpu

GIB = 1024**3
CARDS = list(facts.gpus().values())
by_name = pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
# compute capability from which the matrix units take a format
FIRST = {"bf16": 8.0, "fp8_flops": 8.9, "fp4_flops": 10.0}


def capability(card: Gpu) -> float:
    return float(card.compute_capability or 0)


@by_name
def test_every_figure_is_within_what_can_be(card: Gpu):
    assert 4 * GIB <= card.memory_bytes <= 512 * GIB
    assert card.bandwidth_bytes_per_s is not None
    assert 50e9 < card.bandwidth_bytes_per_s < 10e12
    assert card.power_w is None or 30 < card.power_w <= 1000
    assert card.released is None or 2016 <= card.released.year <= 2026
    rates = (card.fp32_flops, card.fp16_flops, card.fp8_flops, card.int8_ops, card.fp4_flops)
    assert all(rate is None or 1e12 < rate < 1e16 for rate in rates)


@by_name
def test_a_card_shows_programs_less_than_it_is_sold_with_but_most_of_it(card: Gpu):
    if card.visible_memory_bytes is not None:
        assert 0.9 * card.memory_bytes < card.visible_memory_bytes < card.memory_bytes


@by_name
def test_a_rate_is_there_only_where_the_architecture_has_it(card: Gpu):
    if card.vendor == "nvidia":
        assert card.bf16 == (capability(card) >= FIRST["bf16"])
        assert card.fp8_flops is None or capability(card) >= FIRST["fp8_flops"]
        assert card.fp4_flops is None or capability(card) >= FIRST["fp4_flops"]
    else:
        assert card.compute_capability is None


@by_name
def test_fewer_bits_are_never_slower(card: Gpu):
    rates = [rate for rate in (card.fp32_flops, card.fp16_flops, card.fp8_flops, card.fp4_flops) if rate is not None]
    assert rates == sorted(rates)


@by_name
def test_only_chips_without_memory_of_their_own_share_the_machines(card: Gpu):
    assert card.unified == (card.form == "unified")
    assert not (card.unified and card.visible_memory_bytes)


@by_name
def test_figures_that_a_card_names_are_never_only_remembered(card: Gpu):
    assert "recalled" not in card.source


def test_a_laptop_is_slower_than_the_desktop_card_of_its_number():
    pairs = [
        (card, facts.gpus()[name])
        for card in CARDS
        if card.form == "laptop" and (name := card.name.removesuffix("-laptop")) in facts.gpus()
    ]

    assert pairs
    for laptop, desktop in pairs:
        assert laptop.fp32_flops < desktop.fp32_flops
        assert laptop.power_w <= desktop.power_w
        assert laptop.bandwidth_bytes_per_s <= desktop.bandwidth_bytes_per_s


def test_a_name_with_its_memory_and_cores_belongs_to_one_card():
    owners = defaultdict(set)
    for card in CARDS:
        for name in {card.title, *card.reported_names}:
            owners[name.lower(), card.memory_bytes if not card.unified else None, card.cores].add(card.name)

    assert {key: cards for key, cards in owners.items() if len(cards) > 1} == {}


def test_cards_of_one_driver_name_differ_enough_to_be_told_apart():
    named = defaultdict(list)
    for card in CARDS:
        for name in card.reported_names if not card.unified else ():
            named[name].append(card.memory_bytes)

    for sizes in named.values():
        assert all(small < 0.9 * large for small, large in zip(sorted(sizes), sorted(sizes)[1:], strict=False))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("geforce-rtx-5090", "compute_capability", "12.0"),
        ("geforce-rtx-5060", "compute_capability", "12.0"),
        ("geforce-rtx-5060", "bandwidth_bytes_per_s", 448e9),
        ("radeon-rx-9070-xt", "bandwidth_bytes_per_s", 640e9),
        ("radeon-instinct-mi300x", "bandwidth_bytes_per_s", 5.3e12),
        ("radeon-instinct-mi325x", "memory_bytes", 256 * GIB),
        ("b200", "memory_bytes", 180 * GIB),
        ("b200", "bandwidth_bytes_per_s", 7.7e12),
        ("b200", "compute_capability", "10.0"),
        ("gb10-dgx-spark", "compute_capability", "12.1"),
        ("geforce-rtx-3090", "visible_memory_bytes", 25_438_126_080),
    ],
)
def test_what_other_catalogues_have_wrong_is_right_here(name, field, value):
    assert getattr(facts.gpu(name), field) == value


def test_an_80_gb_h100_offers_79_19_gib():
    assert facts.gpu("h100-sxm5-80gb").visible_memory_bytes / GIB == pytest.approx(79.19, abs=0.005)


def test_every_price_is_of_a_card_in_the_catalogue_and_can_be():
    assert facts.prices()
    for name, card in facts.prices().items():
        assert card.name == name
        assert facts.gpu(name)
        assert card.prices
        for price in card.prices:
            assert price.source
            assert 0 < price.amount < (20 if price.kind == "rent" else 40_000)
            assert price.highest is None or price.highest > price.amount
            assert price.dated is None or price.dated <= price.checked


def test_prices_that_disagree_are_both_kept():
    rents = {price.amount for price in facts.prices()["geforce-rtx-3090"].prices if price.kind == "rent"}

    assert {0.22, 0.46} <= rents


def test_no_price_is_there_twice():
    for card in facts.prices().values():
        assert len(set(card.prices)) == len(card.prices)
