"""Prompts: plain English of a wanted number of words, unique from its first words on, the same for the same seed.

Random tokens would mislead speculative decoding and tokenizers, and a shared beginning would be served from the
prefix cache, so each prompt opens with names of its own and goes on in sentences.
"""

import random
from collections.abc import Iterator
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


def prompt_text(*, words: int, seed: int | str) -> str:
    """About `words` words: an opening, sentences, and a request; never fewer than asked by more than one sentence."""
    pick = random.Random(seed)
    opening = (
        f"{pick.choice(_NAMES)} and {pick.choice(_NAMES)} from {pick.choice(_PLACES)} kept notes on the "
        f"{pick.choice(_THINGS)}, page {pick.randrange(10, 9999)}."
    )
    ask = pick.choice(_ASK)
    parts = opening.split()
    while len(parts) < words - len(ask.split()):
        parts += _sentence(pick).split()
    room = max(1, words - len(ask.split()))
    return " ".join([*islice(parts, room), *ask.split()][:words])
