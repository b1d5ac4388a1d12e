"""The prompts of a record once more: made from its seeds, and proved to be the same by their hashes."""

import hashlib
from collections.abc import Iterator

from inference_arena.load.prompts import prompt_text

_TOKENS_PER_WORD = 1.3


def prompt_hash(prompt: str) -> str:
    """What a trace keeps of a prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:32]


def find_words(*, seed: str, prompt_sha256: str, input_tokens: int) -> int | None:
    """How many words the prompt with this hash had: a record tells tokens only. None when it was not made here."""
    for words in _from_the_middle(round(input_tokens / _TOKENS_PER_WORD), most=2 * input_tokens + 16):
        if prompt_hash(prompt_text(words=words, seed=seed)) == prompt_sha256:
            return words
    return None


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
