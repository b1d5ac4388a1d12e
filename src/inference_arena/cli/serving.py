"""What `up` and `chat` have in common: choosing a configuration, starting its keeper, waiting until it serves."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inference_arena import units
from inference_arena.cli.launching import prepare
from inference_arena.cli.output import complain
from inference_arena.cli.run import split_flags

if TYPE_CHECKING:
    from inference_arena.report import Progress
    from inference_arena.run import Asked, Order
    from inference_arena.store import Home, Serving


def bring_up(asked: "Asked", home: "Home", *, name: str | None, together: bool, wait: bool, plain: bool) -> "Serving":
    """The server once it is ready, or once its address is known; where it comes to neither, nothing is left running."""
    from inference_arena.report import Progress  # noqa: PLC0415
    from inference_arena.run import start_keeper, stop, wait_until  # noqa: PLC0415
    from inference_arena.store import read_serving  # noqa: PLC0415

    with Progress(plain=plain) as progress, ended_by(signal.SIGTERM):
        order = _order(asked, home, name=name, together=together, progress=progress)
        progress.stage("start engine", order.job.programs[0].name)
        keeper = start_keeper(order, home, together=together)
        try:
            wanted = {"ready"} if wait else {"starting", "ready"}
            return wait_until(
                home,
                order.name,
                keeper,
                true=lambda serving: serving.state in wanted and serving.url is not None,
                on_log=progress.log_tail,
            )
        except KeyboardInterrupt:
            started = read_serving(home, order.name)
            if started is not None:
                stop(home, started)
            complain(f"{order.name} was stopped before it was ready; nothing is left running")
            raise


def _order(asked: "Asked", home: "Home", *, name: str | None, together: bool, progress: "Progress") -> "Order":
    from inference_arena.hardware import read_host  # noqa: PLC0415
    from inference_arena.plan import Settings  # noqa: PLC0415
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
    job = prepare(asked, host=host, home=home, progress=progress)
    name = name or name_for(job.model.name)
    refuse_second(home, name, together=together)
    best = measured_best(home, job, engine=asked.engine)
    if best is not None and best.engine != job.trial.engine:
        other = asked.model_copy(update={"engine": best.engine})
        job = prepare(other, host=host, home=home, progress=progress)
    said = Settings(context_tokens=asked.context_tokens, parallel=asked.parallel, flags=asked.flags)
    return order_for(job, best, asked=said, name=name, home=home)


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
    from inference_arena.run import PARALLEL, Asked  # noqa: PLC0415

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
    """Inside, these signals end things as Ctrl-C does."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = [(number, signal.signal(number, end)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
