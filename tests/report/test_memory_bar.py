"""A bar has exactly the columns that were asked for, and shows every term that is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.plan import MemoryBudget, Term
from inference_arena.report.memory_bar import NAMES, bar, legend, pattern
from planned import on, planned

TERMS = tuple(NAMES)
GIB = 1024**3


def budget(*sizes: int) -> MemoryBudget:
    """With these bytes a term; what is left of 24 GiB is free, or missing."""
    free = 24 * GIB - sum(sizes)
    terms = [
        Term(name=name, bytes=size, formula="made-up", explained="made up")
        for name, size in zip(TERMS, (*sizes, free), strict=True)
    ]
    return MemoryBudget(
        rule="vllm-profiled",
        memory_bytes=24 * GIB,
        share=0.9,
        share_bytes=21 * GIB,
        terms=tuple(terms),
        kv_cache_tokens=1,
        sequence_bytes=1,
        requests=1.0,
        longest_context_tokens=1,
        spread=0.02,
        spread_of="this test",
    )


SIZES = st.lists(st.integers(0, 40 * GIB), min_size=6, max_size=6)


@given(sizes=SIZES, columns=st.integers(7, 200), ascii_only=st.booleans())
def test_a_bar_has_exactly_the_columns_that_were_asked_for(sizes, columns, ascii_only):
    assert len(bar(budget(*sizes), columns=columns, ascii_only=ascii_only)) == columns


@given(sizes=SIZES, columns=st.integers(7, 200))
def test_every_term_that_is_there_is_seen_and_no_other(sizes, columns):
    made = budget(*sizes)
    there = {pattern(term) for term in made.terms if term.bytes > 0}

    assert set(bar(made, columns=columns)) == there


@given(sizes=SIZES, columns=st.integers(7, 200))
def test_in_ascii_there_is_no_other_character(sizes, columns):
    assert bar(budget(*sizes), columns=columns, ascii_only=True).isascii()
    assert all(line.isascii() for line in legend(budget(*sizes), ascii_only=True))


@given(sizes=SIZES, columns=st.integers(7, 200))
def test_terms_stand_in_their_order(sizes, columns):
    made = budget(*sizes)
    order = [pattern(term) for term in made.terms]
    drawn = bar(made, columns=columns)

    assert list(drawn) == sorted(drawn, key=order.index)


@pytest.mark.parametrize("columns", range(7))
def test_a_bar_that_is_too_narrow_for_its_terms_is_still_no_wider(columns):
    assert len(bar(budget(GIB, GIB, GIB, GIB, GIB, GIB), columns=columns)) == columns


def test_half_a_card_is_half_a_bar():
    drawn = bar(budget(12 * GIB, 0, 0, 0, 0, 0), columns=40)

    assert drawn == "█" * 20 + "·" * 20


def test_an_overfull_card_fills_the_whole_bar():
    drawn = bar(budget(30 * GIB, 2 * GIB, 0, 0, 0, 0), columns=32)

    assert drawn == "█" * 30 + "▓" * 2


def test_no_two_terms_share_a_pattern_in_either_form():
    terms = planned("qwen3-4b-bf16", "vllm", on("RTX 3090")).budget.terms

    for ascii_only in (False, True):
        assert len({pattern(term, ascii_only=ascii_only) for term in terms}) == len(terms) == 7
