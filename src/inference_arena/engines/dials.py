"""Settings as one engine's flags, and flags as settings. Knows how a table of dials is read, not what is in one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from inference_arena.errors import UsageError
from inference_arena.facts import flag_support, has_flag
from inference_arena.plan import Settings

Value = str | int | float | bool
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One setting in one engine's words. `names`: the flag and its other spellings, the usual one first.

    A switch has no value: `names` turn the setting on, `off` turn it off, and a way that it has no name for is the
    engine's own default. `choices`: the words that the engine takes, where it takes few; `words`: ours, in its words.
    `least`: the least that a whole number may be.
    """

    setting: str
    names: tuple[str, ...] = ()
    kind: Literal["whole", "share", "text", "switch"]
    off: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    least: int = 1

    @property
    def all_names(self) -> tuple[str, ...]:
        return self.names + self.off


def spell(dials: Sequence[Dial], settings: Settings, *, engine: str, release: str | None) -> tuple[str, ...]:
    """The settings as flags, less those that `release` has no flag for, and those that `settings.flags` give already.

    `release` None: whichever it is, the usual names will do.
    """
    given = {name for name, _ in pieces(settings.flags, engine=engine)}
    wanted = ((dial, getattr(settings, dial.setting)) for dial in dials)
    chosen = [(dial, value) for dial, value in wanted if value is not None and not given & set(dial.all_names)]
    return tuple(part for dial, value in chosen for part in _words(dial, value, engine=engine, release=release))


def _words(dial: Dial, value: Value, *, engine: str, release: str | None) -> tuple[str, ...]:
    names = dial.names if dial.kind != "switch" or value else dial.off
    name = next((one for one in names if release is None or has_flag(engine, release, one)), None)
    said = dict(dial.words).get(str(value), str(value))
    if name is None or (release is not None and dial.choices and said not in dial.choices):
        return ()
    return (name,) if dial.kind == "switch" else (name, said)


def unspoken(dials: Sequence[Dial], settings: Settings, *, engine: str, release: str) -> tuple[str, ...]:
    """The settings that are asked for and that this release has no flag for."""
    known = {dial.setting: dial for dial in dials}
    asked = {name: value for name, value in settings if value is not None and name != "flags"}
    return tuple(
        name
        for name, value in asked.items()
        if name not in known or not _is_spoken(known[name], value, engine=engine, release=release)
    )


def _is_spoken(dial: Dial, value: Value, *, engine: str, release: str) -> bool:
    nameless = dial.kind == "switch" and not (dial.names if value else dial.off)
    return nameless or bool(_words(dial, value, engine=engine, release=release))


def pieces(flags: Sequence[str], *, engine: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each flag's name beside the words it was written in: `--a 1`, `--a=1`, or without dashes `a=1` and `a`."""
    ever = flag_support(engine)
    words: list[str] = []
    for word in flags:
        starts = not words or "=" in words[-1] or _is_start(word) or _name(word) in ever
        if starts and words:
            yield _name(words[0]), tuple(words)
            words = []
        words.append(word)
    if words:
        yield _name(words[0]), tuple(words)


def _is_start(word: str) -> bool:
    """With a dash before it and no number, or a pair such as gpu-memory-utilization=0.60."""
    if word.startswith("-"):
        return not word.lstrip("-").replace(".", "", 1).isdigit()
    name, equals, _ = word.partition("=")
    return bool(equals) and name.replace("-", "").replace("_", "").isalpha()


def _name(word: str) -> str:
    """As the engine's help has it: with dashes before it, and no underscore in a long name."""
    name = word.partition("=")[0]
    name = name if name.startswith("-") else f"--{name}"
    return name.replace("_", "-") if name.startswith("--") else name


def read(dials: Sequence[Dial], flags: Sequence[str], *, engine: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What known flags set, and the rest untouched. Raises UsageError for a value that cannot be meant.

    A setting that two flags give different values is left to them: both stay among the rest.
    """
    by_name = {name: dial for dial in dials for name in dial.all_names}
    known = [(by_name[name], name, words) for name, words in pieces(flags, engine=engine) if name in by_name]
    found: dict[str, Any] = {}
    for dial, name, words in known:
        found.setdefault(dial.setting, []).append(_value(dial, name, words))
    torn = {setting for setting, values in found.items() if len(set(values)) > 1 and _has_twins(dials, setting)}
    rest = [
        word
        for name, words in pieces(flags, engine=engine)
        if name not in by_name or by_name[name].setting in torn
        for word in words
    ]
    return {setting: values[-1] for setting, values in found.items() if setting not in torn}, tuple(rest)


def _has_twins(dials: Sequence[Dial], setting: str) -> bool:
    return sum(dial.setting == setting for dial in dials) > 1


def _value(dial: Dial, name: str, words: tuple[str, ...]) -> Value:
    value = words[0].partition("=")[2] if "=" in words[0] else " ".join(words[1:])
    if dial.kind == "switch":
        return _switch(dial, name, value)
    if not value:
        raise UsageError(f"{name} needs a value", try_=f"{name}=...")
    if dial.kind == "text":
        return value
    return _whole(name, value, least=dial.least) if dial.kind == "whole" else _share(name, value)


def _switch(dial: Dial, name: str, value: str) -> bool:
    if value.lower() not in {"", *_TRUE, *_FALSE}:
        raise UsageError(f"{name} is a switch and takes no value", why=f"it was given {value!r}", try_=name)
    return (name in dial.names) != (value.lower() in _FALSE)


def _whole(name: str, value: str, *, least: int) -> int:
    """A whole number of at least `least`, with k and m as thousands, K and M as 1024s, as vLLM reads them."""
    scale = {"k": 10**3, "m": 10**6, "K": 2**10, "M": 2**20}.get(value[-1], 1)
    digits = value if scale == 1 else value[:-1]
    if not digits.isdecimal() or not digits.isascii() or int(digits) < least:
        raise UsageError(
            f"{name} takes a whole number of {least} or more", why=f"it was given {value!r}", try_=f"{name}=4096"
        )
    return int(digits) * scale


def _share(name: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"{name} takes a share between 0 and 1", why=f"it was given {value!r}", try_=f"{name}=0.90")
    return share


def where_it_has(engine: str, release: str | None, *words: str) -> tuple[str, ...]:
    """A flag with its value, or nothing where that release does not have it. Release None: today's."""
    return words if release is None or has_flag(engine, release, words[0]) else ()


def last_number(flags: Sequence[str], names: Mapping[str, Any] | Sequence[str]) -> int | None:
    """The number given to one of these flags, the last time it was; None without, or when it is no whole number."""
    words = [part for flag in flags for part in (flag.split("=", 1) if flag.startswith("-") else (flag,))]
    values = [value for name, value in pairwise(words) if name in names]
    return int(values[-1]) if values and values[-1].isdecimal() else None
