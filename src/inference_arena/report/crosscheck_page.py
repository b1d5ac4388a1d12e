"""What `arena crosscheck` shows: each metric three ways, and which step explains where they part. Blocks."""

from collections.abc import Sequence
from typing import Final

from inference_arena import units
from inference_arena.metrics import Crosscheck, Parting
from inference_arena.record import Doubt, Record
from inference_arena.report import words
from inference_arena.report.blocks import Block, Heading, Sentence, Tone
from inference_arena.report.figures_page import TOOLS
from inference_arena.report.table import Column, table

_INDENT: Final = 2
_SAID: Final = {
    "agree": "agree",
    "definition": "by definition",
    "measurement": "by measurement",
    "not-judged": "not judged",
}
_TONES: Final[dict[str, Tone]] = {"serious": "bad", "caution": "careful", "note": "quiet"}


def crosscheck_blocks(
    record: Record,
    tool: str,
    results: Sequence[Crosscheck],
    doubts: Sequence[Doubt],
    *,
    width: int,
    ascii_only: bool = False,
) -> tuple[Block, ...]:
    """Ours, ours in their words, theirs; then what each parting means, and the doubts of their report."""
    blocks: list[Block] = [
        Sentence(text=f"{words.title(record)}: {record.id} beside {TOOLS[tool]}", tone="strong", indent=0),
        Sentence(
            text="the same prompts and lengths, proved by their hashes, on the server named", tone="quiet", indent=0
        ),
    ]
    for result in results:
        counts = f"{result.requests:,} requests of ours, {result.their_requests:,} of theirs"
        blocks += [Heading(text=f"Load {result.label}: {counts}")]
        blocks += [_table(result.partings, width=width - _INDENT, ascii_only=ascii_only)]
        blocks += [
            Sentence(text=f"not alike, which may explain a difference: {text}", tone="careful")
            for text in result.unlike
        ]
        blocks += [Sentence(text=text, tone=tone) for text, tone in map(_sentence, result.partings) if text]
    said = (f"{doubt.weight} {doubt.code}: {doubt.evidence}" for doubt in doubts)
    tones = (_TONES[doubt.weight] for doubt in doubts)
    return (
        *blocks,
        Heading(text="Doubts of their report"),
        *(Sentence(text=text, tone=tone) for text, tone in zip(said, tones, strict=True)),
    )


def _table(partings: Sequence[Parting], *, width: int, ascii_only: bool) -> Block:
    def column(head: str, values: Sequence[float | None], *, need: int) -> Column:
        return Column(head=head, cells=tuple(map(units.number, values)), right=True, need=need)

    return table(
        (
            Column(head="metric", cells=tuple(p.name for p in partings), least=12),
            Column(head="unit", cells=tuple(p.unit for p in partings)),
            column("ours", [p.ours for p in partings], need=3),
            column("ours, their way", [p.ours_as_theirs for p in partings], need=1),
            column("theirs", [p.theirs for p in partings], need=0),
            column("allowed +-", [p.allowed for p in partings], need=2),
            Column(head="verdict", cells=tuple(_SAID[p.verdict] for p in partings)),
        ),
        width=width,
        ascii_only=ascii_only,
    )


def _sentence(parting: Parting) -> tuple[str, Tone]:
    """Nothing where they agree: the table says it."""
    match parting.verdict:
        case "measurement":
            off = f"{units.number(parting.theirs - parting.ours_as_theirs)} {parting.unit}"
            why = "more than chance and our client explain: their client, the server's state, or a cache"
            text = f"{parting.name}: theirs is {off} off ours in the same definition, {why}"
            return text, "careful"
        case "definition":
            return f"{parting.name}: the same measurement under another definition: {parting.differs}", "plain"
        case "not-judged":
            return f"{parting.name}: too little is known of its spread to judge", "quiet"
        case "agree":
            return "", "plain"
