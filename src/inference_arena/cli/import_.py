"""`arena import`: records of others, and reports of other tools, checked before anything is kept."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.exchange import import_record, import_reports, is_report
from inference_arena.store import Home, open_home


def command(
    *,
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Archives, directories of records, or reports of other tools."),
    ],
) -> None:
    """Add records from archives that `arena export` wrote, or reports that other tools wrote.

    Reports are recognised by what is in them: GuideLLM, AIPerf (its file or its folder), vllm bench serve, SGLang's
    bench_serving, and the first Inference Arena. They are kept beside the records, with what their numbers cannot say,
    and are never ranked with records. What is here already is left as it is.

    For example: `arena import 20261123-120102-a1b2c3.arena.tar.gz`, or `arena import benchmarks.json`.
    """
    home = open_home()
    for source in sources:
        for name, is_new in _import(home, source):
            print(name)
            if not is_new:
                print(f"{name} was here already; nothing changed", file=sys.stderr)


def _import(home: Home, source: Path) -> list[tuple[str, bool]]:
    if not is_report(source):
        imported = import_record(home, source)
        return [(imported.record_id, imported.is_new)]
    return [(kept.report.id, kept.is_new) for kept in import_reports(home, source)]
