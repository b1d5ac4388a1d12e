"""Text of others made harmless: a terminal shows it and never obeys it."""

_PLAIN_ASCII = str.maketrans({"–": "-", "°": "", "±": "+/-", "·": "-", "…": "...", "—": "-", "‘": "'", "’": "'"})


def plain(text: str, *, ascii_only: bool = False) -> str:
    """The text with everything that is not a printable character escaped: newlines, ANSI codes, bidi marks.

    Names of models and lines of logs come from others; a terminal must show them, never obey them.
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if not ascii_only:
        return shown
    return shown.translate(_PLAIN_ASCII).encode("ascii", "backslashreplace").decode("ascii")
