"""What the number-th request of a point asks: its kind, its lengths, its words. Drawn from the seed; no clock."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena.load.again import request_seed
from inference_arena.load.files import read_prompts, read_replay
from inference_arena.load.lengths import drawn_length, output_length
from inference_arena.load.materials import shared_beginning, text_of
from inference_arena.load.point_plan import PointPlan, Wording
from inference_arena.load.prompts import exact_text
from inference_arena.plan import Kind, Lengths, Patience, Prefix, Texts

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question in words. `leave_after_reads`: the person leaves once so much of the answer has come."""

    messages: Sequence[Message]
    input_tokens: int
    output_tokens: int
    kind: str | None = None
    leave_after_reads: int | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """The kind that a request belongs to, with what the plan says where there is no mix."""

    name: str | None
    lengths: Lengths
    texts: Texts | None
    prefix: Prefix | None


def question(plan: PointPlan, number: int) -> Question:
    seed = request_seed(seed=plan.seed, point=plan.point, request=number)
    if plan.data_path is not None:
        return _own_question(plan, number, seed=seed)
    sort = sort_of(plan, seed=seed)
    input_tokens, output_tokens = wanted_lengths(plan, sort, number=number, seed=seed)
    text = prompt_of(plan, sort, tokens=input_tokens, seed=seed)
    return Question(
        messages=[{"role": "user", "content": text}],
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        kind=sort.name,
        leave_after_reads=leaves_after(plan.patience, output_tokens=output_tokens, seed=seed),
    )


def sort_of(plan: PointPlan, *, seed: str) -> Sort:
    """Without a mix all requests are of one kind; else the seed chooses, by the shares."""
    if plan.mix is None:
        return Sort(None, plan.lengths, plan.texts, plan.prefix)
    kind = _chosen(plan.mix, random.Random(f"{seed}/kind").random())
    return Sort(kind.name, kind.lengths, kind.texts, kind.prefix)


def _chosen(mix: Sequence[Kind], at: float) -> Kind:
    left = at * sum(kind.share for kind in mix)
    for kind in mix:
        left -= kind.share
        if left < 0:
            return kind
    return mix[-1]


def wanted_lengths(plan: PointPlan, sort: Sort, *, number: int, seed: str) -> tuple[int, int]:
    """Tokens of prompt and answer: recorded ones where a trace is replayed, else drawn."""
    lengths = sort.lengths
    if plan.trace_path is not None:
        rows = read_replay(plan.trace_path)
        row = rows[number % len(rows)]
        return row.input_tokens or lengths.input_tokens, row.output_tokens or lengths.output_tokens
    spread = lengths.input_spread
    asked = lengths.input_tokens if spread is None else drawn_length(spread, seed=f"{seed}/input")
    if lengths.output_spread is not None:
        return asked, drawn_length(lengths.output_spread, seed=f"{seed}/output")
    return asked, output_length(tokens=lengths.output_tokens, jitter=lengths.output_jitter, seed=seed)


def prompt_of(plan: PointPlan, sort: Sort, *, tokens: int, seed: str) -> str:
    """A shared beginning, where there is one, and words of its own; together about as many as wanted."""
    if sort.prefix is None:
        return own_text(plan.wording, sort.texts, tokens=tokens - plan.wording.overhead_tokens, seed=seed)
    shared_tokens = round(tokens * sort.prefix.share)
    which = random.Random(f"{seed}/prefix").randrange(sort.prefix.different)
    words = plan.wording.words(shared_tokens + plan.wording.overhead_tokens, sort.texts)
    beginning = shared_beginning(sort.texts, words=words, seed=plan.shared_seed, which=which)
    own_tokens = tokens - shared_tokens - plan.wording.overhead_tokens
    return f"{beginning}\n\n{own_text(plan.wording, sort.texts, tokens=own_tokens, seed=seed)}"


def own_text(wording: Wording, texts: Texts | None, *, tokens: int, seed: str) -> str:
    """Exactly so many tokens where the engine counted our words, and about as many else."""
    if wording.word_tokens is not None and texts in {None, "notes"}:
        return exact_text(tokens=max(1, tokens), table=wording.word_tokens, seed=seed)
    return text_of(texts, words=wording.words(tokens + wording.overhead_tokens, texts), seed=seed)


def leaves_after(patience: Patience | None, *, output_tokens: int, seed: str) -> int | None:
    """For a share of requests the read after which the person leaves, somewhere in the answer; None: stays."""
    if patience is None or patience.leave_share is None:
        return None
    pick = random.Random(f"{seed}/leave")
    return pick.randrange(output_tokens) if pick.random() < patience.leave_share else None


def _own_question(plan: PointPlan, number: int, *, seed: str) -> Question:
    """The user's own prompts in an order that the seed gives; from the start again when they are used up."""
    assert plan.data_path is not None
    prompts = read_prompts(plan.data_path)
    rounds, place = divmod(number, len(prompts))
    order = shuffled(len(prompts), seed=f"{plan.seed}/{plan.point}/{rounds}")
    prompt = prompts[order[place]]
    _, output_tokens = wanted_lengths(plan, Sort(None, plan.lengths, None, None), number=number, seed=seed)
    words = sum(len(message["content"].split()) for message in prompt.messages)
    return Question(
        messages=prompt.messages,
        input_tokens=max(1, round(words * plan.wording.tokens_per_word) + plan.wording.overhead_tokens),
        output_tokens=prompt.output_tokens or output_tokens,
        leave_after_reads=leaves_after(plan.patience, output_tokens=output_tokens, seed=seed),
    )


def shuffled(count: int, *, seed: str) -> tuple[int, ...]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return tuple(order)
