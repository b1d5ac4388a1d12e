"""Conversations of several turns: what people say is made before the clock starts, what they hear is the server's.

Each turn repeats the whole conversation, with the answers as they came, as chat programs do.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena.load.materials import shared_beginning
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.questions import Message, leaves_after, prompt_of, sort_of, wanted_lengths
from inference_arena.load.requests import Request, payload_of, prompt_sha256
from inference_arena.plan import Sessions

MOST_TURNS = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person says next, how long an answer is asked for, and how long they think before it."""

    text: str
    input_tokens: int
    output_tokens: int
    think_s: float
    leave_after_reads: int | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation as planned. `payload` stands for its size while it is held."""

    number: int
    kind: str | None
    opening: tuple[Message, ...]
    turns: tuple[Turn, ...]
    payload: bytes


def turns_of(sessions: Sessions, pick: random.Random) -> int:
    """From 1 to twice the mean less one, all equally often."""
    return min(MOST_TURNS, pick.randint(1, max(1, 2 * sessions.turns - 1)))


def make_conversation(plan: PointPlan, number: int) -> Conversation:
    """The number-th conversation of a point: the same for the same seed, different from every other."""
    assert plan.sessions is not None
    seed = f"{plan.seed}/{plan.point}/session/{number}"
    pick, sort = random.Random(seed), sort_of(plan, seed=seed)
    turns = []
    for turn in range(turns_of(plan.sessions, pick)):
        own = f"{seed}/{turn}"
        asked, answer = wanted_lengths(plan, sort, number=number, seed=own)
        turns.append(
            Turn(
                text=prompt_of(plan, sort, tokens=asked, seed=own),
                input_tokens=asked,
                output_tokens=answer,
                think_s=pick.expovariate(1 / plan.sessions.think_s) if plan.sessions.think_s > 0 else 0.0,
                leave_after_reads=leaves_after(plan.patience, output_tokens=answer, seed=own),
            )
        )
    opening = instructions(plan)
    payload = json.dumps([*opening, *(turn.text for turn in turns)]).encode()
    return Conversation(number, sort.name, opening, tuple(turns), payload)


def instructions(plan: PointPlan) -> tuple[Message, ...]:
    """The system prompt that all conversations of the point share."""
    tokens = plan.sessions.system_tokens if plan.sessions else 0
    if not tokens:
        return ()
    text = shared_beginning(None, words=plan.wording.words(tokens, None), seed=plan.shared_seed, which=0)
    return ({"role": "system", "content": text},)


def turn_request(
    plan: PointPlan, conversation: Conversation, turn: int, *, before: Sequence[Message], before_tokens: int
) -> Request:
    """The turn-th question (from 0) after what was said before; its number tells conversation and turn."""
    said = conversation.turns[turn]
    messages = [*before, {"role": "user", "content": said.text}]
    number = conversation.number * MOST_TURNS + turn
    return Request(
        number=number,
        payload=payload_of(plan, number=number, messages=messages, output_tokens=said.output_tokens),
        asked_input_tokens=before_tokens + said.input_tokens,
        asked_output_tokens=said.output_tokens,
        prompt_sha256=prompt_sha256(messages),
        kind=conversation.kind,
        conversation=conversation.number,
        turn=turn,
        leave_after_reads=said.leave_after_reads,
    )
