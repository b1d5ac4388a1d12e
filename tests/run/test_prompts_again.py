"""Which prompts of a record come back for another tool."""

import pytest

from inference_arena.errors import ArenaError
from inference_arena.load import FIRST, first_words, request_seed, vocabulary
from inference_arena.load.again import prompt_hash
from inference_arena.load.prompts import exact_text
from inference_arena.plan import Lengths
from inference_arena.record import RequestTrace
from inference_arena.run.prompts_again import prompts_again

TABLE = {word: 1 + len(word) // 7 for word in vocabulary()} | {f"{FIRST}{word}": 2 for word in first_words()}
LENGTHS = Lengths(input_tokens=60, output_tokens=8, output_jitter=0.0)
OVERHEAD = 11


def trace(point, number):
    seed = request_seed(seed=point.seed, point=point.index, request=number)
    text = exact_text(tokens=60 - OVERHEAD, table=TABLE, seed=seed)
    return RequestTrace(
        request=number, point=point.index, scheduled_s=0.0, result="ok", asked_input_tokens=60, asked_output_tokens=8,
        prompt_sha256=prompt_hash(text),
    )  # fmt: skip


def with_trial(record, **changes):
    return record.model_copy(update={"trial": record.trial.model_copy(update=changes)})


def test_prompts_of_an_exact_length_come_back_by_the_engines_own_count(builders):
    record = with_trial(builders.a_record(), lengths=LENGTHS)
    point = record.points[0]
    traces = [trace(point, number) for number in range(6)]

    prompts = prompts_again(record, point, traces, counts=lambda: TABLE)

    assert [prompt_hash(prompt.text) for prompt in prompts] == [each.prompt_sha256 for each in traces]


def test_prompts_of_an_exact_length_do_not_come_back_without_the_engines_count(builders):
    record = with_trial(builders.a_record(), lengths=LENGTHS)
    point = record.points[0]

    with pytest.raises(ArenaError, match="cannot be made again"):
        prompts_again(record, point, [trace(point, number) for number in range(6)], counts=lambda: None)
