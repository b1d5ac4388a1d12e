"""`arena suite`: many runs from one file, one after another, which goes on where it was interrupted."""

import io
import json
import shlex
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inference_arena.cli import run as run_verb
from inference_arena.cli.asking import asked_of
from inference_arena.cli.output import complain
from inference_arena.cli.paper import show
from inference_arena.errors import ArenaError, StorageError, UsageError
from inference_arena.store import (
    Home,
    Progressed,
    Refused,
    SuiteReport,
    SuiteRow,
    load_progress,
    load_record,
    open_home,
    progress_path,
    record_ids,
    save_progress,
    with_record,
    with_refusal,
)

if TYPE_CHECKING:
    from inference_arena.record import Record
    from inference_arena.run import Item, Suite

INTERRUPTED = 130


def command(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A suite file, or a suite that ships, by its name.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show the items and how far each has come; run nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Try anew what failed or was refused.")] = False,
    only: Annotated[str | None, typer.Option(help="Only items whose label holds this text.", metavar="TEXT")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report to this file: .md or .html.", metavar="PATH")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON document.")] = False,
) -> int:
    """Run every combination of models, engines, settings and loads that a file lists, and report on all of them.

    What has a record is skipped, also after an interruption; failures are kept and reported. Without a file, the suites
    that ship are listed. Exit code 1 when an item has no finished record. For example: `arena suite cpu`, or
    `arena suite article-rtx3090 --report article.html`.
    """
    from inference_arena.run import read_suite, shipped  # noqa: PLC0415 - heavy

    if name is None:
        for shipped_name, title in shipped().items():
            print(f"{shipped_name:<24} {title}")
        return 0
    suite = read_suite(name)
    chosen = tuple(item for item in suite.items if only is None or only.lower() in item.label.lower())
    if not chosen:
        raise UsageError(f"no item's label holds {only!r}", try_=f"arena suite {name} --list")
    _check_report(report)
    state = _State(home=open_home(), suite=suite)
    interrupted = False if listed else _run_all(state, chosen, again=again)
    _show(state, chosen, report=report, as_json=as_json)
    if interrupted:
        complain(f"interrupted; `arena suite {name}` goes on from here")
        return INTERRUPTED
    return 0 if listed or all(_finished(state, item) for item in chosen) else 1


@dataclass(slots=True)
class _State:
    """How far a suite has come, which is kept after every item."""

    home: Home
    suite: "Suite"

    @property
    def path(self) -> Path:
        return progress_path(self.home, self.suite.name)

    @property
    def done(self) -> Progressed:
        return load_progress(self.path, known=frozenset(record_ids(self.home)))

    def keep(self, done: Progressed) -> None:
        save_progress(self.path, done)

    def records(self, item: "Item") -> "list[Record]":
        return [load_record(self.home.records / one) for one in self.done.launches(item.id)]


def _check_report(report: Path | None) -> None:
    if report is not None and report.suffix not in {".md", ".html"}:
        raise UsageError(f"{report} is no report that can be written", try_="--report FILE.md or --report FILE.html")
    if report is not None and not report.resolve().parent.is_dir():
        raise StorageError(f"{report} cannot be written", why="there is no such folder")


def _run_all(state: _State, items: "Sequence[Item]", *, again: bool) -> bool:
    """Whether it was interrupted. Launches of an item are taken in turn with those of the others."""
    _check_items(items)
    rounds = [(launch, item) for launch in range(state.suite.launches) for item in items]
    for number, (launch, item) in enumerate(rounds, start=1):
        if not _is_due(state, item, launch=launch, again=again):
            continue
        times = f", launch {launch + 1} of {state.suite.launches}" if state.suite.launches > 1 else ""
        complain(f"\n[{number} of {len(rounds)}] {item.label}{times}")
        if _run_one(state, item) == INTERRUPTED:
            return True
    return False


def _is_due(state: _State, item: "Item", *, launch: int, again: bool) -> bool:
    """Failures and refusals stand until somebody asks for another try; what was interrupted is done anew."""
    stands = {"finished"} if again else {"finished", "failed"}
    tries = sum(record.outcome.kind in stands for record in state.records(item))
    return tries + (not again and item.id in state.done.refused) <= launch


def _run_one(state: _State, item: "Item") -> int:
    """One `arena run`. What it refuses before it starts is kept in its own words."""
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            context = _parsed_run(item.argv)
            code = int(context.command.invoke(context) or 0)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except StorageError:
        raise
    except ArenaError as error:
        complain(str(error))
        state.keep(with_refusal(state.done, item.id, Refused(what=error.what, why=error.why, try_=error.try_)))
        return error.exit_code
    record = _record_id(said.getvalue())
    if record is not None:
        state.keep(with_record(state.done, item.id, record))
    return code


def _record_id(text: str) -> str | None:
    try:
        return str(json.loads(text)["id"])
    except (ValueError, KeyError, TypeError):
        return None


def _check_items(items: "Sequence[Item]") -> None:
    """Every command line is read before the first one runs: a mistake in the last is found at once."""
    for item in items:
        try:
            asked_of(_parsed_run(item.argv).params)
        except UsageError as error:
            where = f"in: arena run {shlex.join(item.argv)}"
            raise UsageError(error.what, why=error.why or where, try_=error.try_) from error


def _parsed_run(argv: Sequence[str]) -> Any:
    """A command line, read but not run. Raises UsageError for one that cannot be meant."""
    from typer.main import get_command  # noqa: PLC0415 - the start of `arena` stays quick

    verb = typer.Typer(add_completion=False, rich_markup_mode=None)
    verb.command("run")(run_verb.command)
    parser: Any = get_command(verb)
    try:
        return parser.make_context("run", [*argv, "--json"])
    except typer.TyperException as error:
        raise UsageError(
            error.format_message(), why=f"in: arena run {' '.join(argv)}", try_="arena run --help"
        ) from error


def _finished(state: _State, item: "Item") -> bool:
    return any(record.outcome.kind == "finished" for record in state.records(item))


def _show(state: _State, items: "Sequence[Item]", *, report: Path | None, as_json: bool) -> None:
    from inference_arena.exchange import suite_document, suite_html, suite_markdown  # noqa: PLC0415
    from inference_arena.report import suite_blocks  # noqa: PLC0415

    whole = _report_of(state, items)
    if report is not None:
        page = suite_html(whole, pictures=_pictures(whole)) if report.suffix == ".html" else suite_markdown(whole)
        report.write_text(page, "utf-8")
        complain(f"report written to {report}")
    if as_json:
        print(json.dumps(suite_document(whole), ensure_ascii=False, indent=2))
    else:
        show(partial(suite_blocks, whole))


def _pictures(whole: SuiteReport) -> dict[str, str]:
    """SVG by record id, of the newest record of each item; none, and a word about it, where nothing can draw them."""
    if not all(find_spec(name) for name in ("altair", "vl_convert")):
        complain("the report has no pictures: pip install 'inference-arena[charts]' brings what draws them")
        return {}
    from inference_arena.report import has_load_curve, load_curve_svg  # noqa: PLC0415 - heavy

    newest = [row.finished[-1] for row in whole.rows if row.finished]
    return {record.id: load_curve_svg(record) for record in newest if has_load_curve(record)}


def _report_of(state: _State, items: "Sequence[Item]") -> SuiteReport:
    done = state.done
    rows = (
        SuiteRow(
            label=item.label, argv=item.argv, records=tuple(state.records(item)), refused=done.refused.get(item.id)
        )
        for item in items
    )
    suite = state.suite
    return SuiteReport(name=suite.name, title=suite.title, about=suite.about, launches=suite.launches, rows=tuple(rows))
