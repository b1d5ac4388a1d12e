"""Does a record say what its raw traces say? Pure: compares two summaries number by number."""

import math
from collections.abc import Iterator
from typing import Any, Final

from inference_arena.facts import Fact
from inference_arena.record import Summary

TOLERANCE: Final = 1e-9


class Difference(Fact):
    """One number that is not what the traces give; `field` is its path in the summary."""

    field: str
    recorded: str
    recomputed: str


def differences(recorded: Summary, recomputed: Summary) -> tuple[Difference, ...]:
    """Every leaf that differs by more than rounding. Empty when the record is true to its traces.

    A number that an older release did not know, and so left out, is no difference.
    """
    known = _as_far_as_told(recomputed, recorded)
    return tuple(_differences("summary", recorded.model_dump(mode="json"), known.model_dump(mode="json")))


def _as_far_as_told(recomputed: Any, recorded: Any) -> Any:
    """The recomputed value, but without the fields that the recorded one never had."""
    if isinstance(recomputed, Fact) and isinstance(recorded, Fact):
        told = {
            name: _as_far_as_told(getattr(recomputed, name), getattr(recorded, name))
            if name in recorded.model_fields_set
            else getattr(recorded, name)
            for name in type(recorded).model_fields
        }
        return recomputed.model_copy(update=told)
    if isinstance(recomputed, tuple) and isinstance(recorded, tuple) and len(recomputed) == len(recorded):
        return tuple(_as_far_as_told(one, other) for one, other in zip(recomputed, recorded, strict=True))
    return recomputed


def count_numbers(summary: Summary) -> int:
    return sum(1 for _ in _numbers(summary.model_dump(mode="json")))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _differences(field: str, recorded: Any, recomputed: Any) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(recomputed, dict):
        for key in sorted(recorded.keys() | recomputed.keys()):
            yield from _differences(f"{field}.{key}", recorded.get(key), recomputed.get(key))
    elif isinstance(recorded, list) and isinstance(recomputed, list) and len(recorded) == len(recomputed):
        for i, (one, other) in enumerate(zip(recorded, recomputed, strict=True)):
            yield from _differences(f"{field}[{i}]", one, other)
    elif not _same(recorded, recomputed):
        yield Difference(field=field, recorded=str(recorded), recomputed=str(recomputed))


def _same(recorded: Any, recomputed: Any) -> bool:
    if isinstance(recorded, float) and isinstance(recomputed, int | float):
        return math.isclose(recorded, recomputed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(recorded == recomputed)
