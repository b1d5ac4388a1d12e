"""What was asked for and what was chosen, as names beside values. Knows records; makes no judgement."""

import shlex

from inference_arena import units
from inference_arena.record import Record
from inference_arena.report import words
from inference_arena.report.verdict import bounds

Rows = tuple[tuple[str, str], ...]

_SHOWN_ELSEWHERE = {"gpu", "gpu_command"}


def asked(record: Record) -> Rows:
    """Engine, model, machine, questions, loads, goal, then each choice with its reason."""
    return (
        ("engine", _engine(record)),
        ("model", _model(record)),
        ("machine", _machine(record)),
        ("questions", _questions(record)),
        ("loads", _loads(record)),
        *_goal(record),
        *_startup(record),
        *_choices(record),
        *_flags(record),
    )


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part) or units.DASH


def _engine(record: Record) -> str:
    engine = record.engine
    form = "started by the arena" if engine.form != "attached" else "was already running"
    place = "on this machine" if engine.location == "same-host" else engine.location
    image = "" if engine.image is None else f", image {engine.image}"
    return f"{words.engine_name(record)}, {form}, {place}{image}"


def _model(record: Record) -> str:
    model = record.model
    weights = None if model.weights == "real" else f"{model.weights} weights"
    size = units.size(model.file_bytes) if model.file_bytes is not None else None
    digest = f"sha256 {model.file_sha256[:12]}" if model.file_sha256 else None
    return _joined(words.model_name(record), size, weights, model.license, digest)


def _machine(record: Record) -> str:
    host = record.host
    gpus = words.gpu_names(record) if host.devices else "no GPU"
    inside = None if host.virtualization in (None, "none") else f"inside a {host.virtualization}"
    processor = f"{host.cpu_cores}-core {host.cpu_model or 'processor'}"
    return _joined(processor, gpus, f"{units.gib(host.ram_bytes)} RAM", host.os, inside)


def _questions(record: Record) -> str:
    trial, lengths = record.trial, record.trial.lengths
    spread = f" (± {units.percent(lengths.output_jitter)})" if lengths.output_jitter else ""
    forced = "length forced" if lengths.ignore_eos else "the model decides when to stop"
    sizes = f"{lengths.input_tokens:,} tokens in, {lengths.output_tokens:,} out{spread}"
    workload = f'workload "{trial.workload}"' if trial.workload else None
    return _joined(sizes, forced, workload, f"{trial.endpoint} endpoint", f"seed {trial.seed}")


def _loads(record: Record) -> str:
    loads = record.trial.loads
    closed = ", ".join(load.label for load in loads if load.kind == "closed")
    rates = ", ".join(load.label for load in loads if load.kind == "open")
    lengths = sorted({load.duration_s for load in loads if load.duration_s is not None})
    each = f"{' / '.join(words.duration(s) for s in lengths)} each" if lengths else None
    counts = sorted({load.requests for load in loads if load.requests is not None})
    requests = f"{' / '.join(str(n) for n in counts)} requests each" if counts else None
    repeats = None if record.trial.repeats == 1 else f"{record.trial.repeats} repeats"
    return _joined(f"{closed} at once" if closed else None, rates, each, requests, repeats)


def _goal(record: Record) -> Rows:
    slo = record.trial.slo
    if slo.ttft_s is None and slo.tpot_s is None:
        return ()
    return (("goal", f'"{slo.name}": {bounds(slo)}'),)


def _startup(record: Record) -> Rows:
    startup = record.startup
    if startup.ready_s is None:
        return ()
    first = f"; first answer after {words.duration(startup.first_request_s)}" if startup.first_request_s else ""
    return (("start-up", f"ready after {words.duration(startup.ready_s)}{first}"),)


def _choices(record: Record) -> Rows:
    engine = record.engine
    names = sorted(set(engine.choices) - _SHOWN_ELSEWHERE)
    return tuple((name, _choice(engine.effective.get(name), engine.choices[name])) for name in names)


def _choice(value: str | float | None, reason: str) -> str:
    return reason if value is None else f"{value} ({reason})"


def _flags(record: Record) -> Rows:
    engine = record.engine
    rows = (
        ("your flags", shlex.join(engine.user_flags)),
        ("left out", ", ".join(engine.dropped_parameters) + " (the server does not take it)"),
        ("command", shlex.join(engine.command)),
    )
    shown = (engine.user_flags, engine.dropped_parameters, engine.command)
    return tuple(row for row, items in zip(rows, shown, strict=True) if items)
