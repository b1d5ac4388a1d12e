"""What is to be asked: a workload by name or a mix of them, conversations, patience, prompts of one's own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from inference_arena.errors import UsageError
from inference_arena.facts import Distribution, Slo, Workload, slo, workload
from inference_arena.load import read_prompts
from inference_arena.plan import Data, Kind, Lengths, Patience, Prefix, Sessions, Spread
from inference_arena.run.loads import (
    longest_answer_of_prompts,
    longest_of_prompts,
    longest_of_trace,
    sha256_of_text,
)
from inference_arena.run.people import longest_of_people

if TYPE_CHECKING:
    from inference_arena.run.asked import Asked

TURNS: Final = 4
THINK_S: Final = 10.0
LONGEST_DRAWN: Final = 1.5  # of the 90th percentile, for an unbounded spread


def cards_of(asked: "Asked", *, self_test: bool) -> tuple[tuple[Workload, float], ...]:
    """The workloads that are asked for, each with its share; raises UsageError or NotFoundError."""
    if asked.workload is None:
        return ((workload("self-test" if self_test else "chat"), 1.0),)
    found = tuple(_card(part.strip(), alone="," not in asked.workload) for part in asked.workload.split(","))
    names = [card.name for card, _ in found]
    if len(set(names)) < len(names):
        raise UsageError(f"--workload {asked.workload} names one kind twice", try_="name each kind once")
    return found


def _card(text: str, *, alone: bool) -> tuple[Workload, float]:
    name, _, share = text.partition(":")
    if not share:
        if not alone:
            raise UsageError(f"--workload: {name} has no share", try_="--workload chat:70,rag-long-prompt:20,batch:10")
        return workload(name), 1.0
    try:
        number = float(share)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1e6:
        raise UsageError(f"--workload: {share!r} is no share of requests", try_="--workload chat:70,batch:30")
    return workload(name), number


def make_lengths(asked: "Asked", *, self_test: bool) -> Lengths:
    """The lengths of the most frequent kind; `most_tokens` covers everything that may be asked."""
    cards = cards_of(asked, self_test=self_test)
    card, _ = max(cards, key=lambda pair: pair[1])
    lengths = lengths_of(asked, card)
    longest = max((_longest(asked, each, lengths_of(asked, each)) for each, _ in cards), default=0)
    longest = max(longest, longest_of_people(asked))
    return lengths if longest <= lengths.longest_tokens else lengths.model_copy(update={"most_tokens": longest})


def lengths_of(asked: "Asked", card: Workload) -> Lengths:
    """A card's lengths, less what was named; drawn from its spread where that is asked for."""
    named = asked.input_tokens is not None or asked.output_tokens is not None
    if asked.spread and (named or (card.input is None and card.output is None)):
        why = "lengths were named" if named else f"{card.name} has none: its lengths are chosen, not observed"
        raise UsageError(
            "--spread needs a workload's observed lengths", why=why, try_="--workload conversation --spread"
        )
    return Lengths(
        input_tokens=asked.input_tokens or (card.turn_tokens if talks(asked) else None) or card.input_tokens,
        output_tokens=asked.output_tokens or card.output_tokens,
        output_jitter=0.0 if asked.exact else card.output_jitter,
        ignore_eos=not asked.natural,
        input_spread=spread_of(card.input) if asked.spread else None,
        output_spread=spread_of(card.output) if asked.spread else None,
    )


def spread_of(distribution: Distribution | None) -> Spread | None:
    return None if distribution is None else Spread(**distribution.model_dump(exclude={"source"}))


def talks(asked: "Asked") -> bool:
    return bool(asked.sessions) or asked.turns is not None


def sessions_of(asked: "Asked", card: Workload) -> Sessions | None:
    """Conversations, where some are asked for; what is not said comes from the workload or is chosen."""
    if not talks(asked):
        if asked.think_s is not None or asked.system_tokens is not None:
            raise UsageError("--think and --system-tokens are for conversations", try_="--sessions 4 --turns 5")
        return None
    if asked.endpoint != "chat":
        raise UsageError("conversations need the chat interface", try_="leave --endpoint out")
    if asked.data is not None or asked.trace is not None:
        raise UsageError("conversations cannot be made of a trace or of prompts of your own yet", try_="leave it out")
    system = asked.system_tokens if asked.system_tokens is not None else card.system_tokens or 0
    return Sessions(
        turns=asked.turns or card.turns or TURNS,
        think_s=asked.think_s if asked.think_s is not None else card.think_s or THINK_S,
        system_tokens=system,
    )


def _longest(asked: "Asked", card: Workload, lengths: Lengths) -> int:
    """The most that one request of this kind can come to: drawn, recorded, or the last turn of a long conversation."""
    sessions = sessions_of(asked, card)
    asks = _most(lengths.input_spread, lengths.input_tokens)
    answers = _most(lengths.output_spread, int(lengths.output_tokens * (1 + lengths.output_jitter) + 1))
    if asked.data is not None:
        asks = longest_of_prompts(asked.data)
        answers = max(answers, longest_answer_of_prompts(asked.data))
    longest = asks + answers
    if asked.trace is not None:
        longest = max(longest, longest_of_trace(asked.trace))
    if sessions is None:
        return longest
    return sessions.system_tokens + max(1, 2 * sessions.turns - 1) * longest


def _most(spread: Spread | None, plain: int) -> int:
    if spread is None:
        return plain
    return spread.most_tokens or int(LONGEST_DRAWN * (spread.p90_tokens or spread.median_tokens))


def prefix_of(asked: "Asked", card: Workload) -> Prefix | None:
    if card.shared_prefix_share is None or asked.data is not None or talks(asked):
        return None
    return Prefix(share=card.shared_prefix_share, different=card.shared_prefixes or 1)


def patience_of(asked: "Asked") -> Patience | None:
    said = (asked.patience_s, asked.freeze_s, asked.leave_share)
    if all(part is None for part in said):
        return None
    return Patience(first_token_s=asked.patience_s, freeze_s=asked.freeze_s, leave_share=asked.leave_share)


def data_of(asked: "Asked") -> Data | None:
    if asked.data is None:
        return None
    if asked.workload is not None or asked.input_tokens is not None:
        raise UsageError("--data brings its own prompts", try_="leave --workload and --input-tokens out")
    return Data(sha256=sha256_of_text(asked.data), prompts=len(read_prompts(asked.data)))


def slo_of(asked: "Asked", card: Workload) -> Slo:
    goal = slo(asked.slo or card.slo)
    share = asked.sought.attainment if asked.sought is not None else None
    return goal if share is None else goal.model_copy(update={"judged_at": share})


def what_is_asked(asked: "Asked", *, self_test: bool) -> dict[str, Any]:
    """The parts of a trial that say what is asked and by whom; what was not said is left out."""
    cards = cards_of(asked, self_test=self_test)
    card, _ = max(cards, key=lambda pair: pair[1])
    parts = {
        "lengths": make_lengths(asked, self_test=self_test),
        "slo": slo_of(asked, card),
        "sessions": sessions_of(asked, card),
        "patience": patience_of(asked),
        "data": data_of(asked),
        "cache": asked.cache,
        "workload": _name(asked, cards),
    }
    if len(cards) > 1:
        return {**parts, "mix": tuple(_kinds(asked, cards))}
    return {**parts, "texts": None if asked.data else card.texts, "prefix": prefix_of(asked, card)}


def _kinds(asked: "Asked", cards: tuple[tuple[Workload, float], ...]) -> Iterator[Kind]:
    if asked.data is not None or asked.input_tokens is not None or asked.output_tokens is not None:
        raise UsageError("a mix of workloads has lengths of its own", try_="leave --data and the lengths out")
    total = sum(share for _, share in cards)
    for card, share in cards:
        yield Kind(
            name=card.name,
            share=round(share / total, 6),
            lengths=lengths_of(asked, card),
            texts=card.texts,
            prefix=prefix_of(asked, card),
            slo=slo_of(asked, card),
        )


def _name(asked: "Asked", cards: tuple[tuple[Workload, float], ...]) -> str | None:
    if asked.data is not None or asked.input_tokens is not None or asked.output_tokens is not None:
        return None
    if len(cards) == 1:
        return cards[0][0].name
    total = sum(share for _, share in cards)
    return ",".join(f"{card.name}:{100 * share / total:.3g}" for card, share in cards)
