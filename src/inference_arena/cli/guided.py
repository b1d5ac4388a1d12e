"""`arena run --driver`: the load comes from another tool, and its numbers are kept as its reports."""

import json
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from inference_arena.cli import paper
from inference_arena.cli.launching import prepare
from inference_arena.cli.output import complain
from inference_arena.errors import UsageError

if TYPE_CHECKING:
    from inference_arena.run import Asked, Guided


def measure_with(
    driver: str, asked: "Asked", *, api_key: str | None, together: bool, as_json: bool, plain: bool
) -> int:
    """Start the server or find it, let the tool drive each load, keep and show what it reports."""
    from inference_arena.hardware import read_host  # noqa: PLC0415 - start-up stays quick
    from inference_arena.report import Progress  # noqa: PLC0415
    from inference_arena.run import DRIVERS, Interrupts, find_driver, guide, refuse_to_tell  # noqa: PLC0415
    from inference_arena.store import check_writable, measuring_lock, open_home, save_report  # noqa: PLC0415

    if asked.repeats > 1:
        raise UsageError("--repeat and --driver do not go together", why="each run of the tool is a report of its own",
                         try_="run it once more")  # fmt: skip
    home = open_home()
    check_writable(home)
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        stack.enter_context(nullcontext() if together else measuring_lock(home))
        progress = stack.enter_context(Progress(plain=plain))
        progress.stage("look at machine")
        job = prepare(asked, host=read_host(), home=home, progress=progress)
        refuse_to_tell(job.trial, tool=DRIVERS[driver].title)
        program = find_driver(DRIVERS[driver], home=home, progress=progress)
        complain(f"{DRIVERS[driver].title} drives the load; its numbers become a report, and no record of ours.")
        found = guide(job, DRIVERS[driver], program=program, home=home, progress=progress, interrupts=interrupts,
                      api_key=api_key)  # fmt: skip
    for each in found:
        save_report(home, each.report)
    _show(found, as_json=as_json)
    return 0


def _show(found: "list[Guided]", *, as_json: bool) -> None:
    from inference_arena.report import reported_blocks  # noqa: PLC0415

    if as_json:
        print(json.dumps({"reports": [each.report.model_dump(mode="json") for each in found]}, ensure_ascii=False))
        return
    for each in found:
        paper.show(partial(reported_blocks, each.report))
