"""One engine's flags in another's words, one by one: what each becomes, or why there is nothing for it."""

from collections.abc import Sequence

from inference_arena.engines import dials
from inference_arena.engines.adapter import Dialect
from inference_arena.facts import Fact, engines, flag_support, has_flag


class Translated(Fact):
    """A flag as it was written, what it becomes, and where that is nothing, why."""

    flag: str
    becomes: tuple[str, ...]
    reason: str | None = None


def translate(flags: Sequence[str], *, source: Dialect, goal: Dialect, release: str) -> tuple[Translated, ...]:
    """Flags of `source` for `release` of `goal`. Raises UsageError for a value that cannot be meant."""
    return tuple(
        _one(name, words, source=source, goal=goal, release=release)
        for name, words in dials.pieces(flags, engine=source.NAME)
    )


def _one(name: str, words: tuple[str, ...], *, source: Dialect, goal: Dialect, release: str) -> Translated:
    settings, _ = source.read_flags(words)
    asked = [field for field, value in settings if value is not None and field != "flags"]
    said = " ".join(words)
    becomes = goal.flags(settings, release=release)
    if becomes:
        return Translated(flag=said, becomes=becomes)
    if not asked and goal.NAME == source.NAME and has_flag(goal.NAME, release, name):
        return Translated(flag=said, becomes=(name, *_values(words)))
    missing = asked[0] if asked else name
    nothing = bool(asked) and not goal.unspoken(settings, release=release)
    default = f"{engines()[goal.NAME].title} does so by itself" if nothing else None
    return Translated(flag=said, becomes=(), reason=default or goal.NOT_HERE.get(missing) or _gone(name, goal, release))


def _values(words: tuple[str, ...]) -> tuple[str, ...]:
    _, equals, value = words[0].partition("=")
    return (value,) if equals else words[1:]


def _gone(name: str, goal: Dialect, release: str) -> str:
    title, rows = engines()[goal.NAME].title, flag_support(goal.NAME).get(name, ())
    if rows and rows[-1].last is not None:
        return f"{title} {release} has no {name}: {rows[-1].last} was the last release that was seen with it"
    if rows:
        return f"{title} {release} has no {name} yet: it came with {rows[0].first}"
    return f"{title} never had {name}"
