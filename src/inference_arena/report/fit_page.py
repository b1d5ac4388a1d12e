"""What `arena fit` shows: a ranked table of what runs, and below it what nearly does and why not. Blocks only."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference_arena import units
from inference_arena.facts import Slo
from inference_arena.plan import Ask, Candidate, Fit, may_be_slow
from inference_arena.report import planned
from inference_arena.report.blocks import Block, Heading, Sentence, Step
from inference_arena.report.memory_bar import NAMES, bar, pattern
from inference_arena.report.table import Column, chosen, table

_BAR_COLUMNS: Final = 16
_BARS: Final = "memory"
_MODEL_COLUMNS: Final = 24
_VERDICT_COLUMNS: Final = len("fits, may be slow")
_INDENT: Final = 2
MOST_MISSES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPage:
    """The answer and what it was asked for. `shown` bounds the table; `test` is the ranking's, None without one.

    `named` is the one model that was asked for, as it was typed; None: the catalogue. `again`: the options that ask
    the same of another command.
    """

    ask: Ask
    candidates: Sequence[Candidate]
    purpose: str
    test: str | None
    shown: int
    named: str | None = None
    again: Sequence[str] = ()
    notes: Sequence[str] = ()


def fit_blocks(page: FitPage, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """The whole page, laid out for `width` columns."""
    running = [one for one in page.candidates if one.fit.runs]
    missing = [one for one in page.candidates if not one.fit.runs]
    return (
        *_title(page),
        *_running(page, running, width=width - _INDENT, ascii_only=ascii_only),
        *_missing(missing, running=bool(running)),
        *(Sentence(text=note, tone="quiet") for note in page.notes),
        *_next(page, running or missing),
    )


def _title(page: FitPage) -> tuple[Block, ...]:
    target, wish = page.ask.target, page.ask.wish
    users, each = ("one user", "") if wish.users == 1 else (f"{wish.users} users at once", " each")
    line = planned.target_line(
        target.title,
        count=target.count,
        memory_bytes=target.memory_bytes,
        free_bytes=target.free_bytes,
        driver=target.driver,
    )
    ranked = (
        f"Ranked by {page.test} among what is fast enough; unknown scores come after known ones, larger models first, "
        "two years older ones last; what is of unknown speed, what nobody has checked, and what is too slow: last."
        if page.test
        else "No published score is known for this use: larger models come first."
    )
    return (
        Heading(text=line),
        Sentence(text=f"For {page.purpose}, {users}, {wish.context_tokens:,} tokens of context{each}."),
        *(Sentence(text=said, tone="quiet") for said in planned.assumed(target)),
        *((Sentence(text=ranked, tone="quiet"),) if page.candidates and page.named is None else ()),
    )


def _running(page: FitPage, running: Sequence[Candidate], *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    if not running:
        what = "Nothing in the catalogue runs" if page.named is None else f"{page.named} does not run"
        return (Sentence(text=f"{what} here as asked.", tone="careful"),)
    rows = running[: page.shown]
    more = len(running) - len(rows)
    columns = _columns(rows, test=page.test, slo=page.ask.slo, ascii_only=ascii_only)
    shown = chosen(columns, width=width, ascii_only=ascii_only)
    return (
        table(columns, width=width, ascii_only=ascii_only),
        *(_legend(rows[0].fit, ascii_only=ascii_only) if _BARS in {column.head for column in shown} else ()),
        *(Sentence(text=f"Not known: {reason}.", tone="quiet") for reason in _unknown(rows)),
        *(
            (Sentence(text=f"{more} more run here: {_again('arena fit', page)} --all", tone="quiet"),)
            if more > 0
            else ()
        ),
    )


def _legend(fit: Fit, *, ascii_only: bool) -> tuple[Block, ...]:
    """What the patterns of the bars mean; without bars it would explain nothing."""
    legend = "  ".join(f"{pattern(t, ascii_only=ascii_only)} {NAMES[t.name]}" for t in fit.budget.terms)
    return (Sentence(text=legend, tone="quiet"),)


def _unknown(rows: Sequence[Candidate]) -> tuple[str, ...]:
    """Why there are dashes among the speeds, each reason once."""
    return tuple(dict.fromkeys(reason for row in rows if row.fit.speed for reason in row.fit.speed.unknown))


def _again(command: str, page: FitPage) -> str:
    return shlex.join((*command.split(), *page.again))


def _columns(rows: Sequence[Candidate], *, test: str | None, slo: Slo | None, ascii_only: bool) -> list[Column]:
    fits = [row.fit for row in rows]
    scores = tuple(units.DASH if row.score is None else units.number(row.score.value) for row in rows)
    speeds = tuple(planned.interval(fit.speed.decode_tokens_per_s_per_user if fit.speed else None) for fit in fits)
    contexts = tuple(planned.tokens(fit.budget.longest_context_tokens) for fit in fits)
    bars = tuple(bar(f.budget, columns=_BAR_COLUMNS, ascii_only=ascii_only) for f in fits)
    return [
        Column(head="", cells=tuple(str(number) for number in range(1, len(rows) + 1)), right=True),
        Column(head="model", cells=tuple(fit.title for fit in fits), least=_MODEL_COLUMNS),
        Column(head="engine", cells=tuple(planned.engine(fit) for fit in fits)),
        Column(head="verdict", cells=tuple(_verdict(fit, slo) for fit in fits), least=_VERDICT_COLUMNS),
        *([Column(head="score", cells=scores, right=True, need=2)] if test else []),
        Column(head="tok/s a user", cells=speeds, right=True, need=1),
        Column(head="longest context", cells=contexts, right=True, need=3),
        Column(head=_BARS, cells=bars, need=4, extra=True),
    ]


def _verdict(fit: Fit, slo: Slo | None) -> str:
    dark = fit.speed is not None and fit.speed.tpot_s is None
    doubt = ", may be slow" if may_be_slow(fit.speed, slo) else ", speed unknown" if dark else ""
    return planned.LEVELS[fit.level] + (", too slow" if fit.meets_slo is False else doubt)


def _missing(missing: Sequence[Candidate], *, running: bool) -> tuple[Block, ...]:
    """The least missing first, each with what decides and the gentlest way out; what is far too large is counted."""
    near = [one for one in missing if not running or _is_near(one.fit)]
    far = len(missing) - len(near)
    lines = [Sentence(text=f"{one.fit.title} on {_why(one.fit)}") for one in near[:MOST_MISSES]]
    if not missing:
        return ()
    near_heading = "What nearly fits, and why it does not" if running else "Why, and what would change it"
    heading = near_heading if near else "What does not fit"
    models = "1 model of the catalogue is" if far == 1 else f"{far} models of the catalogue are"
    more = f"{models} far too large for this card." if far else ""
    return (Heading(text=heading), *lines, *((Sentence(text=more, tone="quiet"),) if more else ()))


def _is_near(fit: Fit) -> bool:
    """Not supported but small enough, or short of at most as much as there is."""
    refusal = fit.budget.refusal
    return refusal is None or refusal.needed_bytes <= 2 * refusal.available_bytes


def _why(fit: Fit) -> str:
    ways = "; ".join(fit.ways_out[:3])
    return f"{planned.engine(fit)}: {fit.deciding}" + (f". Try: {ways}" if ways else "")


def _next(page: FitPage, candidates: Sequence[Candidate]) -> tuple[Block, ...]:
    if not candidates:
        return ()
    best = candidates[0].fit
    engine = () if "--engine" in page.again else ("--engine", best.engine)
    command = shlex.join(("arena", "plan", page.named or best.checkpoint, *page.again, *engine))
    return (Heading(text="Next"), Step(purpose="the memory, term by term, and the command to paste", command=command))
