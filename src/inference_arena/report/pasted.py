"""A command line laid out for pasting: short lines that a shell joins again. Knows text only."""

import re
from typing import Final

_WORD: Final = re.compile(r"(?:'[^']*'|\"[^\"]*\"|\S)+")
_OPTION: Final = re.compile(r"--?[A-Za-z]")


def continued(command: str) -> tuple[str, ...]:
    """One option a line, and what stands for itself, such as an image, on its own; all but the last end in a backslash.

    Quoted words stay whole: a shell would read a backslash inside of them as part of the word.
    """
    lines = [" ".join(group) for group in _groups(_WORD.findall(command))]
    indented = [*lines[:1], *(f"    {line}" for line in lines[1:])]
    return (*(f"{line} \\" for line in indented[:-1]), *indented[-1:])


def _groups(words: list[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    for word in words:
        if not groups or _OPTION.match(word) or _is_full(groups):
            groups.append([word])
        else:
            groups[-1].append(word)
    return groups


def _is_full(groups: list[list[str]]) -> bool:
    """An option takes one value; the first bare word after one is an image; the program's own words stay together."""
    last = groups[-1]
    if _OPTION.match(last[0]):
        return len(last) == 2 or "=" in last[0]
    return len(groups) > 1 and bool(_OPTION.match(groups[-2][0]))
