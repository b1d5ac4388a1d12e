"""What is asked: lengths by their spread, kinds by their shares, beginnings shared or not, prompts of one's own."""

import json
from collections import Counter
from statistics import median

import pytest

from inference_arena.load.lengths import drawn_length
from inference_arena.load.materials import text_of
from inference_arena.load.questions import question
from inference_arena.plan import Kind, Lengths, Prefix, Spread

SHORT = Lengths(input_tokens=20, output_tokens=10, output_jitter=0.0)
LONG = Lengths(input_tokens=200, output_tokens=50, output_jitter=0.0)


def test_lognormal_lengths_have_the_median_and_the_ninetieth_percentile_of_their_source():
    spread = Spread(kind="lognormal", median_tokens=200, p90_tokens=800, least_tokens=10, most_tokens=100_000)
    lengths = sorted(drawn_length(spread, seed=f"a/{n}") for n in range(20_000))

    assert median(lengths) == pytest.approx(200, rel=0.04)
    assert lengths[18_000] == pytest.approx(800, rel=0.06)


@pytest.mark.parametrize(
    "spread",
    [
        Spread(kind="lognormal", median_tokens=200, p90_tokens=800, least_tokens=150, most_tokens=300),
        Spread(kind="normal", median_tokens=200, p90_tokens=800, least_tokens=150, most_tokens=300),
        Spread(kind="uniform", median_tokens=225, least_tokens=150, most_tokens=300),
        Spread(kind="fixed", median_tokens=200),
    ],
)
def test_lengths_stay_inside_their_bounds_and_hang_on_the_seed(spread):
    lengths = [drawn_length(spread, seed=n) for n in range(500)]

    assert all(150 <= length <= 300 for length in lengths)
    assert lengths == [drawn_length(spread, seed=n) for n in range(500)]


def test_kinds_come_in_their_shares_each_with_lengths_of_its_own(plan_to):
    mix = (Kind(name="chat", share=0.7, lengths=SHORT), Kind(name="rag", share=0.3, lengths=LONG))
    asked = [question(plan_to(mix=mix), number) for number in range(2000)]
    counts = Counter(one.kind for one in asked)

    assert counts["chat"] / 2000 == pytest.approx(0.7, abs=0.04)
    assert {(one.kind, one.output_tokens) for one in asked} == {("chat", 10), ("rag", 50)}


def test_prompts_share_as_many_beginnings_as_the_workload_says(plan_to):
    plan = plan_to(lengths=LONG, prefix=Prefix(share=0.5, different=3), shared_seed=1)
    texts = [question(plan, number).messages[0]["content"] for number in range(60)]

    assert len({text.split("\n\n")[0] for text in texts}) == 3
    assert len(set(texts)) == 60
    # another point of a cold run has other beginnings, one of a warm run the same
    cold = question(plan.model_copy(update={"shared_seed": 2}), 0).messages[0]["content"]
    assert cold.split("\n\n")[0] not in {text.split("\n\n")[0] for text in texts}


@pytest.mark.parametrize("texts", ["notes", "code", "tools"])
@pytest.mark.parametrize("words", [40, 300, 2000])
def test_every_kind_of_text_has_about_the_wanted_words_and_is_unique_from_its_start(texts, words):
    one, same, other = (text_of(texts, words=words, seed=seed) for seed in (1, 1, 2))

    assert one == same
    assert one.split()[:12] != other.split()[:12]
    assert words * 0.8 - 12 <= len(one.split()) <= words + 2


def test_own_prompts_are_asked_all_of_them_once_before_any_comes_again(plan_to, tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"question {n}"}) + "\n" for n in range(9)), encoding="utf-8")
    plan = plan_to(data_path=str(path))
    asked = [question(plan, number).messages[0]["content"] for number in range(18)]

    assert sorted(asked[:9]) == sorted(asked[9:]) == [f"question {n}" for n in range(9)]
    assert asked[:9] != asked[9:]
