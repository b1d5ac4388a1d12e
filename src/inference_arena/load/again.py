"""The prompts of a record once more: made from its seeds, and proved to be the same by their hashes."""

import hashlib
from collections.abc import Iterator, Mapping

from inference_arena.load.prompts import exact_text, prompt_text

_TOKENS_PER_WORD = 1.3
_MOST_OVERHEAD = 512  # tokens


def prompt_hash(prompt: str) -> str:
    """What a trace keeps of a prompt."""
    return hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()[:32]


def find_words(*, seed: str, prompt_sha256: str, input_tokens: int) -> int | None:
    """How many words the prompt with this hash had: a record tells tokens only. None when it was not made here."""
    for words in _from_the_middle(round(input_tokens / _TOKENS_PER_WORD), most=2 * input_tokens + 16):
        if prompt_hash(prompt_text(words=words, seed=seed)) == prompt_sha256:
            return words
    return None


def find_overhead(*, seed: str, prompt_sha256: str, input_tokens: int, table: Mapping[str, int]) -> int | None:
    """How many tokens of the wanted length the chat template took: prompts of `exact_text` are that much shorter.

    None where the prompt with this hash was not made of this engine's counts.
    """
    for overhead in range(min(input_tokens, _MOST_OVERHEAD)):
        if prompt_hash(exact_text(tokens=input_tokens - overhead, table=table, seed=seed)) == prompt_sha256:
            return overhead
    return None


def exact_again(*, tokens: int, table: Mapping[str, int], seed: str, prompt_sha256: str) -> str | None:
    """The prompt of exactly so many tokens; None when it is another one than the trace was about."""
    prompt = exact_text(tokens=max(1, tokens), table=table, seed=seed)
    return prompt if prompt_hash(prompt) == prompt_sha256 else None


def prompt_again(*, words: int, seed: str, prompt_sha256: str) -> str | None:
    """The prompt; None when it is another one than the trace was about."""
    prompt = prompt_text(words=words, seed=seed)
    return prompt if prompt_hash(prompt) == prompt_sha256 else None


def request_seed(*, seed: int, point: int, request: int) -> str:
    return f"{seed}/{point}/{request}"


def _from_the_middle(middle: int, *, most: int) -> Iterator[int]:
    """The likely numbers first: a server that counts its tokens has taught us nearly as many."""
    for off in range(most + 1):
        for words in {middle + off, middle - off}:
            if 1 <= words <= most:
                yield words
