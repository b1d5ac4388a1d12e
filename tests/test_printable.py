"""Text of others is shown and never obeyed."""

import pytest

from inference_arena.printable import passage, plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb\tc", "a\nb\tc"),
        ("a\r\nb", "a\nb"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x07\x9b31m", "\\x07\\x9b31m"),
        ("over\rwritten", "over\\rwritten"),
        ("\u202eabc", "\\u202eabc"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_passage_keeps_lines_and_letters_and_nothing_that_a_terminal_would_obey(given: str, shown: str):
    assert passage(given) == shown


def test_a_line_keeps_no_line_break():
    assert plain("a\nb\x1b[0m") == "a\\nb\\x1b[0m"
