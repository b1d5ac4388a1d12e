"""Prompts made once more: the same for the same seed, or none at all."""

import pytest

from inference_arena.load import find_words, new_prompt, prompt_again, request_seed
from inference_arena.load.again import prompt_hash
from inference_arena.load.point_plan import Wording
from inference_arena.plan import Lengths


@pytest.mark.parametrize("tokens_per_word", [0.9, 1.3, 2.1])
def test_the_number_of_words_is_found_whatever_the_tokenizer(tokens_per_word):
    wording = Wording(tokens_per_word=tokens_per_word, overhead_tokens=7)
    lengths = Lengths(input_tokens=120, output_tokens=9, output_jitter=0.0)
    seed = request_seed(seed=3, point=1, request=5)
    prompt, _ = new_prompt(lengths=lengths, wording=wording, seed=seed)

    words = find_words(seed=seed, prompt_sha256=prompt_hash(prompt), input_tokens=120)

    assert words == wording.words(120)
    assert prompt_again(words=words, seed=seed, prompt_sha256=prompt_hash(prompt)) == prompt


def test_another_prompt_is_none():
    assert find_words(seed="1/0/0", prompt_sha256="ab" * 16, input_tokens=20) is None
    assert prompt_again(words=20, seed="1/0/0", prompt_sha256="ab" * 16) is None
