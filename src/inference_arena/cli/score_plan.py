"""`arena score-plan`: how well the plan foretold what engines then said of themselves, and what was measured."""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from inference_arena.cli.paper import show
from inference_arena.errors import ArenaError, NotFoundError
from inference_arena.metrics import PlanScore, score
from inference_arena.record import Record
from inference_arena.store import Home, find_record, load_record, open_home, record_ids


def command(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECORD]",
            help="Records: an id, its beginning or end, last, or a folder; or a folder of records. All of this home if "
            "none is named.",
        ),
    ] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Score the plan: each memory term against the engine's own words, each speed against what was measured.

    Exit code 1 when a tolerance that the plan promises is not kept. For example: `arena score-plan`, or
    `arena score-plan records/`.
    """
    scored = score(_records(open_home(), names or ()))
    if not (scored.terms or scored.speeds):
        raise NotFoundError(
            "no record here has a prediction beside what came of it",
            why=f"{len(scored.without)} records were looked at",
            try_="arena run MODEL --engine vllm makes one",
        )
    if as_markdown:
        from inference_arena.exchange import score_markdown  # noqa: PLC0415 - start-up stays quick

        print(score_markdown(scored), end="")
    elif as_json:
        print(json.dumps(_document(scored), ensure_ascii=False, indent=2))
    else:
        from inference_arena.report import score_blocks  # noqa: PLC0415 - start-up stays quick

        show(partial(score_blocks, scored))
    return 0 if scored.kept else 1


def _records(home: Home, names: Sequence[str]) -> list[Record]:
    if not names:
        return [record for name in record_ids(home) for record in _loaded(home.records / name)]
    return [record for name in names for path in _paths(home, name) for record in _loaded(path)]


def _paths(home: Home, name: str) -> list[Path]:
    folder = Path(name).expanduser()
    inside = sorted(path.parent for path in folder.glob("*/record.json")) if folder.is_dir() else []
    return inside or [find_record(home, name)]


def _loaded(path: Path) -> list[Record]:
    """None of them where it cannot be read, which is said."""
    try:
        return [load_record(path)]
    except ArenaError as error:
        print(f"not scored: {path}: {error.what}", file=sys.stderr)
        return []


def _document(scored: PlanScore) -> dict[str, object]:
    return {
        "kept": scored.kept,
        "pool_mean": scored.pool_mean,
        "terms": [{**each.model_dump(), "error": each.error, "kept": each.kept} for each in scored.terms],
        "speeds": [{**each.model_dump(), "ratio": each.ratio, "inside": each.inside} for each in scored.speeds],
        "without": scored.without,
    }
