"""A run with its real tools: processes, sockets, clocks, files. The order of things is session's."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from inference_arena import __version__
from inference_arena.engines import ENGINES, identify, lacking
from inference_arena.errors import StorageError
from inference_arena.load import Driven, LoadFleet, PointPlan, self_test
from inference_arena.plan import CoreChoice, Trial, choose_cores, idle_gpu
from inference_arena.record import Arena, Record
from inference_arena.run.assemble import rfc3339, save
from inference_arena.run.cache import empty_cache, request_parameters
from inference_arena.run.container import Contained, remove_left
from inference_arena.run.first import Acquainted, choose_model, get_acquainted, key_headers, key_in, list_models
from inference_arena.run.heart import Heart
from inference_arena.run.interrupts import Interrupts
from inference_arena.run.job import Draft, Job, Program
from inference_arena.run.scrub import scrub_argv, spoken_environment
from inference_arena.run.server import Server, asked_as, attach, launch
from inference_arena.run.session import run
from inference_arena.run.tokenizer import counter, word_tokens
from inference_arena.run.tools import Progress, Tick, Tools
from inference_arena.run.waiting import wait_ready
from inference_arena.store import ENGINE_LOG, Home, Journal, discard, machine_id, new_record_id, open_journal

LOAD_LOG = "load.log"
MOST_PROCESSES = 16


@dataclass(frozen=True, slots=True)
class Clock:
    """The run's clock: monotonic seconds since its zero, and the one anchor to the time of day."""

    zero_s: float
    zero_unix_s: float

    def now_s(self) -> float:
        return round(monotonic() - self.zero_s, 6)


def conduct(
    job: Job,
    *,
    home: Home,
    progress: Progress,
    interrupts: Interrupts,
    api_key: str | None,
    sample_every_s: float = 0.1,
) -> tuple[Record, Path]:
    """Run the job and keep its record. Raises StorageError when there is no place to keep it."""
    interrupts.hold()  # from here on they become an outcome, or wait until the record is kept
    clock = Clock(zero_s=monotonic(), zero_unix_s=time.time())
    api_key = api_key or key_in(job.trial.settings.flags)
    secrets = () if api_key is None else (api_key,)
    cores = choose_cores(usable_cores(), threads=job.trial.settings.threads)
    draft = draft_of(job, clock, home)
    progress.planned(None if job.prediction is None else job.prediction.budget)
    with open_journal(home, draft.id, draft.model_dump(mode="json")) as journal:
        with ExitStack() as stack:
            load = stack.enter_context(_fleet(job, journal, cpu=cores.client))
            is_here = job.engine.location == "same-host"
            heart = Heart(
                journal=journal,
                now_s=clock.now_s,
                show=progress.samples,
                device_interval_s=sample_every_s if is_here else None,
            )
            stack.enter_context(heart)
            tools = tools_of(job, journal=journal, clock=clock, load=load, progress=progress, api_key=api_key,
                           interrupts=interrupts, cores=cores, heart=heart)  # fmt: skip
            run(job, tools)
            _look_for_a_container(journal)
        progress.stage("keep the record")
        record, path = save(home, journal.path, secrets=secrets)
        discard(journal.path)
    return record, path


def _look_for_a_container(journal: Journal) -> None:
    """It is gone by now; where its removal did not work, once more, and then it is said."""
    if said := remove_left(journal.path):
        with suppress(StorageError):
            journal.event("note", text=f"the engine had ended, and {said}")


def usable_cores() -> tuple[int, ...]:
    """The numbers of the cores that this process may use; none where the system does not tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def draft_of(job: Job, clock: Clock, home: Home) -> Draft:
    now = datetime.fromtimestamp(clock.zero_unix_s, UTC)
    return Draft(
        id=new_record_id(now, random_hex=os.urandom(3).hex()),
        purpose=job.purpose,
        started_at=rfc3339(clock.zero_unix_s),
        clock_zero_unix_s=clock.zero_unix_s,
        clock_zero_s=clock.zero_s,
        arena=Arena(
            version=__version__,
            python=platform.python_version(),
            event_loop="uvloop" if find_spec("uvloop") else "asyncio",
        ),
        trial=without_secrets(job.trial),
        host=job.host,
        engine=job.engine,
        model=job.model,
        machine=machine_id(home),
        prediction=job.prediction,
        retry_of=job.retry_of,
    )


def without_secrets(trial: Trial) -> Trial:
    flags = scrub_argv(trial.settings.flags)
    return trial.model_copy(update={"settings": trial.settings.model_copy(update={"flags": flags})})


def tools_of(
    job: Job,
    *,
    journal: Journal,
    clock: Clock,
    load: LoadFleet,
    progress: Progress,
    api_key: str | None,
    interrupts: Interrupts,
    cores: CoreChoice,
    heart: Heart,
) -> Tools:
    def start(program: Program | None) -> Server:
        server = (
            attach(job)
            if program is None
            else launch(job, program, log_path=journal.path / ENGINE_LOG, cpus=cores.engine, on_log=progress.log_tail)
        )
        interrupts.when_hurried(partial(server.stop, immediately=True))
        heart.engine_pid = server.pid
        return server

    def ready(server: Server) -> float:
        seconds = _wait_ready(job, server, progress)
        heart.engine_pid = server.pid  # of a container it is known only now
        return seconds

    return Tools(
        journal=journal,
        progress=progress,
        clock_zero_s=clock.zero_s,
        now_s=clock.now_s,
        start=start,
        wait_ready=ready,
        acquaint=lambda server: _acquaint(job, server, load=load, journal=journal, clock=clock, api_key=api_key),
        watch=lambda server, known: heart.counting(server, known.engine_name),
        drive=lambda plan, on_tick: _drive(load, journal, plan, on_tick),
        salvage_point=load.interrupt,
        self_test=lambda streams, pace_s: self_test(
            load, streams=streams, token_interval_s=pace_s, folder=journal.path, cpus=cores.engine
        ),
        describe=lambda server, program, known: _describe(job, server, program, known, journal=journal, cores=cores),
        heard=interrupts.heard,
        empty_cache=lambda server, known: empty_cache(
            job.trial.cache, engine_name=known.engine_name, root=server.root, headers=dict(key_headers(api_key))
        ),
    )


def _fleet(job: Job, journal: Journal, *, cpu: int | None) -> LoadFleet:
    """As many load processes as were asked for, else one, and more when it turns out to be the limit."""
    asked, most = job.client_processes, min(MOST_PROCESSES, max(2, job.host.cpu_cores // 2))
    return LoadFleet(log_path=journal.path / LOAD_LOG, cpu=cpu, wanted=asked or 1, most=asked or most)


def _drive(load: LoadFleet, journal: Journal, plan: PointPlan, on_tick: Callable[[Tick], str | None]) -> Driven:
    driven = load.drive(plan, on_tick=on_tick)
    if (text := load.more_if_busy(driven)) is not None:
        journal.event("note", text=text)
    return driven


def _wait_ready(job: Job, server: Server, progress: Progress) -> float:
    """An attached server is ready when it answers its first request; only a launched one is waited for."""
    if server.process is None:
        return 0.0
    return wait_ready(
        server,
        limit_s=job.limits.ready_s,
        on_log=progress.log_tail,
        on_stage=lambda doing: progress.stage("engine", doing),
    )


def _acquaint(
    job: Job, server: Server, *, load: LoadFleet, journal: Journal, clock: Clock, api_key: str | None
) -> Acquainted:
    headers = key_headers(api_key)
    engine_name, model = job.trial.engine, asked_as(job)
    if server.process is None:
        listing = list_models(server.address, headers=headers)
        engine_name, model = identify(listing.document()), choose_model(job, listing)
    known = get_acquainted(
        job,
        load=load,
        target=server.address.target(job.trial.endpoint, headers),
        engine_name=engine_name,
        model=model,
        extra={
            **ENGINES[job.trial.engine].PARAMETERS,
            **request_parameters(job.trial.cache, engine_name=engine_name),
        },
        folder=journal.path,
        clock_zero_s=clock.zero_s,
        count_words=lambda: (
            word_tokens(counter(server.root, headers=dict(headers), model=model))
            if engine_name != "openai" and not job.trial.lengths.output_jitter
            else None
        ),
    )
    if known.repeat is not None:
        journal.samples([known.repeat.model_dump_json()])
    return known


def _describe(
    job: Job, server: Server, program: Program | None, known: Acquainted, *, journal: Journal, cores: CoreChoice
) -> None:
    """What was really used, now that it is known."""
    choices = dict(job.engine.choices)
    if program is not None:
        choices |= {"program": program.why, "cores": cores.reason, **_idle_gpu(job, server, program)}
    engine = job.engine.model_copy(
        update={
            "name": known.engine_name,
            "version": job.engine.version if program is None else program.version,
            "program": None if program is None else program.name,
            "command": scrub_argv(server.command),
            "choices": choices,
            "environment": spoken_environment(os.environ),
            **({} if server.container is None else _contained(server.container)),
            "reduced": () if server.process is None else lacking(server.engine, server.engine.startup(server.log())),
            "request_parameters": tuple(sorted(known.parameters)),
            "dropped_parameters": known.dropped,
        }
    )
    journal.event("engine", engine=engine.model_dump(mode="json"))
    if server.process is None:
        model = job.model.model_copy(update={"name": str(known.parameters["model"])})
        journal.event("model", model=model.model_dump(mode="json"))


def _contained(container: Contained) -> dict[str, str | None]:
    return {"image_digest": container.image.digest, "container_engine": container.box.title}


def _idle_gpu(job: Job, server: Server, program: Program) -> dict[str, str]:
    layers = server.engine.startup(server.log()).get("gpu_layers_offloaded")
    return idle_gpu(
        job.host,
        built_in=program.built_in,
        gpu_layers=job.trial.settings.gpu_layers,
        layers_on_gpu=layers if isinstance(layers, int) else None,
    )
