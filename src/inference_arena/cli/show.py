"""`arena show`: a record's report again, or in the words of another tool; or what another tool reported."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inference_arena.cli import paper
from inference_arena.cli.run import show
from inference_arena.errors import ArenaError, UsageError
from inference_arena.metrics import ViewOf
from inference_arena.store import find_record, find_report, iter_traces, load_record, load_report, open_home

if TYPE_CHECKING:
    from inference_arena.record import Reported


def command(
    record: Annotated[
        str, typer.Argument(help="An id, its beginning or end, `last`, `last-failed`, or a folder.")
    ] = "last",
    *,
    view: Annotated[
        Literal["guidellm", "aiperf", "vllm", "sglang"] | None,
        typer.Option(help="The numbers as this tool would print them, with what differs and why."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show a record again, or an imported report.

    For example: `arena show`, `arena show 20261123-1201 --json`, or `arena show last --view vllm`.
    """
    home = open_home()
    report_id = find_report(home, record)
    if report_id is None:
        path = find_record(home, record)
        _show_record(path, view=view, as_json=as_json)
        return
    if view is not None:
        raise UsageError(f"{report_id} is in its tool's own words", try_=f"arena show {report_id}")
    _show_report(load_report(home, report_id), as_json=as_json)


def _show_record(path: Path, *, view: ViewOf | None, as_json: bool) -> None:
    if view is None:
        show(load_record(path), path, as_json=as_json)
    else:
        _show_view(path, view, as_json=as_json)


def _show_view(path: Path, tool: ViewOf, *, as_json: bool) -> None:
    from inference_arena.exchange import view_document  # noqa: PLC0415 - start-up stays quick
    from inference_arena.metrics import views  # noqa: PLC0415
    from inference_arena.report import ViewPage, view_blocks  # noqa: PLC0415

    record = load_record(path)
    if not record.points:
        raise ArenaError(f"{record.id} has no load points to show", why=f"its run {record.outcome.kind} before any")
    seen = views(tool, points=record.points, traces=iter_traces(path))
    if as_json:
        print(json.dumps(view_document(record, seen), ensure_ascii=False, indent=2))
        return
    paper.show(partial(view_blocks, ViewPage(record=record, views=seen)))


def _show_report(report: "Reported", *, as_json: bool) -> None:
    from inference_arena.report import reported_blocks  # noqa: PLC0415

    if as_json:
        print(report.model_dump_json(indent=2))
        return
    paper.show(partial(reported_blocks, report))
