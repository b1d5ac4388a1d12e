"""`arena list`: what was measured here, newest first."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from inference_arena import units
from inference_arena.record import Reported
from inference_arena.store import Home, load_report, open_home, report_ids

if TYPE_CHECKING:
    from rich.table import Table

    from inference_arena.store import BadRecord, Row


def command(
    *,
    limit: Annotated[int, typer.Option(help="Show at most so many records, the newest.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List records, newest first, and imported reports.

    Reports of other tools stand in a table of their own, below the records.

    For example: `arena list`, or `arena list --limit 5 --json`.
    """
    from inference_arena.store import list_records, refresh_index  # noqa: PLC0415 - brings SQLAlchemy

    home = open_home()
    bad = refresh_index(home)
    rows = list_records(home, limit=limit)
    reports = [load_report(home, report_id) for report_id in report_ids(home)]
    if as_json:
        _print_json(rows, bad, reports)
        return
    _print_rows(rows, home=home)
    _print_reports(reports)
    for path, reason in bad:
        print(f"not listed: {path}: {reason}", file=sys.stderr)


def _print_json(rows: Sequence["Row"], bad: Sequence["BadRecord"], reports: Sequence[Reported]) -> None:
    brief = [report.model_dump(mode="json", exclude={"requests", "points", "facts"}) for report in reports]
    unreadable = [{"path": str(path), "reason": reason} for path, reason in bad]
    document = {"records": [row.model_dump(mode="json") for row in rows], "reports": brief, "unreadable": unreadable}
    print(json.dumps(document, ensure_ascii=False, indent=2))


def _print_rows(rows: Sequence["Row"], *, home: Home) -> None:
    if not rows:
        print(f"no records in {home.root} yet; `arena run` makes the first", file=sys.stderr)
        return
    from rich.console import Console  # noqa: PLC0415 - start-up stays quick

    # a pipe has no width to wrap to, and grep wants one line a record
    Console(width=None if sys.stdout.isatty() else 240, highlight=False).print(_table(rows))


def _print_reports(reports: Sequence[Reported]) -> None:
    """A table of their own: no column of theirs stands under one of ours."""
    if not reports:
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", title="reported by other tools", title_justify="left")
    table.add_column("id", no_wrap=True)
    for name in ("when", "what", "loads", "doubts"):
        table.add_column(name)
    for report in reports:
        what = " on ".join(part for part in (report.model or "unnamed model", report.engine, report.hardware) if part)
        loads = ", ".join(point.label for point in report.points)
        doubts = " ".join(doubt.code for doubt in report.doubts if doubt.weight != "note")
        when = _when(report.started_at) if report.started_at else units.DASH
        table.add_row(*(Text(_visible(cell)) for cell in (report.id, when, what, loads, doubts)))
    Console(width=None if sys.stdout.isatty() else 240, highlight=False).print(table)


def _table(rows: Sequence["Row"]) -> "Table":
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True)
    for name in ("when", "what", "outcome"):
        table.add_column(name)
    for name in ("peak tok/s", "TTFT"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("doubts")
    for row in rows:
        table.add_row(*(Text(_visible(cell)) for cell in _cells(row)))
    return table


def _cells(row: "Row") -> tuple[str, ...]:
    what = f"{row.model} on {row.engine}" + (" (self-test)" if row.purpose == "self-test" else "")
    outcome = f"{row.outcome}: {row.cause}" if row.cause else row.outcome
    return (
        row.id,
        _when(row.started_at),
        what,
        outcome if row.retry_of is None else f"{outcome} (retry of {row.retry_of})",
        units.number(row.peak_output_tokens_per_s),
        units.seconds(row.lowest_load_ttft_p50_s),
        " ".join(row.doubts) or units.DASH,
    )


def _when(started_at: str) -> str:
    """Local time; a text that is no time stays as it is."""
    try:
        return f"{datetime.fromisoformat(started_at).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return started_at


def _visible(text: str) -> str:
    """A record from elsewhere must not move the cursor or colour the screen."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
