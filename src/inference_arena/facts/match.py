"""From a name to a card: a driver's name with the memory it reports, or what a person types.

Knows how names are spelt; reads no driver. A driver's name that is not certain has no card: a wrong card would give
wrong answers, an unknown one still works from what the driver reports.
"""

import re
from collections.abc import Hashable, Iterable
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar

from inference_arena.errors import NotFoundError
from inference_arena.facts.catalogue import gpus
from inference_arena.facts.gpu import Gpu
from inference_arena.facts.host import Device

Key = TypeVar("Key", bound=Hashable)

# drivers keep up to a sixteenth of a card's memory back for error correction, and firmware takes some more
_LESS_MEMORY = 0.08
_MORE_MEMORY = 0.01
_GIB = 1024**3
_SHOWN_CHARACTERS = 60
_SHOWN_CARDS = 8

_NOISE = frozenset("nvidia amd ati intel apple geforce radeon tesla graphics graphic gpu card corporation inc".split())
# words that a person may leave out without meaning another card
_FAMILY = frozenset("rtx gtx rx arc titan instinct generation".split())
_SIZE = re.compile(r"(?<![\d.])(\d{1,4})\s*gi?b\b")
_CORES = re.compile(r"(?<![\d.])(\d{1,3})[\s-]*cores?\b")
_MARKS = re.compile(r"\((?:tm|r|c)\)|[™®©]")
_APART = (
    (re.compile(r"max[\s-]?q"), " maxq "),
    (re.compile(r"\bmobile\b|\bnotebook\b"), " laptop "),
    (re.compile(r"\b([a-z]{2,})(\d{3,})"), r"\1 \2"),  # rtx3090, mi300x
    (re.compile(r"\b(\d{4})([a-z]{2,})"), r"\1 \2"),  # 4070ti, 7900xtx
    (re.compile(r"\b(m\d)(pro|max|ultra)\b"), r"\1 \2"),
    (re.compile(r"\b(sxm)(\d)\b"), r"\1 \2"),
)


class _Name(NamedTuple):
    """A name's words without makers and marks, and the size in GB and number of cores that it names."""

    words: frozenset[str]
    size: int | None
    cores: int | None


def card_of(
    *, name: str, vendor: str | None = None, memory_bytes: int | None = None, cores: int | None = None
) -> Gpu | None:
    """The catalogue's card that a driver calls `name`; None where that is not certain.

    `memory_bytes` is what the driver reports, `cores` an Apple chip's GPU cores. A card whose title names a size or
    that is told apart by its cores is matched only where the name or these two confirm it.
    """
    said = _parsed(name)
    seen = _Name(said.words, said.size, cores if cores is not None else said.cores)
    named = [card for card in _called(name) if vendor in (None, card.vendor) and card.cores in (None, seen.cores)]
    cards = [card for card in named if _right_memory(card, seen, memory_bytes)]
    return cards[0] if len(cards) == 1 else None


def card_of_device(device: Device) -> Gpu | None:
    """The card of one device of a machine; None where its driver gives no name, or none that the catalogue has."""
    if device.name is None:
        return None
    return card_of(name=device.name, vendor=device.vendor, memory_bytes=device.memory_bytes, cores=device.gpu_cores)


def find_gpu(text: str) -> Gpu:
    """The card that a person means, such as "RTX 3090", "4090 laptop" or a card's own name.

    Raises NotFoundError that lists the cards which could be meant, or the nearest names.
    """
    if text in gpus():
        return gpus()[text]
    wanted = _parsed(text)
    cards = [card for card in gpus().values() if _may_be(wanted, card)]
    close = [card for card in cards if _left_out(wanted, card) <= _FAMILY] or cards
    if len(close) == 1:
        return close[0]
    raise _ambiguous(text, close) if close else _unknown(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> _Name:
    text = _MARKS.sub(" ", text.lower())
    for pattern, apart in _APART:
        text = pattern.sub(apart, text)
    size, cores = _SIZE.search(text), _CORES.search(text)
    words = re.split(r"[^a-z0-9]+", _CORES.sub(" ", _SIZE.sub(" ", text)))
    return _Name(
        frozenset(word for word in words if word and word not in _NOISE),
        int(size[1]) if size else None,
        int(cores[1]) if cores else None,
    )


def _names(card: Gpu) -> tuple[str, ...]:
    return (card.title, *card.reported_names)


@cache
def _by_name() -> dict[str, list[Gpu]]:
    return _grouped((name.lower(), card) for card in gpus().values() for name in _names(card))


@cache
def _by_words() -> dict[frozenset[str], list[Gpu]]:
    return _grouped((_parsed(name).words, card) for card in gpus().values() for name in _names(card))


def _grouped(pairs: Iterable[tuple[Key, Gpu]]) -> dict[Key, list[Gpu]]:
    groups: dict[Key, list[Gpu]] = {}
    for key, card in pairs:
        cards = groups.setdefault(key, [])
        cards += [card] if card not in cards else []
    return groups


def _called(name: str) -> list[Gpu]:
    """Cards with exactly this name; else those with the same words."""
    return _by_name().get(name.strip().lower()) or _by_words().get(_parsed(name).words, [])


def _right_memory(card: Gpu, seen: _Name, memory_bytes: int | None) -> bool:
    if seen.size is not None and not _is_size(card, seen.size):
        return False
    if memory_bytes is not None:
        least = 0.0 if card.unified else card.memory_bytes * (1 - _LESS_MEMORY)
        return least <= memory_bytes <= card.memory_bytes * (1 + _MORE_MEMORY)
    return card.unified or seen.size is not None or _parsed(card.title).size is None


def _is_size(card: Gpu, size: int) -> bool:
    return size * _GIB == card.memory_bytes


def _may_be(wanted: _Name, card: Gpu) -> bool:
    """Every word that was typed is the card's, and no other size or number of cores was."""
    return (
        bool(wanted.words)
        and any(wanted.words <= _parsed(name).words for name in _names(card))
        and (wanted.size is None or card.unified or _is_size(card, wanted.size))
        and (wanted.cores is None or card.cores in (None, wanted.cores))
    )


def _left_out(wanted: _Name, card: Gpu) -> frozenset[str]:
    """The card's words that were not typed, of the name that is nearest to what was."""
    return min((_parsed(name).words - wanted.words for name in _names(card)), key=len)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


def _ambiguous(text: str, cards: list[Gpu]) -> NotFoundError:
    names = [card.name for card in cards[:_SHOWN_CARDS]]
    more = f" and {len(cards) - _SHOWN_CARDS} more" if len(cards) > _SHOWN_CARDS else ""
    return NotFoundError(f"{_shown(text)} may be several cards", try_="one of: " + ", ".join(names) + more)


def _unknown(text: str) -> NotFoundError:
    typed = " ".join(sorted(_parsed(text[: 4 * _SHOWN_CHARACTERS]).words))
    plain = {" ".join(sorted(_parsed(card.title).words)): card.name for card in gpus().values()}
    near = [plain[name] for name in get_close_matches(typed, plain, n=4, cutoff=0.5)]
    return NotFoundError(
        f"no card is called {_shown(text)}",
        try_="one of: " + ", ".join(near) if near else "a card's name, such as geforce-rtx-3090",
    )
