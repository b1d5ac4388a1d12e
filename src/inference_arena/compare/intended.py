"""What is being compared: which of model, engine, release, settings and machine differ between two sides. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from inference_arena import units
from inference_arena.compare.side import Side
from inference_arena.compare.traits import Unlike
from inference_arena.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """`key` tells two apart, `say` names one for people, `more` says what tells them apart if their names do not."""

    field: str
    key: Callable[[Record], object]
    say: Callable[[Record], str]
    more: Callable[[Record], str]


def _model(record: Record) -> str:
    model = record.model
    name = model.checkpoint or model.name
    known = model.quantization is None or model.quantization.lower() in name.lower()
    return name if known else f"{name} {model.quantization}"


def _machine(record: Record) -> str:
    names = [device.name or device.vendor for device in record.host.devices]
    return ", ".join(names) or f"{record.host.cpu_cores}-core {record.host.cpu_model or 'processor'}"


_MODEL: Final = Dimension(
    field="model",
    key=lambda record: record.model.file_sha256 or (record.model.name, record.model.quantization),
    say=_model,
    more=lambda record: f"file {(record.model.file_sha256 or 'unknown')[:8]}",
)
_ENGINE: Final = Dimension(
    field="engine", key=lambda record: record.engine.name, say=lambda record: record.engine.name, more=lambda _: ""
)
_RELEASE: Final = Dimension(
    field="release",
    key=lambda record: (record.engine.program, record.engine.version),
    say=lambda record: record.engine.version or units.DASH,
    more=lambda record: record.engine.program or units.DASH,
)
_MACHINE: Final = Dimension(
    field="machine",
    key=lambda record: (
        record.machine,
        record.host.hw_class,
        record.host.cpu_model,
        record.host.cpu_cores,
        tuple(device.name for device in record.host.devices),
    ),
    say=_machine,
    more=lambda record: f"{record.host.cpu_cores} cores, id {(record.machine or 'unknown')[:6]}",
)


def intended(a: Side, b: Side) -> tuple[Unlike, ...]:
    """The things that somebody may want to compare and that differ; one alone is what the comparison is about."""
    one, other = a.any, b.any
    # an engine of another name has other releases by its nature
    dimensions = (_MODEL, _ENGINE, _RELEASE, _MACHINE) if one.engine.name == other.engine.name else (
        _MODEL, _ENGINE, _MACHINE)  # fmt: skip
    found = [_unlike(each, one, other) for each in dimensions if each.key(one) != each.key(other)]
    found += [_settings(one, other)] if one.trial.settings != other.trial.settings else []
    if len(found) < 2:
        return tuple(found)
    why = "several things differ: a difference belongs to all of them together"
    return tuple(each.model_copy(update={"weight": "careful", "why": why}) for each in found)


def _unlike(dimension: Dimension, one: Record, other: Record) -> Unlike:
    a, b = dimension.say(one), dimension.say(other)
    if a == b:
        a, b = f"{a} ({dimension.more(one)})", f"{b} ({dimension.more(other)})"
    return Unlike(field=dimension.field, a=a, b=b, weight="fine", why="this is what is compared")


def _settings(one: Record, other: Record) -> Unlike:
    a, b = (record.trial.settings.model_dump() for record in (one, other))
    names = [name for name in a if a[name] != b[name]]
    return Unlike(
        field="settings",
        a=", ".join(_setting(name, a[name]) for name in names),
        b=", ".join(_setting(name, b[name]) for name in names),
        weight="fine",
        why="this is what is compared",
    )


def _setting(name: str, value: object) -> str:
    if name == "flags":
        return " ".join(value) if isinstance(value, tuple) and value else "no flags"
    said = "by the engine" if value is None else {True: "on", False: "off"}[value] if isinstance(value, bool) else value
    return f"{name.replace('_', ' ')} {said}"


def compared(differing: Iterable[Unlike]) -> str:
    """What the comparison is about, in a sentence."""
    named = [f"{each.field} ({each.a} against {each.b})" for each in differing]
    if not named:
        return "Compared: nothing that the arena knows of; these are launches of the same configuration."
    if len(named) == 1:
        return f"Compared: {named[0]}."
    return f"Compared: {', '.join(named[:-1])} and {named[-1]}; a difference belongs to all of these together."
