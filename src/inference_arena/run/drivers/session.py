"""One task done by another tool: started under a supervisor in a folder of its own, ended whatever happens."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from inference_arena.errors import ArenaError
from inference_arena.exchange import read_reports
from inference_arena.record import Reported
from inference_arena.run.drivers.task import Driver, Task
from inference_arena.run.process import start_engine
from inference_arena.run.scrub import scrub_text

LIMIT_S: Final = 3600.0
_SHOWN: Final = 5
_GRACE_S: Final = 2.0


class Driven(NamedTuple):
    """What the tool reported, and the command, without secrets."""

    report: Reported
    command: tuple[str, ...]


def drive(
    driver: Driver,
    task: Task,
    *,
    program: str,
    api_key: str | None = None,
    limit_s: float = LIMIT_S,
    environment: Mapping[str, str] | None = None,
) -> Driven:
    """The tool's own report of the task. Raises ArenaError with its last words when it leaves none."""
    with tempfile.TemporaryDirectory(prefix="arena-driver-") as name:
        folder = Path(name)
        order = driver.order(task, program=program, folder=folder, api_key=api_key)
        env = {**(os.environ if environment is None else environment), **order.env}
        process = start_engine(order.argv, env=env, log_path=folder / "log", grace_s=_GRACE_S)
        try:
            code = process.wait(limit_s)
        finally:
            process.stop()
        if code != 0 or not order.report.is_file():
            raise _failed(driver, process.log_tail(_SHOWN), code=code, limit_s=limit_s, api_key=api_key)
        return Driven(read_reports(order.report)[0], order.argv)


def _failed(
    driver: Driver, lines: Sequence[str], *, code: int | None, limit_s: float, api_key: str | None
) -> ArenaError:
    secrets = () if api_key is None else (api_key,)
    said = [scrub_text(line, secrets=secrets).strip() for line in lines]
    ended = f"it was not done after {limit_s:g} s" if code is None else f"it ended with {code}"
    return ArenaError(
        f"{driver.title} left no report",
        why=": ".join([ended, *[line for line in said if line][-1:]]),
        try_="arena run --url measures the server without it; the tool's own log says more when it is run by hand",
    )
