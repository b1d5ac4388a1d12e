"""What `arena plan` shows for one checkpoint: the memory bar with every term, verdicts, commands to paste. Blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inference_arena import units
from inference_arena.plan import Ask, Fit, Layout, Turned
from inference_arena.report import planned
from inference_arena.report.blocks import Block, Heading, Lines, Pairs, Sentence, Tone
from inference_arena.report.layout_table import layout_blocks
from inference_arena.report.memory_bar import NAMES, bar, pattern
from inference_arena.report.pasted import continued
from inference_arena.report.table import Column, fitted, table

_INDENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """Plans for what was named, the best first. `commands`: by checkpoint and engine, purpose -> command line.

    `downloads`: likewise, what is to be fetched before that command, and the line that does it.
    """

    ask: Ask
    fits: Sequence[Fit]
    commands: Mapping[tuple[str, str], Mapping[str, str]]
    downloads: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    turned: Turned | None = None
    layouts: tuple[Layout, ...] = ()
    explain: bool = False
    notes: Sequence[str] = ()


def plan_blocks(page: PlanPage, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """The best plan in full, the others as a table."""
    best, room = page.fits[0], width - _INDENT
    return (
        Heading(text=f"{best.title} on {_target(page)}"),
        *(Sentence(text=said, tone="quiet") for said in planned.assumed(page.ask.target)),
        *_verdict(best),
        *_memory(best, width=room, ascii_only=ascii_only),
        *(_explained(best) if page.explain else ()),
        *_speed(best),
        *_obstacles(best),
        *layout_blocks(page.layouts, width=room, ascii_only=ascii_only),
        *_turned(page),
        *_others(page.fits[1:], width=room, ascii_only=ascii_only),
        *_commands(page),
        *(Sentence(text=note, tone="quiet") for note in page.notes),
    )


def _target(page: PlanPage) -> str:
    target = page.ask.target
    return planned.target_line(
        target.title,
        count=target.count,
        memory_bytes=target.memory_bytes,
        free_bytes=target.free_bytes,
        driver=target.driver,
    )


def _verdict(fit: Fit) -> tuple[Block, ...]:
    tone: Tone = "good" if fit.level == "fits" else "careful" if fit.runs else "bad"
    said = f"{planned.engine(fit)}: {planned.LEVELS[fit.level]}. {_sentence(fit.deciding)}"
    gave = f"To make it fit, the plan takes {', '.join(fit.gave_way)}." if fit.gave_way and fit.runs else ""
    ways = f"What would change that: {'; '.join(fit.ways_out)}." if fit.ways_out and not fit.runs else ""
    return (Sentence(text=said, tone=tone), *(Sentence(text=text) for text in (gave, ways) if text))


def _sentence(text: str) -> str:
    """With a capital, unless it begins with a name such as vLLM or llama.cpp."""
    first = text.split(maxsplit=1)[0] if text else ""
    return (text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text) + "."


def _memory(fit: Fit, *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    budget = fit.budget
    drawn = bar(budget, columns=min(width, 72), ascii_only=ascii_only)
    rows = tuple(
        f"{pattern(term, ascii_only=ascii_only)} {NAMES[term.name]:<12} {units.gib(term.bytes):>10}  {term.explained}"
        for term in budget.terms
    )
    whole = f"{units.gib(budget.memory_bytes)} of each card, as programs see it"
    beside = f"{units.gib(budget.host_bytes)} in the machine's own memory" if budget.host_bytes > 0 else ""
    holds = (
        f"{budget.kv_cache_tokens:,} tokens of KV cache, {units.size(budget.sequence_bytes)} for each request; "
        f"longest context {planned.tokens(budget.longest_context_tokens)}; "
        f"such sums were off by up to {units.percent(budget.spread)} with {budget.spread_of}"
    )
    return (
        Heading(text="Memory"),
        Lines(lines=(drawn, *(fitted(row, width=width, ascii_only=ascii_only) for row in rows)), drawing=True),
        *(Sentence(text=text, tone="quiet") for text in (whole, beside, holds) if text),
    )


_LESSONS = {
    "weights": "The model's numbers, which must lie on the card as long as it runs.",
    "kv_cache": "What past tokens of all conversations leave behind, so that they are not computed again.",
    "activations": "What one step needs while it computes: the larger the step, the more.",
    "graphs": "Decoding steps recorded once and replayed, which saves time at each.",
    "context": "What the driver and the engine's own program take before any model is loaded.",
    "reserve": "Kept back so that nothing runs out at the worst moment.",
    "free": "What nobody uses. A negative number is what is missing.",
}


def _explained(fit: Fit) -> tuple[Block, ...]:
    rows = tuple((NAMES[t.name], f"{_LESSONS[t.name]} Rule: {t.formula}; {t.explained}.") for t in fit.budget.terms)
    return (Heading(text="Each term in one sentence"), Pairs(rows=rows))


def _speed(fit: Fit) -> tuple[Block, ...]:
    quick = fit.speed
    if quick is None:
        return ()
    basis = quick.tpot_s.basis if quick.tpot_s else None
    rows = (
        ("a user", f"{planned.interval(quick.decode_tokens_per_s_per_user)} tok/s"),
        ("all users", f"{planned.interval(quick.output_tokens_per_s)} tok/s"),
        ("TTFT", planned.latency(quick.ttft_s)),
        *((("basis", basis),) if basis else ()),
        *((("not known", "; ".join(quick.unknown)),) if quick.unknown else ()),
    )
    return (Heading(text="Speed, predicted and not measured"), Pairs(rows=rows))


def _obstacles(fit: Fit) -> tuple[Block, ...]:
    rows = tuple((one.rule, f"{one.what}: {one.evidence}") for one in fit.obstacles)
    kernels = (
        (Sentence(text="Computes with " + "; ".join(fit.computes_with), tone="quiet"),) if fit.computes_with else ()
    )
    if not rows:
        return kernels
    return (Heading(text="In the way"), *(Sentence(text=f"{rule}: {said}") for rule, said in rows), *kernels)


def _commands(page: PlanPage) -> tuple[Block, ...]:
    """Of the best plan on each engine, over several lines that a shell joins again: no terminal cuts one in two."""
    blocks: list[Block] = []
    shown: set[str] = set()
    for fit in page.fits:
        commands = page.commands.get((fit.checkpoint, fit.engine), {})
        if not fit.runs or not commands or fit.engine in shown:
            continue
        shown.add(fit.engine)
        blocks.append(Heading(text=f"To paste: {fit.title} on {planned.engine(fit)}"))
        downloads = page.downloads.get((fit.checkpoint, fit.engine), {})
        for purpose, command in commands.items():
            blocks += _pasted(purpose, command, before=downloads.get(purpose))
    return tuple(blocks)


def _pasted(purpose: str, command: str, *, before: tuple[str, str] | None) -> tuple[Block, ...]:
    """A command, after what has to be fetched for it."""
    first = () if before is None else (Sentence(text=f"{before[0]}:"), Lines(lines=(before[1],), whole=True))
    return (Sentence(text=f"{purpose}:"), *first, Lines(lines=continued(command), whole=True))


def _turned(page: PlanPage) -> tuple[Block, ...]:
    """The answers to the questions turned around."""
    answers, context = page.turned, page.ask.wish.context_tokens
    if answers is None:
        return ()
    smallest = (
        f"{answers.smallest_card_title}, with {answers.smallest_card_checkpoint}"
        if answers.smallest_card_title
        else "no single card of the catalogue"
    )
    rows = (
        ("most users", f"{answers.most_users:,} at {context:,} tokens of context each"),
        ("longest", f"{planned.tokens(answers.longest_context_tokens)} tokens of context for one user"),
        ("smallest card", smallest),
    )
    return (Heading(text="Turned around"), Pairs(rows=rows))


def _others(fits: Sequence[Fit], *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    if not fits:
        return ()
    columns = [
        Column(head="alternative", cells=tuple(fit.title for fit in fits)),
        Column(head="engine", cells=tuple(planned.engine(fit) for fit in fits)),
        Column(head="verdict", cells=tuple(planned.LEVELS[fit.level] for fit in fits)),
        Column(head="what decides", cells=tuple(fit.deciding for fit in fits)),
    ]
    return (Heading(text="Alternatives"), table(columns, width=width, ascii_only=ascii_only))
