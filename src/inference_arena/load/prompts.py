"""Prompts: plain English of a wanted number of words, unique from its first words on, the same for the same seed.

Random tokens would mislead speculative decoding and tokenizers, and a shared beginning would be served from the
prefix cache, so each prompt opens with names of its own and goes on in sentences.
"""

import random
from collections.abc import Iterator, Mapping
from itertools import islice

_NAMES = (
    "Ada Alan Amara Anders Anya Bea Bruno Carla Chen Clara Dario Dina Edgar Elena Emil Farah Felix Freya Gita Hana "
    "Hugo Ida Ines Ivan Jonas Judit Kaya Kenji Lara Leo Lina Luca Maja Marco Mira Nadia Nils Nora Omar Otto Pablo "
    "Petra Quinn Rania Rosa Samir Sara Selma Tariq Tessa Theo Uma Vera Viktor Wanda Yara Yusuf Zoe"
).split()
_PLACES = (
    "Aarhus Bergen Bilbao Bologna Bruges Cadiz Coimbra Cork Dresden Galway Genoa Ghent Graz Krakow Leipzig Lisbon "
    "Ljubljana Lucca Lyon Malmo Nantes Oporto Ostrava Padua Riga Rouen Salzburg Seville Sofia Split Tallinn Tartu "
    "Trieste Turku Utrecht Valencia Vienna Vilnius Wroclaw Zagreb"
).split()
_THINGS = (
    "garden|bridge|library|market|workshop|harbour|school|bakery|museum|railway|orchard|theatre|laboratory|observatory|"
    "kitchen|vineyard|lighthouse|archive|windmill|greenhouse"
).split("|")
_WHO = (
    "the gardener|a young engineer|the librarian|two students|the old captain|a travelling musician|the baker|"
    "a patient teacher|the night watchman|three neighbours|the doctor|a careful carpenter|the astronomer|her brother"
).split("|")
_DID = (
    "repaired|measured|described|painted|compared|counted|opened|visited|explained|carried|sorted|tested|moved|drew|"
    "found|cleaned|planned|weighed|recorded|rebuilt"
).split("|")
_WHAT = (
    "the broken clock|a box of letters|every wooden door|the water pump|an unusual map|the winter harvest|old tools|"
    "the ticket office|a row of lamps|the northern wall|seven glass jars|the small boat|a list of questions|warm bread|"
    "the printing press|the weather station"
).split("|")
_HOW = (
    "before the rain came|with great care|in less than an hour|for the third time|without asking anybody|"
    "by candle light|while the others slept|after a long discussion|as the manual advised|on a cold morning|"
    "and wrote the result down|although nobody had paid for it|near the river|with a borrowed ruler"
).split("|")
_ASK = (
    "Tell in detail what happened next and why.|Explain what they should do now, step by step.|"
    "Describe the place and the people as vividly as you can.|Write the letter that answers these notes.|"
    "List what could go wrong tomorrow and how to prevent it."
).split("|")


def sentences(pick: random.Random) -> Iterator[str]:
    while True:
        yield _sentence(pick)


def _sentence(pick: random.Random) -> str:
    who = pick.choice(_WHO)
    text = f"{who[0].upper()}{who[1:]} {pick.choice(_DID)} {pick.choice(_WHAT)} {pick.choice(_HOW)}."
    return text if pick.random() < 0.5 else f"In {pick.choice(_PLACES)}, {who} {text[len(who) + 1 :]}"


def _opening(pick: random.Random) -> str:
    return (
        f"{pick.choice(_NAMES)} and {pick.choice(_NAMES)} from {pick.choice(_PLACES)} kept notes on the "
        f"{pick.choice(_THINGS)}, page {pick.randrange(10, 9999)}."
    )


def prompt_text(*, words: int, seed: int | str) -> str:
    """About `words` words: an opening, sentences, and a request; never fewer than asked by more than one sentence."""
    pick = random.Random(seed)
    opening = _opening(pick)
    ask = pick.choice(_ASK)
    parts = opening.split()
    while len(parts) < words - len(ask.split()):
        parts += _sentence(pick).split()
    room = max(1, words - len(ask.split()))
    return " ".join([*islice(parts, room), *ask.split()][:words])


def vocabulary() -> tuple[str, ...]:
    """Every word that plain prompts are made of, but for page numbers; one number of each length stands for those."""
    sources = (*_NAMES, *_PLACES, *_THINGS, *_WHO, *_DID, *_WHAT, *_HOW, *_ASK, "and from kept notes on the page In")
    words = {word for text in sources for word in text.split()}
    ends = {f"{text.split()[-1]}." for text in _HOW} | {f"{thing}," for thing in _THINGS}
    starts = {f"{text[0].upper()}{text[1:]}".split()[0] for text in _WHO}
    return tuple(sorted(words | ends | starts | {f"{place}," for place in _PLACES} | set(_NUMBERS.values())))


def first_words() -> tuple[str, ...]:
    """The words that plain prompts begin with, where no space stands before them."""
    return tuple(sorted(set(_NAMES)))


FIRST = "^"  # before a word in a table: its count at the beginning of a prompt
_NUMBERS = {2: "10.", 3: "100.", 4: "1000."}


def tokens_of(word: str, table: Mapping[str, int]) -> int:
    """By the engine's own count; a page number counts as one of its length."""
    return table.get(word) or table.get(_NUMBERS.get(len(word) - 1, ""), 1)


def exact_text(*, tokens: int, table: Mapping[str, int], seed: int | str) -> str:
    """Plain text of exactly so many tokens by the engine's count of our words: sentences, filled up, then the request.

    Under the length of the request alone it is as short as one sentence's beginning.
    """
    pick = random.Random(seed)
    opening, ask = _opening(pick).split(), pick.choice(_ASK).split()
    short = sorted(word for word, count in table.items() if count == 1 and word.islower() and word.isalpha())
    ask = ask if sum(tokens_of(word, table) for word in ask) < tokens - 8 else []
    room = tokens - sum(tokens_of(word, table) for word in ask)
    parts: list[str] = []
    waiting = iter(opening)
    while room > 0:
        word = next(waiting, None)
        if word is None:
            waiting = iter(_sentence(pick).split())
            continue
        known = f"{FIRST}{word}" if not parts and f"{FIRST}{word}" in table else word
        if (count := tokens_of(known, table)) > room:
            parts += [pick.choice(short) for _ in range(room)]
            break
        parts.append(word)
        room -= count
    return " ".join((*parts, *ask))
