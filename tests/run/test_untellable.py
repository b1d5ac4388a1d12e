"""What other tools cannot be told is refused with its reason, in a crosscheck and in a run that they drive."""

import pytest

from inference_arena.errors import ArenaError, UsageError
from inference_arena.plan import Capacity, Data, Kind, Lengths, Load, Patience, People, Prefix, Sessions, Spread
from inference_arena.run.untellable import refuse_to_repeat, refuse_to_tell

LENGTHS = Lengths(input_tokens=60, output_tokens=8, output_jitter=0.0)
TALK = Sessions(turns=3, think_s=1.0)


def with_trial(record, **changes):
    return record.model_copy(update={"trial": record.trial.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sessions": TALK}, "conversations"),
        (
            {
                "capacity": Capacity(
                    most=4, people=People(behaviour="chat-person", lengths=LENGTHS, sessions=TALK), most_people=8
                )
            },
            "people",
        ),
        ({"data": Data(sha256="0" * 64, prompts=3)}, "hashes alone"),
        ({"mix": (Kind(name="chat", share=1.0, lengths=LENGTHS),)}, "mixes"),
        ({"prefix": Prefix(share=0.5, different=2)}, "beginnings"),
        ({"texts": "code"}, "made of code"),
        ({"patience": Patience(first_token_s=1.0)}, "leave"),
        ({"loads": (Load(kind="open", rate_per_s=1.0, arrivals="bursts", together=4),)}, "changes"),
        ({"loads": (Load(kind="closed", concurrency=4, shape="ramp"),)}, "changes"),
    ],
)
def test_questions_that_no_record_can_repeat_are_refused_with_the_reason(builders, changes, why):
    with pytest.raises(ArenaError, match="cannot be crosschecked") as refused:
        refuse_to_repeat(with_trial(builders.a_record(), **changes))

    assert why in refused.value.why
    with pytest.raises(UsageError, match="GuideLLM cannot be told") as untold:
        refuse_to_tell(with_trial(builders.a_record(), **changes).trial, tool="GuideLLM")
    assert why in untold.value.why


def test_plain_questions_are_not_refused(builders):
    record = builders.a_record()

    assert refuse_to_repeat(record) is None
    assert refuse_to_tell(record.trial, tool="GuideLLM") is None


def test_lengths_that_the_arena_draws_are_not_sent_by_another_tool_as_if_they_were_one(builders):
    drawn = LENGTHS.model_copy(update={"output_spread": Spread(kind="uniform", median_tokens=9)})

    with pytest.raises(UsageError, match="cannot be told"):
        refuse_to_tell(with_trial(builders.a_record(), lengths=drawn).trial, tool="GuideLLM")
