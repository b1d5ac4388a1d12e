"""With which settings a model is served here: those asked for, else those that measured best, else planned ones."""

import socket
from contextlib import suppress
from typing import Final

from inference_arena.engines import ENGINES
from inference_arena.errors import ArenaError
from inference_arena.plan import Fit, Settings
from inference_arena.record import Record
from inference_arena.run.ask import Asked
from inference_arena.run.best import Measured, best_measured
from inference_arena.run.job import Job, Program
from inference_arena.run.keeper import Order
from inference_arena.run.planned import pinned_settings
from inference_arena.run.process import free_port
from inference_arena.run.server import LOOPBACK
from inference_arena.store import Home, load_record, machine_id

FIRST_PORT: Final = 8080
PORTS: Final = 20
MOST_RECORDS: Final = 5000


def measured_best(home: Home, job: Job, *, engine: str | None) -> Measured | None:
    """The best record of this home's machine for this job's model."""
    from inference_arena.store import list_records  # noqa: PLC0415  # brings SQLAlchemy

    machine = machine_id(home)
    rows = list_records(home, limit=MOST_RECORDS, purpose="measurement", outcome="finished")
    ids = [row.id for row in rows if row.machine == machine and _may_be(row.model, row.checkpoint, job)]
    return best_measured(_loaded(home, ids), model=job.model, machine=machine, engine=engine)


def _may_be(model: str, checkpoint: str | None, job: Job) -> bool:
    return model == job.model.name or (checkpoint is not None and checkpoint == job.model.checkpoint)


def _loaded(home: Home, ids: list[str]) -> list[Record]:
    found = []
    for record_id in ids:
        with suppress(ArenaError):  # damaged: other verbs say so
            found.append(load_record(home.records / record_id))
    return found


def order_for(job: Job, best: Measured | None, *, fit: Fit | None, asked: Asked, name: str, home: Home) -> Order:
    """What the keeper is told. What the person named wins over everything else."""
    settings, reasons = settle(job, best, fit=fit, asked=named_settings(asked, job.trial.engine))
    trial = job.trial.model_copy(update={"settings": settings})
    chosen = job.model_copy(
        update={
            "trial": trial,
            "port": job.port or free_port_from(FIRST_PORT),
            "programs": job.programs if best is None else _measured_first(job.programs, best),
        }
    )
    return Order(
        home=str(home.root), name=name, job=chosen, reasons=reasons, record=None if best is None else best.record
    )


def _measured_first(programs: tuple[Program, ...], best: Measured) -> tuple[Program, ...]:
    """The program of the record, where it is still here; the others in their order behind it."""
    return tuple(sorted(programs, key=lambda one: (one.name, one.version) != (best.program, best.release)))


def named_settings(asked: Asked, engine: str) -> Settings:
    """What our options and the engine's flags name; flags that a plan needs to know are settings."""
    if ENGINES[engine].FORMAT != "gguf":
        return pinned_settings(asked, engine)
    return Settings(context_tokens=asked.context_tokens, parallel=asked.parallel, flags=asked.flags)


def settle(job: Job, best: Measured | None, *, fit: Fit | None, asked: Settings) -> tuple[Settings, dict[str, str]]:
    """Settings with a reason for each that is named. `fit`: a plan for an engine whose job has none of its own."""
    reasons = dict(job.engine.choices)
    settings, why = _planned(job, fit) if best is None else _as_measured(job, best, fit)
    said = asked.model_dump(exclude_defaults=True)
    settings = settings.model_copy(update=said)
    reasons |= why | dict.fromkeys(said, "asked for")
    shown = {key for key, value in settings.model_dump().items() if value not in (None, ())}
    planned = reasons.get("settings", "so this is planned")
    source = f"nothing of this model was measured here yet; {planned}" if best is None else best.words
    return settings, {"configuration": source, **{key: why for key, why in reasons.items() if key in shown}}


def _planned(job: Job, fit: Fit | None) -> tuple[Settings, dict[str, str]]:
    """The job's own plan; else `fit`, since without one a job's settings are those of its load, and not for serving."""
    planned = job.trial.settings
    if job.prediction is not None:
        return planned, dict.fromkeys(planned.model_dump(exclude_none=True), "planned for this machine")
    update: dict[str, int | None] = {}
    why = {}
    if fit is not None:
        update = {"context_tokens": _context(job, fit), "parallel": fit.settings.parallel}
        why = {"context_tokens": fit.deciding, "parallel": "one who chats, and one program beside"}
    if planned.threads is not None:
        why["threads"] = "a core is left to other programs, since threads that wait for each other would wait for those"
    return planned.model_copy(update=update), why


def _as_measured(job: Job, best: Measured, fit: Fit | None) -> tuple[Settings, dict[str, str]]:
    """The record's; a context as short as its load's is made longer where a plan says that there is room."""
    kept = best.settings.model_dump(exclude_none=True, exclude={"flags"})
    settings = best.settings
    why = dict.fromkeys(kept, "as in that record")
    is_planned = ENGINES[job.trial.engine].FORMAT != "gguf"
    longer = job.trial.settings.context_tokens if is_planned else None if fit is None else _context(job, fit)
    measured = settings.context_tokens
    if longer is not None and measured is not None and measured < longer:
        settings = settings.model_copy(update={"context_tokens": longer})
        why["context_tokens"] = f"room for a chat of several turns, where the record had {measured:,}"
    return settings, why | ({"flags": "as in that record"} if settings.flags else {})


def _context(job: Job, fit: Fit) -> int | None:
    tokens, most = fit.settings.context_tokens, job.model.context_tokens
    return tokens if tokens is None or most is None else min(tokens, most)


def check_port(port: int) -> None:
    if not _is_free(port):
        raise ArenaError(
            f"port {port} is taken",
            why="another program listens there, or the system does not allow it",
            try_="leave out --port and a free one is chosen",
        )


def free_port_from(first: int) -> int:
    """The first free one of a few, so that a server's address stays the same from day to day; else any."""
    return next((port for port in range(first, first + PORTS) if _is_free(port)), 0) or free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that has just closed does not count
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
