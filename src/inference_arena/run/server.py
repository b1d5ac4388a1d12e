"""A server to measure: launched here under a supervisor, or attached to by its address. Bounded waits only."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from inference_arena.engines import ENGINES, Command, Engine, diagnose_container, gist, signal_of
from inference_arena.record import Failed, Stage
from inference_arena.run import container
from inference_arena.run.address import Address
from inference_arena.run.container import Contained
from inference_arena.run.failure import RunFailed, from_diagnosis
from inference_arena.run.job import Job, Program
from inference_arena.run.process import EngineNotStarted, EngineProcess, free_port, start_engine
from inference_arena.run.scrub import scrub_text

LOOPBACK: Final = "127.0.0.1"
# ends before the first answer that speak against this build of the engine, not against the model or its settings
BUILD_CAUSES: Final = frozenset({"illegal-instruction", "crashed", "engine-died"})
Started = TypeVar("Started")
OnLog = Callable[[Sequence[str]], None]
# of a first request: a connection came about and no answer
UNANSWERED: Final = frozenset({"silent", "timeout", "connection-closed", "connection-reset", "empty-answer"})


@dataclass(frozen=True, slots=True)
class Server:
    """One server. `process` is None for one that is not ours to stop.

    `asked_as`: the name by which requests name the model of an engine that was launched; None where it was not.
    """

    address: Address
    engine: Engine
    asked_as: str | None = None
    command: tuple[str, ...] = ()
    process: EngineProcess | None = None
    container: Contained | None = None

    @property
    def pid(self) -> int | None:
        """The engine's own, as this machine numbers it."""
        if self.container is not None:
            return self.container.pid()
        return None if self.process is None else self.process.pid

    @property
    def root(self) -> str:
        """Where the server's own pages are: its API's address without the version."""
        return self.address.url.removesuffix("/v1")

    def exit_code(self) -> int | None:
        """None while it runs, and for a server that is not ours."""
        code = None if self.process is None else self.process.poll()
        return code if self.container is None else signal_of(code)

    def ends_within(self, seconds: float) -> bool:
        """Whether a process of ours ends by itself until then; at once where it has ended already."""
        return self.process is not None and self.process.wait(seconds) is not None

    def log(self) -> tuple[str, ...]:
        """What is worth reading of it, however much it is: the whole goes into the record."""
        return () if self.process is None else gist(self.process.log_lines())

    def stop(self, *, immediately: bool = False) -> None:
        if self.process is not None:
            self.process.stop(immediately=immediately)


def _asked_as(job: Job, *, lies_at: str) -> str:
    """By its alias, or by where it lies as the engine sees it: in a container that is another place."""
    return job.model.name if ENGINES[job.trial.engine].ASKED_AS == "alias" else lies_at


def attach(job: Job) -> Server:
    assert job.address is not None
    return Server(address=job.address, engine=ENGINES[job.trial.engine])


def launch(
    job: Job,
    program: Program,
    *,
    log_path: Path,
    cpus: Sequence[int] | None,
    on_log: OnLog = lambda _lines: None,
) -> Server:
    """Start the program with the trial's settings on loopback. Raises RunFailed when it cannot even start."""
    assert job.model_path is not None
    engine = ENGINES[job.trial.engine]
    address = Address(host=LOOPBACK, port=job.port or free_port(), tls=False, base_path="/v1")
    if program.form == "container":
        return _launch_contained(job, program, address, log_path=log_path, cpus=cpus, on_log=on_log)
    command = _command(job, program, words=program.argv, model=job.model_path, host=LOOPBACK, port=address.port)
    extra = {**command.env, **program.env, **_offline(job.model_path)}
    try:
        process = start_engine(command.argv, env=_environment(extra), log_path=log_path, cpus=cpus)
    except EngineNotStarted as error:
        failed = Failed(stage="launch", cause="engine-not-started", what=error.what, why=error.why, advice=error.try_)
        raise RunFailed(failed, worth_another_program=True) from error
    named = _asked_as(job, lies_at=job.model_path)
    return Server(address=address, engine=engine, asked_as=named, command=command.argv, process=process)


def _command(job: Job, program: Program, *, words: Sequence[str], model: str, host: str, port: int) -> Command:
    return ENGINES[job.trial.engine].command(
        program=words,
        model=model,
        alias=job.model.name,
        settings=job.trial.settings,
        host=host,
        port=port,
        release=program.version,
        dummy=job.model.weights == "dummy",
    )


def _launch_contained(
    job: Job, program: Program, address: Address, *, log_path: Path, cpus: Sequence[int] | None, on_log: OnLog
) -> Server:
    assert job.model_path is not None
    assert program.image is not None
    ready = container.prepare(
        program.argv, image=program.image, model=job.model_path, folder=log_path.parent, on_log=on_log
    )
    words = container.entry_of(job.trial.engine)
    inside = _command(job, program, words=words, model=ready.shown.model, host=container.EVERYWHERE, port=address.port)
    extra = {**inside.env, **program.env, **_offline(job.model_path), **container.handed_on(job.model_path)}
    process, contained, argv = container.start(
        ready,
        inside.model_copy(update={"env": extra}),
        record_id=log_path.parent.name,
        port=address.port,
        gpus=any(device.vendor == "nvidia" for device in job.host.devices),
        cpus=cpus,
        log_path=log_path,
    )
    named = _asked_as(job, lies_at=ready.shown.model)
    return Server(
        address, ENGINES[job.trial.engine], asked_as=named, command=argv, process=process, container=contained
    )


def first_that_works(
    programs: Sequence[Program], start: Callable[[Program], Started], *, on_failure: Callable[[str], None]
) -> tuple[Program, Started]:
    """A program that a signal ends before its first answer does not suit this machine: the next one gets its turn."""
    for program in programs[:-1]:
        try:
            return program, start(program)
        except RunFailed as error:
            if not error.worth_another_program:
                raise
            failed = error.failed
            on_failure(f"{program.name} was tried first and did not work here: {failed.what} ({failed.why})")
    return programs[-1], start(programs[-1])


def _environment(extra: Mapping[str, str]) -> Mapping[str, str] | None:
    return {**os.environ, **extra} if extra else None


def _offline(model: str) -> Mapping[str, str]:
    """What lies here whole is not looked for elsewhere: an engine would ask the hub about it, and wait."""
    return {"HF_HUB_OFFLINE": "1"} if Path(model).exists() else {}


def failed_first_answer(server: Server, error: RunFailed) -> RunFailed:
    """A launched engine that took no request although it said that it is ready: its log may know more."""
    if server.process is None:
        return error
    if server.process.wait(1.0) is not None:
        return died(server, stage="probe")
    if error.failed.cause not in UNANSWERED:
        return error
    diagnosis = server.engine.diagnose([scrub_text(line) for line in server.log()], exit_code=None)
    if diagnosis.cause not in {"unknown", "never-ready", "engine-died"}:
        return RunFailed(from_diagnosis("probe", diagnosis))
    return RunFailed(
        error.failed.model_copy(
            update={
                "what": "the engine says that it is ready, and does not answer requests",
                "advice": "look at its log: a part of it may hang or have ended; another release, or fewer features "
                "(graphs, speculation), tells which; --request-timeout sets how long an answer may take",
                "evidence": diagnosis.evidence,
            }
        )
    )


def died(server: Server, *, stage: Stage) -> RunFailed:
    """The engine's own end, told from its log. A signal may mean that this build does not suit this machine."""
    code = server.exit_code()
    log = [scrub_text(line) for line in server.log()]
    refused = None if server.container is None else diagnose_container(log, code=code)
    diagnosis = refused or server.engine.diagnose(log, exit_code=code)
    failed = from_diagnosis(stage, diagnosis)
    return RunFailed(failed, worth_another_program=stage != "load" and diagnosis.cause in BUILD_CAUSES)
