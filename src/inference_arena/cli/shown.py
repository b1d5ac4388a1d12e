"""What `arena run` says before it starts and shows when it is over; other verbs say the same."""

from pathlib import Path
from typing import TYPE_CHECKING

from inference_arena import units

if TYPE_CHECKING:
    from inference_arena.record import Record
    from inference_arena.run import Job


def announcement(job: "object") -> str:
    """What is about to happen, and how long it takes."""
    from inference_arena.run import Job, guess_s  # noqa: PLC0415

    assert isinstance(job, Job)
    if job.trial.capacity is not None:
        return _search(job)
    loads = ", ".join(load.label for load in job.trial.loads)
    times = "" if job.trial.repeats == 1 else f", {job.trial.repeats} times"
    what = job.model.name if job.address is None else job.address.url
    kind = "Self-test of this machine and this tool" if job.purpose == "self-test" else "Measuring"
    return f"{kind}: {what} at loads {loads}{times}; about {units.roughly(guess_s(job))}."


def _search(job: "Job") -> str:
    """What a search for the capacity will do, and how long it takes."""
    from inference_arena.run import guess_s  # noqa: PLC0415

    sought = job.trial.capacity
    assert sought is not None
    what = job.model.name if job.address is None else job.address.url
    people = "" if sought.people is None else f", then how many people ({sought.people.behaviour}),"
    return (
        f"Finding out how many requests at once{people} {what} serves under the goal {job.trial.slo.name!r}, one load "
        f"point after another: at most about {units.roughly(guess_s(job))}. Ctrl-C keeps what was found."
    )


def show(record: "Record", path: Path, *, as_json: bool) -> None:
    """The report, or the record itself, on standard output."""
    if as_json:
        print(record.model_dump_json(indent=2))
        return
    from rich.console import Console  # noqa: PLC0415

    from inference_arena.report import render  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(render(record, path=str(path), width=console.width), crop=False)
