"""What `up` and `chat` have in common: choosing a configuration, starting its keeper, waiting until it serves."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from inference_arena import units
from inference_arena.cli import planning
from inference_arena.cli.launching import prepare
from inference_arena.cli.output import complain
from inference_arena.cli.run_words import split_flags
from inference_arena.engines import ENGINES
from inference_arena.errors import ArenaError, NotFoundError, UsageError
from inference_arena.plan import Wish

if TYPE_CHECKING:
    from inference_arena.facts import Host
    from inference_arena.plan import Fit
    from inference_arena.report import Progress
    from inference_arena.run import Asked, Job, Order
    from inference_arena.store import Home, Serving

PARALLEL: Final = 2  # one who chats, and one program beside
CONTEXTS: Final = (8192, 4096, 2048)  # several turns of a chat, or a document of some pages, and down from there


def bring_up(asked: "Asked", home: "Home", *, name: str | None, together: bool, wait: bool, plain: bool) -> "Serving":
    """The server once it is ready, or once its address is known; where it comes to neither, nothing is left running."""
    from inference_arena.report import Progress  # noqa: PLC0415

    try:
        with ended_by(signal.SIGTERM), Progress(plain=plain) as progress:
            order = _order(asked, home, name=name, together=together, progress=progress)
            return _begin(order, home, together=together, wait=wait, progress=progress)
    except KeyboardInterrupt:
        complain("it was stopped before it was ready; nothing is left running")
        raise


def _begin(order: "Order", home: "Home", *, together: bool, wait: bool, progress: "Progress") -> "Serving":
    from inference_arena.run import start_keeper, stop, wait_until  # noqa: PLC0415
    from inference_arena.store import read_serving  # noqa: PLC0415

    progress.stage("start engine", order.job.programs[0].name)
    keeper = start_keeper(order, home, together=together)
    wanted = {"ready"} if wait else {"starting", "ready"}
    try:
        return wait_until(
            home,
            order.name,
            keeper,
            true=lambda serving: serving.state in wanted and serving.url is not None,
            on_log=progress.log_tail,
        )
    except KeyboardInterrupt:
        started = read_serving(home, order.name)
        if started is not None and started.keeper.pid == keeper.pid:
            stop(home, started)
        keeper.terminate()
        keeper.wait()
        raise


def _order(asked: "Asked", home: "Home", *, name: str | None, together: bool, progress: "Progress") -> "Order":
    from inference_arena.hardware import read_host  # noqa: PLC0415
    from inference_arena.run import (  # noqa: PLC0415
        check_port,
        measured_best,
        order_for,
        refuse_second,
    )
    from inference_arena.store import checked_name, name_for  # noqa: PLC0415

    if name is not None:
        refuse_second(home, checked_name(name), together=together)
    if asked.port is not None:
        check_port(asked.port)
    progress.stage("look at machine")
    host = read_host()
    job = _roomy_job(asked, host=host, home=home, progress=progress)
    name = name or name_for(job.model.name)
    refuse_second(home, name, together=together)
    best = measured_best(home, job, engine=asked.engine)
    if best is not None and best.engine != job.trial.engine:
        try:
            other = asked.model_copy(update={"engine": best.engine})
            job = _roomy_job(other, host=host, home=home, progress=progress)
        except NotFoundError as error:
            complain(f"{best.engine} measured best here ({best.record}) and cannot be started now: {error.what}")
            best = measured_best(home, job, engine=job.trial.engine)
    return order_for(job, best, fit=_roomiest(asked, job), asked=asked, name=name, home=home)


def _roomy_job(asked: "Asked", *, host: "Host", home: "Home", progress: "Progress") -> "Job":
    """The job; where its engine plans its memory, with the longest of a few contexts that model and card allow."""
    from inference_arena.run import named_settings  # noqa: PLC0415

    job = prepare(asked, host=host, home=home, progress=progress)
    if not job.programs:
        raise UsageError(
            f"{ENGINES[job.trial.engine].TITLE} does not read {asked.model}",
            why="it is one GGUF file, and this engine reads folders",
            try_=f"arena up {asked.model} --engine llamacpp",
        )
    engine = job.trial.engine
    if ENGINES[engine].FORMAT == "gguf" or named_settings(asked, engine).context_tokens is not None:
        return job
    most = job.model.context_tokens or CONTEXTS[0]
    for tokens in dict.fromkeys(min(tokens, most) for tokens in CONTEXTS):
        with suppress(ArenaError):
            longer = asked.model_copy(update={"context_tokens": tokens})
            return prepare(longer, host=host, home=home, progress=progress)
    return job


def _roomiest(asked: "Asked", job: "Job") -> "Fit | None":
    """A plan with the longest context that fits; None where the job's own is from a plan, or none can be made."""
    if job.prediction is not None or ENGINES[job.trial.engine].FORMAT != "gguf":
        return None
    try:
        pairs, _ = planning.pairs_of(asked.model or job.model.name, offline=True)
    except ArenaError:
        return None
    engine = job.trial.engine
    ask = planning.asks(planning.Words(engine=(engine,), users=asked.parallel or PARALLEL))[0]
    for tokens in CONTEXTS if asked.context_tokens is None else (asked.context_tokens,):
        wish = Wish(users=ask.wish.users, context_tokens=tokens, binding=False)
        for fit in planning.plans(replace(ask, wish=wish), pairs, (engine,)):
            if fit.runs:
                return fit
    return None


def asked_to_serve(
    model: str,
    *,
    engine: str | None = None,
    context: int | None = None,
    parallel: int | None = None,
    port: int | None = None,
    flags: Sequence[str] = (),
    program: str | None = None,
    ready_timeout: str = "10m",
) -> "Asked":
    """The command line's words; no load is meant, so its lengths are the least there are."""
    from inference_arena.run import Asked  # noqa: PLC0415

    engine_name, _, release = (engine or "").partition("==")
    return Asked(
        model=model,
        engine=engine_name or None,
        release=release or None,
        program=program,
        context_tokens=context,
        parallel=parallel,
        port=port,
        flags=split_flags(tuple(flags)),
        concurrency=(parallel or PARALLEL,),
        input_tokens=1,
        output_tokens=1,
        exact=True,
        ready_limit_s=units.parse_seconds(ready_timeout),
    )


@contextmanager
def ended_by(*numbers: signal.Signals) -> Iterator[None]:
    """Inside, these signals end things as Ctrl-C does, and are no Ctrl-C to those who ask twice."""
    from inference_arena.run import Ended  # noqa: PLC0415

    def end(number: int, _frame: object) -> None:
        raise Ended("terminal-closed" if number == signal.SIGHUP else "terminated")

    before = [(number, signal.signal(number, end)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
