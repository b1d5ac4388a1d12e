"""The prompts of a record's requests once more, for another tool: which can be made again, and which cannot and why."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from inference_arena.errors import ArenaError
from inference_arena.load import exact_again, find_overhead, find_words, prompt_again, request_seed
from inference_arena.record import Point, Record, RequestTrace
from inference_arena.run.drivers import Prompt

FEWEST_REQUESTS: Final = 6
Counts = Mapping[str, int] | None


def prompts_again(
    record: Record, point: Point, traces: Sequence[RequestTrace], *, counts: Callable[[], Counts]
) -> tuple[Prompt, ...]:
    """Made from the record's seeds, and proved to be the same by their hashes.

    `counts`: the engine's tokens of each of our words, for prompts of an exact length; asked only where it takes them.
    """
    if len(traces) < FEWEST_REQUESTS:
        raise ArenaError(
            f"{record.id} has too few requests at {point.load.label} to crosscheck",
            why=f"{len(traces)} succeeded inside its window, and a median with an interval takes {FEWEST_REQUESTS}",
            try_="measure longer: arena run --duration 60s",
        )
    seeds = [request_seed(seed=point.seed, point=point.index, request=trace.request) for trace in traces]
    exact = not record.trial.lengths.output_jitter
    texts = _by_counts(traces, seeds, table=counts()) if exact else None
    texts = _by_words(traces, seeds) if texts is None else texts
    if texts is None:
        raise ArenaError(
            f"the prompts of {record.id} cannot be made again",
            why="their hashes are not those of prompts that this arena makes from the record's seeds",
            try_="measure anew with this arena, then crosscheck that record",
        )
    return tuple(
        Prompt(text=text, output_tokens=trace.asked_output_tokens) for text, trace in zip(texts, traces, strict=True)
    )


def _by_words(traces: Sequence[RequestTrace], seeds: Sequence[str]) -> list[str] | None:
    """Prompts of about the wanted length. Where lengths were drawn, each prompt has a number of words of its own."""
    words: dict[int, int | None] = {}
    made = []
    for seed, trace in zip(seeds, traces, strict=True):
        asked, hashed = trace.asked_input_tokens, trace.prompt_sha256
        if asked not in words:
            words[asked] = find_words(seed=seed, prompt_sha256=hashed, input_tokens=asked)
        known = words[asked]
        made.append(None if known is None else prompt_again(words=known, seed=seed, prompt_sha256=hashed))
        if made[-1] is None:
            return None
    return [text for text in made if text is not None]


def _by_counts(traces: Sequence[RequestTrace], seeds: Sequence[str], *, table: Counts) -> list[str] | None:
    """Prompts of exactly the wanted length, by the engine's count of our words."""
    first = traces[0]
    overhead = None if table is None else find_overhead(
        seed=seeds[0], prompt_sha256=first.prompt_sha256, input_tokens=first.asked_input_tokens, table=table
    )  # fmt: skip
    if table is None or overhead is None:
        return None
    made = [
        exact_again(
            tokens=trace.asked_input_tokens - overhead, table=table, seed=seed, prompt_sha256=trace.prompt_sha256
        )
        for seed, trace in zip(seeds, traces, strict=True)
    ]
    return None if None in made else [text for text in made if text is not None]
