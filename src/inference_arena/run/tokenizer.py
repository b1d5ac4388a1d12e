"""How many tokens each of our words is, asked of the engine's own tokenizer before the clock starts.

vLLM, SGLang and llama.cpp answer POST /tokenize; one body serves all three. Words are asked for behind another word, as
they stand in a prompt: alone, some tokenizers cut them otherwise.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from inference_arena.load import FIRST, first_words, vocabulary
from inference_arena.run.http import post

TIMEOUT_S: Final = 5.0
BEFORE: Final = "the"
MOST_OFF: Final = 1  # tokens, in a text of all our words
Count = Callable[[str], int | None]


def counter(root: str, *, headers: Mapping[str, str], model: str) -> Count:
    """Tokens of a text, by the engine; None where it does not say."""

    def count(text: str) -> int | None:
        asked = {"model": model, "prompt": text, "content": text, "add_special_tokens": False, "add_special": False}
        reply = post(f"{root}/tokenize", headers=headers, timeout_s=TIMEOUT_S, document=asked)
        return _counted(reply.document()) if reply.status == 200 else None

    return count


def _counted(document: Any) -> int | None:
    if not isinstance(document, dict):
        return None
    count, tokens = document.get("count"), document.get("tokens")
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    return len(tokens) if isinstance(tokens, list) else None


def word_tokens(count: Count) -> dict[str, int] | None:
    """Tokens of every word that our plain prompts are made of; None where they do not add up to those of a text."""
    alone = count(BEFORE)
    if alone is None:
        return None
    words: dict[str, int] = {}
    for word in vocabulary():
        together = count(f"{BEFORE} {word}")
        if together is None or together < alone:
            return None
        words[word] = together - alone
    whole = count(" ".join((BEFORE, *words)))
    adds_up = whole is not None and abs(whole - alone - sum(words.values())) <= MOST_OFF
    if not adds_up or 1 not in words.values():
        return None
    starts = {f"{FIRST}{word}": count(word) for word in first_words()}
    return words | {word: tokens for word, tokens in starts.items() if tokens is not None}
