"""Text of others made harmless: a terminal shows it and never obeys it."""

from unicodedata import category

_PLAIN_ASCII = str.maketrans({"–": "-", "°": "", "±": "+/-", "·": "-", "…": "...", "—": "-", "‘": "'", "’": "'"})


def plain(text: str, *, ascii_only: bool = False) -> str:
    """The text with everything that is not a printable character escaped: newlines, ANSI codes, bidi marks.

    Names of models and lines of logs come from others; a terminal must show them, never obey them.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if not ascii_only:
        return shown
    return shown.translate(_PLAIN_ASCII).encode("ascii", "backslashreplace").decode("ascii")


# what joins letters and pictures in many scripts and moves nothing
_JOINERS = "\u200c\u200d"


def passage(text: str) -> str:
    """As plain, for text of several lines: lines and tabs stay, and so do wide spaces and what joins letters."""
    kept = text.replace("\r\n", "\n")
    return "".join(c if c in "\n\t" or c in _JOINERS else " " if category(c) == "Zs" else plain(c) for c in kept)
