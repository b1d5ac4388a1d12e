"""A table never is wider than asked, drops its least needed columns first, and shows names without obeying them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.report.table import Column, fitted, table

MODEL = Column(head="model", cells=("Qwen3 8B, Q4_K_M", "Gemma 3 12B IT, Q8_0"))
SPEED = Column(head="tok/s", cells=("40 to 60", "–"), right=True, need=1)
BAR = Column(head="memory", cells=("█" * 16, "▓" * 16), need=4)


def test_all_columns_stand_where_there_is_room():
    lines = table([MODEL, SPEED, BAR], width=80).lines

    assert lines[0].split() == ["model", "tok/s", "memory"]
    assert lines[1].startswith("Qwen3 8B, Q4_K_M")
    assert lines[2].split()[-2] == "–"


def test_the_least_needed_columns_go_first():
    assert table([MODEL, SPEED, BAR], width=40).lines[0].split() == ["model", "tok/s"]
    assert table([MODEL, SPEED, BAR], width=25).lines[0].split() == ["model"]


def test_what_is_too_long_even_then_is_cut_with_a_mark_that_says_so():
    lines = table([MODEL], width=10).lines

    assert lines == ("model", "Qwen3 8B,…", "Gemma 3 1…")


def test_in_ascii_the_mark_is_three_points():
    lines = table([MODEL], width=10, ascii_only=True).lines

    assert lines[1:] == ("Qwen3 8...", "Gemma 3...")


CELL = st.text(max_size=60)
COLUMNS = st.integers(1, 5).flatmap(
    lambda rows: st.lists(
        st.builds(
            Column,
            head=CELL,
            cells=st.lists(CELL, min_size=rows, max_size=rows).map(tuple),
            right=st.booleans(),
            need=st.integers(0, 4),
        ),
        min_size=1,
        max_size=6,
    )
)


@given(columns=COLUMNS, width=st.integers(1, 160), ascii_only=st.booleans())
def test_whatever_is_in_it_a_table_is_no_wider_than_asked_and_acts_on_nothing(columns, width, ascii_only):
    made = table(columns, width=width, ascii_only=ascii_only)

    assert all(len(line) <= width for line in made.lines)
    assert len(made.lines) == 1 + len(columns[0].cells)
    assert all(line.isprintable() for line in made.lines)
    assert not ascii_only or all(line.isascii() for line in made.lines)


@pytest.mark.parametrize(
    "name", ["\x1b[2J\x1b[31mred", "two\nlines", "tab\there", "\u202egnp.exe", "bell\a", "\x9b31m"]
)
def test_names_that_would_act_on_a_terminal_are_shown_escaped(name):
    (_, line) = table([Column(head="model", cells=(name,))], width=80).lines

    assert line.isprintable()
    assert "\\" in line


@given(text=st.text(max_size=50), width=st.integers(1, 60), ascii_only=st.booleans())
def test_a_line_is_fitted_to_any_width(text, width, ascii_only):
    line = fitted(text, width=width, ascii_only=ascii_only)

    assert len(line) <= width
    assert line.isprintable()
