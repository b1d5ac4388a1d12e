"""What prompts are made of: notes in plain English, source files, what tools returned. All words here are our own.

Text must read like text: random tokens mislead speculative decoding and cut into other tokens than words do.
"""

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from inference_arena.load.prompts import prompt_text, sentences
from inference_arena.plan import Texts

_VERBS = "load read parse check merge sort count filter store send render update remove find split join".split()
_NOUNS = "order invoice ticket sensor route booking parcel reading session report account recipe garden train".split()
_FIELDS = "name amount weight status owner created price length colour city priority total".split()
_CODE_ASKS = (
    "Explain what this file does and where it could fail.|Add a function that returns the oldest entry, with a test.|"
    "Rewrite the slowest loop and say why it is faster.|Find the mistake in the last function and correct it.|"
    "Write tests for the functions above that cover empty input."
).split("|")
_TOOLS = "search_files read_file run_tests list_folder query_table fetch_page".split()
_TOOL_ASKS = (
    "Decide which tool to call next and with which arguments.|Say what the results show and what is still missing.|"
    "Plan the next three steps, then take the first.|Correct the call that failed and explain the correction."
).split("|")


def _code(pick: random.Random) -> Iterator[str]:
    part = pick.randrange(10**6)
    yield f'"""Helpers for every {pick.choice(_NOUNS)} of the {pick.choice(_NOUNS)} desk, part {part}."""\n'
    while True:
        verb, noun, field = pick.choice(_VERBS), pick.choice(_NOUNS), pick.choice(_FIELDS)
        other, limit = pick.choice(_FIELDS), pick.randrange(2, 900)
        yield f"\n\ndef {verb}_{noun}s({noun}s, limit={limit}):\n"
        yield f"    kept = [{noun} for {noun} in {noun}s if {noun}.{field} > limit]\n"
        if pick.random() < 0.5:
            yield f"    for {noun} in kept:\n        {noun}.{other} = round({noun}.{field} * {limit} / 100)\n"
        yield f"    return sorted(kept, key=lambda {noun}: {noun}.{other})\n"


def _tools(pick: random.Random) -> Iterator[str]:
    yield f"Task {pick.randrange(10**6)}: make the {pick.choice(_NOUNS)} desk work again. What happened so far:\n"
    while True:
        tool, noun, field = pick.choice(_TOOLS), pick.choice(_NOUNS), pick.choice(_FIELDS)
        yield f'\ncall {tool}({{"{noun}": {pick.randrange(10**4)}, "{field}": true}})\n'
        rows = ", ".join(
            f'{{"{pick.choice(_FIELDS)}": {pick.randrange(10**3)}, "{field}": "{pick.choice(_NOUNS)}"}}'
            for _ in range(pick.randrange(1, 4))
        )
        yield f"result [{rows}]\n"
        if pick.random() < 0.5:
            yield f"note {next(sentences(pick))}\n"


def _cut(parts: Iterator[str], ask: str, *, words: int) -> str:
    """As many whole parts as come to about `words` words together with the request at the end."""
    room, text = max(1, words - len(ask.split())), list[str]()
    for part in parts:
        length = len(part.split())
        if length > room and text:
            break
        text.append(part if length <= room else " ".join(islice(part.split(), room)))
        room -= length
        if room <= 0:
            break
    return f"{''.join(text)}\n{ask}"


def code_text(*, words: int, seed: int | str) -> str:
    pick = random.Random(seed)
    ask = pick.choice(_CODE_ASKS)
    return _cut(_code(pick), ask, words=words)


def tool_text(*, words: int, seed: int | str) -> str:
    pick = random.Random(seed)
    ask = pick.choice(_TOOL_ASKS)
    return _cut(_tools(pick), ask, words=words)


_MAKERS: Final[dict[str, Callable[..., str]]] = {"notes": prompt_text, "code": code_text, "tools": tool_text}


def text_of(texts: Texts | None, *, words: int, seed: int | str) -> str:
    """A prompt of this kind of text, unique from its first words on, the same for the same seed."""
    return _MAKERS[texts or "notes"](words=words, seed=seed)


@lru_cache(maxsize=256)
def shared_beginning(texts: Texts | None, *, words: int, seed: int, which: int) -> str:
    """The which-th beginning that prompts of this seed share."""
    return text_of(texts, words=words, seed=f"shared/{seed}/{which}")
