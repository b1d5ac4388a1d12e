"""From a run's journal to its record: the same way when the run ended well and when the arena was killed."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from inference_arena.errors import BadFileError
from inference_arena.load import decode, read_raw
from inference_arena.metrics import standing, summarise
from inference_arena.plan import Load
from inference_arena.record import (
    EngineUsed,
    Evidence,
    Interrupted,
    ModelUsed,
    Outcome,
    Point,
    Record,
    RequestTrace,
    Sample,
    Stage,
    Startup,
)
from inference_arena.run.job import Draft
from inference_arena.run.process import read_log
from inference_arena.run.scrub import mask, scrub_text, scrubber
from inference_arena.store import (
    ENGINE_LOG,
    Home,
    read_events,
    read_intent,
    read_samples,
    save_record,
    whole_file,
    write_jsonl_gz,
)

RAW_FILES: Final = "point-*.raw"
LOG_GZ: Final = "engine.log.gz"
_OUTCOME: Final[TypeAdapter[Outcome]] = TypeAdapter(Outcome)
Event = Mapping[str, Any]
Kind = TypeVar("Kind", EngineUsed, ModelUsed, Startup)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A record and the files that go beside it."""

    record: Record
    requests_gz: Path
    samples_gz: Path
    log_gz: Path | None


def assemble(journal: Path, *, secrets: Sequence[str] = (), salvaged: bool = False) -> Assembled:
    """Everything in a journal as one record. A journal without an outcome was killed."""
    draft = _draft(journal)
    events = read_events(journal)
    traces = read_traces(journal, secrets=secrets, salvaged=salvaged)
    samples = list(read_samples(journal))
    points = read_points(events, traces)
    requests = write_jsonl_gz(journal / "requests.jsonl.gz", traces)
    sampled = write_jsonl_gz(journal / "samples.jsonl.gz", samples)
    log_gz, log_sha256 = keep_log(journal, secrets=secrets)
    engine = _last(events, "engine", EngineUsed) or draft.engine
    model = _last(events, "model", ModelUsed) or draft.model
    record = Record(
        id=draft.id,
        purpose=draft.purpose,
        started_at=draft.started_at,
        finished_at=_finished_at(draft, events, points, samples),
        clock_zero_unix_s=draft.clock_zero_unix_s,
        arena=draft.arena,
        trial=draft.trial,
        host=draft.host,
        engine=engine,
        model=model,
        startup=_last(events, "startup", Startup) or Startup(facts={}),
        points=points,
        outcome=_outcome(events, secrets=secrets),
        notes=(*draft.notes, *_notes(events, secrets=secrets)),
        summary=summarise(
            trial=draft.trial,
            points=points,
            traces=traces,
            samples=samples,
            cpu_cores=draft.host.cpu_cores,
            standing=standing(engine, model),
        )
        if points
        else None,
        evidence=Evidence(
            requests_sha256=requests.sha256,
            requests_lines=requests.lines,
            samples_sha256=sampled.sha256,
            samples_lines=sampled.lines,
            log_sha256=log_sha256,
        ),
        machine=draft.machine,
        configuration=configuration_id(draft, engine=engine, model=model),
        prediction=draft.prediction,
        retry_of=draft.retry_of,
    )
    return Assembled(record, journal / "requests.jsonl.gz", journal / "samples.jsonl.gz", log_gz)


def save(home: Home, journal: Path, *, secrets: Sequence[str] = (), salvaged: bool = False) -> tuple[Record, Path]:
    """Assemble and put it among the records. The journal stays; the caller discards it."""
    made = assemble(journal, secrets=secrets, salvaged=salvaged)
    path = save_record(home, made.record, requests_gz=made.requests_gz, samples_gz=made.samples_gz, log_gz=made.log_gz)
    return made.record, path


def configuration_id(draft: Draft, *, engine: EngineUsed, model: ModelUsed) -> str:
    """What must agree for two records to have measured the same: hardware, weights, engine, settings and load."""
    same = {
        "hw_class": draft.host.hw_class,
        "cpu": draft.host.cpu_model,
        "cores": draft.host.cpu_cores,
        "devices": [device.name for device in draft.host.devices],
        "model": _identity(model),
        "engine": [engine.name, engine.version, engine.program, engine.form, *([engine.image] if engine.image else [])],
        # what nobody asked for is left out: a setting that a later release adds must not make another configuration
        "trial": draft.trial.model_dump(mode="json", exclude={"seed", "repeats"}, exclude_none=True),
    }
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:32]


def _identity(model: ModelUsed) -> str:
    """Random weights of a model are another model; so is one of the same name with another config.json."""
    known = model.file_sha256 or " ".join(filter(None, (model.name, model.config_sha256)))
    return f"{known} dummy" if model.weights == "dummy" else known


def _draft(journal: Path) -> Draft:
    try:
        return Draft.model_validate_json(json.dumps(read_intent(journal)))
    except ValueError as error:
        raise BadFileError(f"{journal} holds no run", why=str(error).splitlines()[0]) from error


def read_traces(journal: Path, *, secrets: Sequence[str] = (), salvaged: bool = False) -> list[RequestTrace]:
    """Every whole request in the journal, one trace each, by point and number."""
    found = {
        (head.point, head.request): _scrubbed(decode(head, mask(body, secrets)), salvaged=salvaged)
        for path in sorted(journal.glob(RAW_FILES))
        for head, body in read_raw(path)
    }
    return [found[key] for key in sorted(found)]


def _scrubbed(trace: RequestTrace, *, salvaged: bool) -> RequestTrace:
    """A killed run's key is known to nobody any more, and a server may repeat it in what it says."""
    if trace.detail is None:
        return trace
    return trace.model_copy(update={"detail": None if salvaged else scrub_text(trace.detail)})


def read_points(events: Iterable[Event], traces: Sequence[RequestTrace]) -> tuple[Point, ...]:
    """Points as they were reported, and the one under way at a kill as far as its last tick and request tell."""
    events = list(events)
    points = {event["point"]["index"]: Point.model_validate_json(json.dumps(event["point"])) for event in events
              if event["kind"] == "point"}  # fmt: skip
    for event in events:
        if event["kind"] == "point-started" and event["index"] not in points:
            points[event["index"]] = _torn_point(event, events, traces)
    return tuple(points[index] for index in sorted(points))


def _torn_point(started: Event, events: Iterable[Event], traces: Iterable[RequestTrace]) -> Point:
    ticks = [e for e in events if e["kind"] == "tick" and e["point"] == started["index"]]
    ends = [t.ended_s for t in traces if t.point == started["index"] and t.ended_s is not None]
    ended_s = max([started["started_s"], *ends, *(tick["t_s"] for tick in ticks)])
    steady_from_s = next((t["steady_from_s"] for t in reversed(ticks) if t["steady_from_s"] is not None), None)
    steady_to_s = next((t["steady_to_s"] for t in reversed(ticks) if t["steady_to_s"] is not None), None)
    return Point(
        index=started["index"],
        repeat=started["repeat"],
        load=Load.model_validate_json(json.dumps(started["load"])),
        seed=started["seed"],
        started_s=started["started_s"],
        steady_from_s=steady_from_s,
        steady_to_s=None if steady_from_s is None else min(ended_s, steady_to_s or ended_s),
        ended_s=ended_s,
        stopped_by="client-died" if _client_died(events) else "interrupted",
    )


def _client_died(events: Iterable[Event]) -> bool:
    return any(event["kind"] == "outcome" and event["outcome"].get("cause") == "client-died" for event in events)


def _last(events: Iterable[Event], kind: str, of: type[Kind]) -> Kind | None:
    found = [event[kind] for event in events if event["kind"] == kind]
    return of.model_validate_json(json.dumps(found[-1])) if found else None


def _outcome(events: Sequence[Event], *, secrets: Sequence[str]) -> Outcome:
    for event in reversed(events):
        if event["kind"] == "outcome":
            return _OUTCOME.validate_json(json.dumps(_in_all_texts(event["outcome"], secrets)))
    stages: list[Stage] = [event["stage"] for event in events if event["kind"] == "stage"]
    return Interrupted(stage=stages[-1] if stages else "prepare", by="killed")


def _notes(events: Iterable[Event], *, secrets: Sequence[str]) -> Iterator[str]:
    for event in events:
        if event["kind"] == "note":
            yield scrub_text(str(event["text"]), secrets=secrets)


def _in_all_texts(value: Any, secrets: Sequence[str]) -> Any:
    """What a person saw may name their folders; what is kept may not."""
    if isinstance(value, str):
        return scrub_text(value, secrets=secrets)
    if isinstance(value, list):
        return [_in_all_texts(part, secrets) for part in value]
    if isinstance(value, dict):
        return {key: _in_all_texts(part, secrets) for key, part in value.items()}
    return value


def _finished_at(draft: Draft, events: Iterable[Event], points: Iterable[Point], samples: Iterable[Sample]) -> str:
    """When the run ended; for a killed one, the last thing known of it."""
    told = [event["t_s"] for event in events if "t_s" in event]
    sampled = [sample.t_s for sample in samples if hasattr(sample, "t_s")]
    last_s = max([0.0, *told, *sampled, *(point.ended_s for point in points)])
    return rfc3339(draft.clock_zero_unix_s + last_s)


def rfc3339(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep_log(journal: Path, *, secrets: Sequence[str] = ()) -> tuple[Path | None, str | None]:
    """The engine's log without personal paths and secrets, compressed; None when there was no engine of ours."""
    source = journal / ENGINE_LOG
    if not source.exists():
        return None, None
    text = "\n".join(map(scrubber(secrets=secrets), read_log(source)))
    target = journal / LOG_GZ
    data = gzip.compress(text.encode(), mtime=0)
    with whole_file(target) as file:
        file.write(data)
    return target, hashlib.sha256(data).hexdigest()
