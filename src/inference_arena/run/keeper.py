"""The process that keeps one server: it starts the engine, holds it, writes down how it stands, and how it ended.

Runs by itself, in a session of its own (`python -m inference_arena.run.keeper`, its order as JSON on standard input),
so that it outlives the terminal. It restarts nothing. Killed, it takes the engine with it: see supervisor.
"""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from inference_arena.errors import ArenaError
from inference_arena.facts import Fact
from inference_arena.record import Failed
from inference_arena.run.alive import identify_process
from inference_arena.run.failure import RunFailed
from inference_arena.run.interrupts import Ended, Interrupts
from inference_arena.run.job import Job, Program
from inference_arena.run.scrub import scrub_argv
from inference_arena.run.server import Server, died, first_that_works, launch
from inference_arena.run.waiting import wait_ready
from inference_arena.store import Ending, Home, Serving, name_lock, serving_log, write_serving

OTHER_KEEPER: Final = 4
LOOK_S: Final = 3600.0
WANTED: Final[Mapping[str, str]] = {
    "terminated": "it was told to end",
    "ctrl-c": "it was told to end",
    "terminal-closed": "it was told to end",
    "killed": "it was told to end",
}


class Order(Fact):
    """What to keep running, and why so. It may hold secrets: it crosses a pipe and is never written down."""

    home: str
    name: str
    job: Job
    reasons: dict[str, str]
    record: str | None = None


class Board:
    """The file in which others read how the server stands; each change is written at once."""

    def __init__(self, home: Home, serving: Serving) -> None:
        self._home = home
        self.serving = serving
        write_serving(home, serving)

    def change(self, **changes: Any) -> None:
        """A disk that is full ends no server: the file then says what it said before."""
        self.serving = self.serving.model_copy(update=changes)
        with suppress(ArenaError):
            write_serving(self._home, self.serving)

    def note(self, text: str) -> None:
        self.change(notes=(*self.serving.notes, text))


def keep(order: Order) -> int:
    """From the order to the server's end, whoever or whatever brings it about."""
    home = Home(root=Path(order.home))
    with name_lock(home, order.name) as mine:
        if not mine:
            return OTHER_KEEPER
        with Interrupts() as interrupts:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # whatever terminal closes, it is not ours
            interrupts.hold()
            board = Board(home, first_word(order, home))
            ending = _serve(order, home, board, interrupts)
            board.change(state="ended", ending=ending)
    return 0 if ending.kind == "stopped" else 1


def first_word(order: Order, home: Home) -> Serving:
    job = order.job
    settings = job.trial.settings
    return Serving(
        name=order.name,
        state="starting",
        keeper=identify_process(os.getpid()),
        model=job.model.name,
        checkpoint=job.model.checkpoint,
        engine=job.trial.engine,
        settings=settings.model_copy(update={"flags": scrub_argv(settings.flags)}),
        reasons=order.reasons,
        record=order.record,
        since=moment(),
        log_path=str(serving_log(home, order.name)),
    )


def moment() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _serve(order: Order, home: Home, board: Board, interrupts: Interrupts) -> Ending:
    server: Server | None = None
    try:
        with interrupts.heard():
            server = _start(order, home, board, interrupts)
            _hold(server)
    except RunFailed as error:
        return _ending("failed" if server is None else "died", error.failed)
    except Ended as ended:
        return Ending(kind="stopped", at=moment(), cause=ended.by, what="stopped", why=WANTED[ended.by])
    except (ArenaError, OSError) as error:
        what, why, advice = _words(error)
        return Ending(kind="failed", at=moment(), cause="not-kept", what=what, why=why, advice=advice)
    finally:
        if server is not None:
            server.stop()
    raise AssertionError


def _start(order: Order, home: Home, board: Board, interrupts: Interrupts) -> Server:
    """The first program whose engine becomes ready; what does not become so is stopped before the next is tried."""

    def start(program: Program) -> Server:
        server = launch(order.job, program, log_path=serving_log(home, order.name), cpus=None)
        interrupts.when_hurried(partial(server.stop, immediately=True))
        try:
            board.change(
                url=server.address.url,
                asked_as=server.asked_as,
                program=program.name,
                release=program.version,
                command=scrub_argv(server.command),
                engine_process=None if server.pid is None else identify_process(server.pid),
                reasons={"program": program.why, **order.reasons},
            )
            ready_s = wait_ready(server, limit_s=order.job.limits.ready_s, on_log=lambda _: None)
            board.change(state="ready", ready_s=round(ready_s, 3))
        except BaseException:
            server.stop()
            raise
        return server

    _, server = first_that_works(order.job.programs, start, on_failure=board.note)
    return server


def _hold(server: Server) -> None:
    """Until the engine ends, which nobody wanted; an interrupt raises out of here."""
    assert server.process is not None
    while server.process.wait(LOOK_S) is None:
        continue
    raise died(server, stage="load")


def _ending(kind: str, failed: Failed) -> Ending:
    return Ending.model_validate(
        {
            "kind": kind,
            "at": moment(),
            "cause": failed.cause,
            "what": failed.what,
            "why": failed.why,
            "advice": failed.advice,
            "evidence": failed.evidence,
        }
    )


def _words(error: Exception) -> tuple[str, str, str]:
    if isinstance(error, ArenaError):
        return error.what, error.why, error.try_
    return "the engine could not be kept", str(error), "look at the keeper's log"


def main() -> int:
    order = Order.model_validate_json(sys.stdin.buffer.read())
    try:
        return keep(order)
    except ArenaError as error:  # its file could not even be begun; who started us reads this
        print(error, file=sys.stderr, flush=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
