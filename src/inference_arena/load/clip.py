"""Words of strangers, cut to a length that a record can keep."""

from typing import Final

MOST_DETAIL_CHARACTERS: Final = 200


def clip(text: str | None) -> str | None:
    """One printable line of at most 200 characters: it comes from a stranger."""
    if text is None:
        return None
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MOST_DETAIL_CHARACTERS else line[: MOST_DETAIL_CHARACTERS - 1] + "…"
