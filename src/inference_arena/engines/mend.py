"""Settings changed by an advice: flags that replace what said the same before, and flags that go. Pure.

A setting may have been asked for as ours or as a flag of the engine's own; either way there is one of it afterwards.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from inference_arena.engines import dials
from inference_arena.engines.adapter import Dialect
from inference_arena.plan import Settings


def with_flags(dialect: Dialect, settings: Settings, flags: Sequence[str]) -> Settings:
    """The settings with these flags in place of those that say the same. Raises UsageError for what is no value."""
    found, rest = dialect.read_flags(flags)
    named = {name for name, _ in dials.pieces(rest, engine=dialect.NAME)}
    changed = {name: value for name, value in found if name != "flags" and value is not None}
    other = with_settings(dialect, settings, changed)
    kept = _without(other.flags, named, engine=dialect.NAME)
    return other.model_copy(update={"flags": (*kept, *rest)})


def with_settings(dialect: Dialect, settings: Settings, changed: Mapping[str, Any]) -> Settings:
    """The settings with these values; flags that would overrule them go."""
    names = {name for dial in dialect.DIALS if dial.setting in changed for name in dial.all_names}
    kept = _without(settings.flags, names, engine=dialect.NAME)
    return settings.model_copy(update={**changed, "flags": kept})


def without_flags(dialect: Dialect, settings: Settings, names: Collection[str]) -> Settings:
    """The settings without what these flags say, whether they came as a flag or as a setting of ours."""
    spoken = {dial.setting: None for dial in dialect.DIALS if set(dial.all_names) & set(names)}
    kept = _without(settings.flags, names, engine=dialect.NAME)
    return settings.model_copy(update={**spoken, "flags": kept})


def names_of(dialect: Dialect, setting: str) -> tuple[str, ...]:
    """The flags that say this setting, the usual one first."""
    return tuple(name for dial in dialect.DIALS if dial.setting == setting for name in dial.all_names)


def given(dialect: Dialect, flags: Sequence[str]) -> Mapping[str, str]:
    """The flags by their names, as they were written; the last of several."""
    return {name: " ".join(words) for name, words in dials.pieces(flags, engine=dialect.NAME)}


def _without(flags: Sequence[str], names: Collection[str], *, engine: str) -> tuple[str, ...]:
    return tuple(word for name, words in dials.pieces(flags, engine=engine) if name not in names for word in words)
