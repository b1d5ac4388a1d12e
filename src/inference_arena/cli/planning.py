"""What `fit` and `plan` have in common: from words on a command line to cards, models, engines and pinned settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

import typer

from inference_arena import units
from inference_arena.engines import DIALECTS
from inference_arena.errors import NotFoundError, UsageError
from inference_arena.facts import (
    Checkpoint,
    Gpu,
    Model,
    Slo,
    Workload,
    card_of_device,
    checkpoints,
    engines,
    find_gpu,
    model,
    models,
    releases,
    slo,
    version_key,
    workload,
)
from inference_arena.plan import (
    PURPOSES,
    Ask,
    Fit,
    Settings,
    Target,
    Wish,
    engines_for,
    survey,
    target_of_card,
    targets_of_host,
)

Pair = tuple[Model, Checkpoint]

GpuOption = Annotated[
    str | None, typer.Option("--gpu", help="Plan for this card instead of this machine, such as 'RTX 3090' or '2x L4'.")
]
DriverOption = Annotated[
    str | None, typer.Option("--driver", help="The card's driver, such as 550.54.15, where it is not this machine's.")
]
RamOption = Annotated[
    str | None, typer.Option("--ram", help="Memory of the machine around the card, such as 64GB. Unknown by default.")
]
EngineOption = Annotated[
    list[str] | None, typer.Option("--engine", help="vllm, sglang or llamacpp, or a release: vllm==0.24.0. Repeatable.")
]
UsersOption = Annotated[int | None, typer.Option("--users", help="Requests at once.", min=1, max=100_000)]
ContextOption = Annotated[
    int | None, typer.Option("--context", help="Longest prompt with its answer, in tokens.", min=1, max=100_000_000)
]
WorkloadOption = Annotated[str | None, typer.Option("--workload", help="A workload of the catalogue, for lengths.")]
FlagOption = Annotated[
    list[str] | None,
    typer.Option("--flag", help="Pin a flag of the engine, such as max-num-seqs=16. Needs one --engine. Repeatable."),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never ask the model hub.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

DEFAULT_USERS: Final = 1
TEMPLATE_TOKENS: Final = 96  # room for a chat template's own words around a prompt
BLOCK: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The command line as it was typed. None: not said."""

    gpu: str | None = None
    driver: str | None = None
    ram: str | None = None
    engine: Sequence[str] = ()
    users: int | None = None
    context: int | None = None
    workload: str | None = None
    purpose: str = "chat"
    slo: str | None = None
    flags: Sequence[str] = ()


def asks(words: Words) -> tuple[Ask, ...]:
    """One question for each kind of card here, or for the card that was named."""
    lengths = lengths_of(words)
    context = words.context or _context(lengths)
    named = words.context is not None or words.workload is not None or words.purpose != Words().purpose
    wish = Wish(users=words.users or DEFAULT_USERS, context_tokens=context, binding=named)
    versions, pinned = pins(words.engine, words.flags)
    return tuple(
        Ask(
            target=target,
            wish=wish,
            slo=goal(words, lengths),
            input_tokens=min(lengths.input_tokens, max(1, context - 1)),
            output_tokens=min(lengths.output_tokens, max(1, context // 2)),
            versions=versions,
            pinned=pinned,
        )
        for target in targets(words)
    )


def again(words: Words) -> tuple[str, ...]:
    """The options, as typed, that ask the same of another command; those of ranking alone are left out."""
    named = {"gpu": words.gpu, "driver": words.driver, "ram": words.ram, "users": words.users}
    named |= {"context": words.context, "workload": words.workload}
    named |= {} if words.purpose == Words().purpose else {"for": words.purpose}
    said = [part for name, value in named.items() if value is not None for part in (f"--{name}", str(value))]
    said += [part for text in words.engine for part in ("--engine", text)]
    return (*said, *(part for text in words.flags for part in ("--flag", text)))


def lengths_of(words: Words) -> Workload:
    """The workload that was named, else the purpose's own."""
    if words.workload is not None:
        return workload(words.workload)
    if words.purpose not in PURPOSES:
        raise UsageError(f"no use is called {words.purpose!r}", try_="--for " + ", ".join(PURPOSES))
    return workload(PURPOSES[words.purpose].workload)


def goal(words: Words, lengths: Workload) -> Slo:
    return slo(words.slo or lengths.slo)


def _context(lengths: Workload) -> int:
    """Room for the workload's longest usual request and several turns before it, in whole blocks."""
    longest = lengths.input_tokens + lengths.output_tokens + TEMPLATE_TOKENS
    spread = (lengths.input, lengths.output)
    longest = max(longest, sum(one.p90_tokens or one.median_tokens for one in spread if one is not None))
    return max(4096, -(-longest // BLOCK) * BLOCK)


def targets(words: Words) -> tuple[Target, ...]:
    """The card that was named, else what this machine has."""
    if words.gpu is not None:
        count, card = _counted(words.gpu)
        ram_bytes = None if words.ram is None else units.parse_bytes(words.ram)
        return (target_of_card(card, count=count, driver=words.driver, ram_bytes=ram_bytes),)
    if words.ram is not None:
        raise UsageError(
            "--ram goes with --gpu", why="this machine's memory is read", try_="--gpu 'RTX 3090' --ram 64GB"
        )
    from inference_arena.hardware import read_host  # noqa: PLC0415

    found = targets_of_host(read_host(), card_of_device)
    return tuple(one if words.driver is None else one.model_copy(update={"driver": words.driver}) for one in found)


def _counted(text: str) -> tuple[int, Gpu]:
    """2x L4, 2 x L4 or 2*L4 are two cards."""
    head, mark, rest = text.replace("*", "x", 1).partition("x")
    if mark and head.strip().isdecimal() and rest.strip():
        count = int(head)
        if not 1 <= count <= 1024:
            raise UsageError(f"{count} cards cannot be meant", try_="--gpu '2x RTX 3090'")
        return count, find_gpu(rest.strip())
    return 1, find_gpu(text)


def pins(named: Sequence[str], flags: Sequence[str]) -> tuple[Mapping[str, str], Mapping[str, Settings]]:
    """Pinned releases and settings by engine. Raises UsageError for unknown engines and flags without one engine."""
    chosen = dict(_engine(text) for text in named)
    if len(chosen) < len(named):
        raise UsageError("an engine is named twice", why="one release of each is planned for", try_="--engine vllm")
    if flags and len(chosen) != 1:
        raise UsageError("--flag needs one --engine", why="each engine has flags of its own", try_="--engine vllm")
    pinned: dict[str, Settings] = {}
    if any(not word.strip("-= ") for word in flags):
        raise UsageError("--flag names no flag", try_="--flag max-num-seqs=16")
    for name in chosen if flags else ():
        words = tuple(word if word.startswith("-") else f"--{word}" for word in flags)
        settings, rest = DIALECTS[name].read_flags(words)
        pinned[name] = settings.model_copy(update={"flags": rest})
    return {name: version for name, version in chosen.items() if version}, pinned


def _engine(text: str) -> tuple[str, str]:
    name, pinned, version = text.partition("==")
    if pinned and not version.strip():
        raise UsageError(f"{text!r} names no release", try_=f"--engine {name}, or a release such as vllm==0.24.0")
    if name not in engines():
        raise UsageError(f"no engine is called {name!r}", try_="--engine " + ", ".join(engines()))
    _check_release(name, version)
    return name, version


def _check_release(name: str, version: str) -> None:
    """A release beyond all that was read may not exist, and its image would be pasted in vain."""
    newest = releases(name)[-1].version
    if version and version_key(version) > version_key(newest):
        raise NotFoundError(
            f"{engines()[name].title} {version} is not among the releases that were read",
            why=f"the newest is {newest}",
            try_=f"--engine {name}=={newest}",
        )


def engine_names(named: Sequence[str]) -> tuple[str, ...] | None:
    """The engines that were named; None for all."""
    return tuple(_engine(text)[0] for text in named) or None


def plans(ask: Ask, pairs: Sequence[Pair], names: tuple[str, ...] | None) -> tuple[Fit, ...]:
    """Plans of what was named; where nothing here reads its format, this machine's engines are asked and say so."""
    found = survey(ask, checkpoints=pairs, engine_names=names)
    return found or survey(ask, checkpoints=pairs, engine_names=engines_for(ask.target))


def pairs_of(text: str, *, offline: bool) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """The checkpoints that a name means, and what could not be known: a card of the catalogue, a file, a folder, a hub
    id. A model's name means all of its checkpoints.
    """
    if text in checkpoints():
        return (_pair(checkpoints()[text]),), ()
    if text in models():
        return tuple(_pair(card) for card in checkpoints().values() if card.model == text), ()
    known = tuple(_pair(card) for card in checkpoints().values() if card.repository == text)
    if known:
        return known, ()
    if not Path(text).exists() and "/" not in text and not text.endswith(".gguf"):
        raise not_found(text)
    return _read(text, offline=offline)


def _pair(card: Checkpoint) -> Pair:
    return model(card.model), card


def not_found(text: str) -> NotFoundError:
    """With the nearest names, where some are near."""
    names = (*models(), *checkpoints())
    near = (
        get_close_matches(text.lower(), names, n=5, cutoff=0.5) or [name for name in names if text.lower() in name][:5]
    )
    try_ = (
        "did you mean: " + ", ".join(near)
        if near
        else "arena fit shows the catalogue; or name a folder or a .gguf file"
    )
    return NotFoundError(f"no model is called {text!r}", try_=try_)


def _read(text: str, *, offline: bool) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    from inference_arena.checkpoints import HubReader, read_model  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    today = date.today()  # noqa: DTZ011  # a day on a calendar, not a moment
    hub = None if offline else HubReader(cache_dir=open_home().root / "hub", today=today)
    read = read_model(text, hub=hub, today=today)
    return ((read.model, read.checkpoint),), read.notes
