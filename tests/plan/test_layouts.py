"""How several cards may serve one model, and what that takes of each card."""

from dataclasses import replace

import pytest

from inference_arena import facts
from inference_arena.plan import Ask, Layout, Settings, best_alone, best_together, layouts, plan_one
from planned import an_ask, on, pair

MISTRAL = "mistral-7b-instruct-v0.2-bf16"


def ways(cards: int, *, users: int, checkpoint: str = MISTRAL) -> tuple[Layout, ...]:
    model, stored = pair(checkpoint)
    return layouts(asked(cards, users), model=model, checkpoint=stored, running=facts.release("vllm", "0.24.0"))


def asked(cards: int, users: int) -> Ask:
    return an_ask(on("RTX 3090", count=cards), users=users)


def shapes(found: tuple[Layout, ...]) -> list[tuple[int, int]]:
    return [(one.tensor_parallel, one.replicas) for one in found]


def test_a_single_card_leaves_nothing_to_choose():
    assert ways(1, users=8) == ()


def test_two_cards_serve_as_one_as_two_copies_or_share_each_layer():
    assert shapes(ways(2, users=8)) == [(1, 1), (1, 2), (2, 1)]


def test_four_cards_may_also_be_copies_of_pairs():
    assert shapes(ways(4, users=8)) == [(1, 1), (1, 4), (2, 2), (4, 1)]


def test_copies_hold_the_whole_model_each_and_shared_layers_half_of_it():
    one, copies, shared = (each.fit.budget.bytes_of("weights") for each in ways(2, users=8))

    assert copies == one
    assert shared == pytest.approx(one / 2, rel=0.01)


def test_two_copies_write_twice_what_one_writes_for_half_of_the_users():
    one = plan(asked(1, 8))
    copies = next(each for each in ways(2, users=16) if each.replicas == 2)

    assert copies.together is not None
    assert copies.together.point == pytest.approx(2 * one, rel=1e-6)


def plan(ask: Ask) -> float:
    model, stored = pair(MISTRAL)
    alone = replace(ask, pinned={"vllm": Settings(tensor_parallel=1)})
    fit = plan_one(alone, model=model, checkpoint=stored, running=facts.release("vllm", "0.24.0"))
    assert fit.speed is not None
    assert fit.speed.output_tokens_per_s is not None
    return fit.speed.output_tokens_per_s.point


def test_a_copy_does_not_make_a_single_user_quicker_and_shared_layers_do():
    found = {(one.tensor_parallel, one.replicas): one.alone for one in ways(2, users=8)}
    one, copies, shared = (found[key] for key in ((1, 1), (1, 2), (2, 1)))

    assert one is not None
    assert copies == one
    assert shared is not None
    assert shared.point > one.point
    assert best_alone(ways(2, users=8)).tensor_parallel == 2


def test_the_best_for_all_is_the_one_with_most_tokens_of_all():
    found = ways(2, users=64)
    best = best_together(found)

    assert best is not None
    assert best.together.point == max(one.together.point for one in found)


def test_more_copies_than_cards_are_refused_with_the_number_of_cards():
    model, stored = pair(MISTRAL)
    ask = replace(asked(2, 8), pinned={"vllm": Settings(replicas=3)})
    fit = plan_one(ask, model=model, checkpoint=stored, running=facts.release("vllm", "0.24.0"))

    assert not fit.runs
    assert "there are 2" in fit.deciding
