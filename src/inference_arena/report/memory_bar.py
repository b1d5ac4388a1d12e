"""A card's memory drawn as one bar, term by term, each with a pattern of its own so that colour is not needed."""

from collections.abc import Sequence
from typing import Final

from inference_arena import units
from inference_arena.plan import MemoryBudget, Term

_PATTERNS: Final = {
    "weights": ("█", "W"),
    "kv_cache": ("▓", "K"),
    "activations": ("▒", "A"),
    "graphs": ("░", "G"),
    "context": ("▚", "C"),
    "reserve": ("▞", "R"),
    "free": ("·", "."),
}
NAMES: Final = {
    "weights": "weights",
    "kv_cache": "KV cache",
    "activations": "activations",
    "graphs": "graphs",
    "context": "context",
    "reserve": "reserve",
    "free": "free",
}


def bar(budget: MemoryBudget, *, columns: int, ascii_only: bool = False) -> str:
    """The bar in `columns` characters; every term above zero gets one at least. An overfull card fills it all."""
    terms = [term for term in budget.terms if term.bytes > 0]
    total = max(budget.memory_bytes, sum(term.bytes for term in terms)) or 1
    widths = _widths([term.bytes / total * columns for term in terms], columns=columns)
    return "".join(pattern(term, ascii_only=ascii_only) * width for term, width in zip(terms, widths, strict=True))


def pattern(term: Term, *, ascii_only: bool = False) -> str:
    return _PATTERNS[term.name][1 if ascii_only else 0]


def legend(budget: MemoryBudget, *, ascii_only: bool = False) -> tuple[str, ...]:
    """One line a term: its pattern, name and size."""
    return tuple(
        f"{pattern(term, ascii_only=ascii_only)} {NAMES[term.name]:<12} {units.gib(term.bytes):>10}"
        for term in budget.terms
    )


def _widths(shares: Sequence[float], *, columns: int) -> list[int]:
    """Whole columns that add up: each at least one, the rest to those with the largest remainders."""
    widths = [max(1, int(share)) for share in shares]
    order = sorted(range(len(shares)), key=lambda i: int(shares[i]) - shares[i])
    for i in order * columns:
        if sum(widths) >= columns:
            break
        widths[i] += 1
    while sum(widths) > columns:
        widths[widths.index(max(widths))] -= 1
    return widths
