"""Prompts are plain sentences of the wanted length, no two alike, and the same for the same seed."""

import re
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.load import Wording
from inference_arena.load.lengths import output_length
from inference_arena.load.prompts import prompt_text

OPENING_WORDS = 12


@given(words=st.integers(1, 600), seed=st.integers())
def test_a_prompt_has_as_many_words_as_asked(words, seed):
    assert len(prompt_text(words=words, seed=seed).split()) == words


@pytest.mark.parametrize("words", [24, 200])
def test_five_thousand_prompts_differ_within_their_first_words(words):
    openings = {" ".join(prompt_text(words=words, seed=f"1/0/{n}").split()[:OPENING_WORDS]) for n in range(5000)}

    assert len(openings) == 5000


def test_the_first_words_of_prompts_are_shared_by_few():
    """A prefix cache keeps blocks of 16 tokens or more: no opening of six words may be common."""
    openings = [" ".join(prompt_text(words=100, seed=f"1/0/{n}").split()[:6]) for n in range(5000)]

    assert len(set(openings)) > 4800


@given(words=st.integers(1, 300), seed=st.text(max_size=12))
def test_the_same_seed_gives_the_same_prompt(words, seed):
    assert prompt_text(words=words, seed=seed) == prompt_text(words=words, seed=seed)


def test_a_prompt_is_sentences_of_plain_english_that_end_in_a_request():
    for seed in range(50):
        text = prompt_text(words=150, seed=seed)
        sentences = re.split(r"(?<=[.])\s+", text)

        assert text.isascii()
        assert text.endswith(".")
        assert len(sentences) > 8
        assert all(sentence[0].isupper() for sentence in sentences)
        assert re.fullmatch(
            r"[A-Z][a-z]+ and [A-Z][a-z]+ from [A-Z][a-z]+ kept notes on the \w+, page \d+\.", sentences[0]
        )
        assert len(set(text.split())) > 40


def test_a_longer_prompt_of_the_same_seed_keeps_its_opening():
    short, long = (prompt_text(words=words, seed=1).split() for words in (60, 600))

    assert short[:OPENING_WORDS] == long[:OPENING_WORDS]


@given(tokens=st.integers(1, 4096), jitter=st.floats(0, 1), seed=st.integers())
def test_a_length_stays_within_its_spread_and_is_never_nothing(tokens, jitter, seed):
    length = output_length(tokens=tokens, jitter=jitter, seed=seed)

    assert max(1, tokens * (1 - jitter) - 1e-6) <= length <= tokens * (1 + jitter) + 1e-6


@given(tokens=st.integers(1, 4096), seed=st.integers())
def test_without_jitter_every_length_is_the_same(tokens, seed):
    assert output_length(tokens=tokens, jitter=0.0, seed=seed) == tokens


def test_lengths_have_the_mean_that_was_asked_and_use_their_whole_spread():
    lengths = [output_length(tokens=128, jitter=0.25, seed=f"1/0/{n}") for n in range(5000)]

    assert (min(lengths), max(lengths)) == (96, 160)
    # four standard errors of a uniform spread of 65 values
    assert abs(fmean(lengths) - 128) < 4 * 18.8 / 5000**0.5


@pytest.mark.parametrize(("tokens", "words"), [(256, 180), (22, 0), (0, 0)])
def test_words_are_tokens_less_the_templates_share(tokens, words):
    assert Wording(tokens_per_word=1.3, overhead_tokens=22).words(tokens) == max(1, words)
