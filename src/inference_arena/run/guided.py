"""A run whose load comes from another tool: the server is started and known as ever, the numbers are the tool's.

What it leaves is a report a load point, never a record: no byte was stamped by us.
"""

from contextlib import ExitStack
from math import ceil
from time import monotonic, time
from typing import Final, NamedTuple

from inference_arena.errors import ArenaError
from inference_arena.exchange import with_setup
from inference_arena.load import LoadProcess, Wording, new_prompt, request_seed
from inference_arena.plan import Load, choose_cores
from inference_arena.record import Reported
from inference_arena.run.conduct import LOAD_LOG, Clock, draft_of, tools_of, usable_cores
from inference_arena.run.drivers import Driver, Prompt, Task, drive
from inference_arena.run.failure import RunFailed
from inference_arena.run.first import Acquainted, key_in
from inference_arena.run.heart import Heart
from inference_arena.run.interrupts import Interrupts
from inference_arena.run.job import Job
from inference_arena.run.pace import expected_requests, point_seed
from inference_arena.run.server import Server
from inference_arena.run.session import Progress, start_first_that_works
from inference_arena.store import Home, Journal, discard, open_journal

MOST_PROMPTS: Final = 20_000
_SPARE: Final = 2  # prompts beyond the likely number, so that the time ends a point and not their number


class Guided(NamedTuple):
    """One load point."""

    load: Load
    report: Reported


def guide(
    job: Job,
    driver: Driver,
    *,
    program: str,
    home: Home,
    progress: Progress,
    interrupts: Interrupts,
    api_key: str | None,
) -> list[Guided]:
    """Every load of the job, driven by the tool. The server is stopped whatever happens. Raises ArenaError."""
    clock = Clock(zero_s=monotonic(), zero_unix_s=time())
    draft = draft_of(job, clock, home)
    with open_journal(home, draft.id, draft.model_dump(mode="json")) as journal:
        try:
            return _guided(job, driver, program, journal, clock, progress, interrupts, api_key)
        except RunFailed as error:
            failed = error.failed
            raise ArenaError(failed.what, why=failed.why, try_=failed.advice) from error
        finally:
            discard(journal.path)


def _guided(  # noqa: PLR0917 - the tools of a run
    job: Job,
    driver: Driver,
    program: str,
    journal: Journal,
    clock: Clock,
    progress: Progress,
    interrupts: Interrupts,
    api_key: str | None,
) -> list[Guided]:
    key = api_key or key_in(job.trial.settings.flags)
    cores = choose_cores(usable_cores(), threads=job.trial.settings.threads)
    with ExitStack() as stack:
        load = stack.enter_context(LoadProcess(log_path=journal.path / LOAD_LOG, cpu=cores.client))
        heart = Heart(journal=journal, now_s=clock.now_s, show=progress.samples, device_interval_s=None)
        stack.enter_context(heart)
        tools = tools_of(job, journal=journal, clock=clock, load=load, progress=progress, api_key=key,
                         interrupts=interrupts, cores=cores, heart=heart)  # fmt: skip
        server, known = start_first_that_works(job, tools)
        stack.callback(server.stop)
        return [
            Guided(each, _one(job, driver, program, index, each, server, known, progress, key))
            for index, each in enumerate(job.trial.loads)
        ]


def _one(  # noqa: PLR0917
    job: Job,
    driver: Driver,
    program: str,
    index: int,
    load: Load,
    server: Server,
    known: Acquainted,
    progress: Progress,
    key: str | None,
) -> Reported:
    task = Task(
        address=server.address,
        model=str(known.parameters["model"]),
        endpoint=job.trial.endpoint,
        prompts=_prompts(job, load, index, known),
        load=load,
        duration_s=load.duration_s,
        ignore_eos=job.trial.lengths.ignore_eos,
        dropped=known.dropped,
    )
    progress.point(index, len(job.trial.loads), label=load.label, expected_s=load.duration_s)
    report = drive(driver, task, program=program, api_key=key).report
    return with_setup(report, **_setup(job, known))


def _prompts(job: Job, load: Load, index: int, known: Acquainted) -> tuple[Prompt, ...]:
    wanted = load.requests or ceil(_SPARE * expected_requests(load, known.answer_s))
    seed = point_seed(job.trial.seed, index)
    return tuple(
        _prompt(job, known.wording, request_seed(seed=seed, point=index, request=number))
        for number in range(min(MOST_PROMPTS, wanted))
    )


def _prompt(job: Job, wording: Wording, seed: str) -> Prompt:
    text, length = new_prompt(lengths=job.trial.lengths, wording=wording, seed=seed)
    return Prompt(text=text, output_tokens=length)


def _setup(job: Job, known: Acquainted) -> dict[str, str | None]:
    """What the tool does not know, and we do."""
    devices = ", ".join(device.name or device.vendor for device in job.host.devices)
    here = job.address is None
    return {
        "engine": known.engine_name,
        "engine_version": job.engine.version,
        "hardware": (devices or job.host.cpu_model) if here else None,
    }
