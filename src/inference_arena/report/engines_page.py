"""The engines of this machine: what is here, what could be brought, and why not more. Text only."""

from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from inference_arena import units
from inference_arena.facts import Fact
from inference_arena.report.table import Column, table


class EngineRow(Fact):
    """One engine. `here`: releases with where they are; `newest`: None where nothing can be installed."""

    name: str
    title: str
    here: tuple[str, ...]
    newest: str | None
    is_here: bool
    notes: tuple[str, ...]


def engines_page(rows: Sequence[EngineRow], *, machine: str, width: int, ascii_only: bool = False) -> str:
    """The table, then what there is to say of each engine."""
    columns = (
        Column(head="engine", cells=tuple(row.name for row in rows)),
        Column(head="here", cells=tuple(", ".join(row.here) or units.DASH for row in rows), least=12),
        Column(head="newest for this machine", cells=tuple(row.newest or units.DASH for row in rows)),
        Column(head="to install it", cells=tuple(map(_how, rows)), need=1),
    )
    lines = [f"for {machine}", "", *table(columns, width=width, ascii_only=ascii_only).lines, ""]
    return "\n".join([*lines, *_notes(rows, width)]).rstrip()


def _how(row: EngineRow) -> str:
    if row.newest is None:
        return "not installable here"
    return "is here" if row.is_here else f"arena engines install {row.name}"


def _notes(rows: Sequence[EngineRow], width: int) -> Iterator[str]:
    fill = TextWrapper(width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False).fill
    for row in rows:
        for note in row.notes:
            yield fill(f"{row.title}: {note}")
