"""`arena plan`: one model's memory term by term, the verdict, and the command of each engine that can run it."""

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final

import typer

from inference_arena.cli import planning
from inference_arena.cli.downloads import below, download, named
from inference_arena.cli.paper import show
from inference_arena.engines import DIALECTS
from inference_arena.facts import Checkpoint, Vendor, gpus, release
from inference_arena.plan import PURPOSES, Ask, Fit, Layout, Turned, layouts, order_plans, turned

PORT: Final = 8000
HOST: Final = "127.0.0.1"
MODELS_FOLDER: Final = "$HOME/models"
AS_PROCESS: Final = "as a process, in an environment that has this release"
IN_CONTAINER: Final = "in a container, with the model below ~/models"
Commands = Mapping[tuple[str, str], Mapping[str, str]]


def command(
    *,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="A model or checkpoint, a folder, a .gguf, a hub id.")],
    gpu: planning.GpuOption = None,
    purpose: Annotated[str, typer.Option("--for", help="What it is for: " + ", ".join(PURPOSES) + ".")] = "chat",
    users: planning.UsersOption = None,
    context: planning.ContextOption = None,
    workload: planning.WorkloadOption = None,
    driver: planning.DriverOption = None,
    ram: planning.RamOption = None,
    engine: planning.EngineOption = None,
    flag: planning.FlagOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what each term is, in one sentence.")] = False,
    offline: planning.OfflineOption = False,
    as_json: planning.JsonOption = False,
) -> int:
    """Plan one model: the memory bar with every term, the verdict, alternatives, and commands to paste.

    Exit code 1 when no engine can run it. For example: `arena plan qwen2.5-32b-instruct-awq --gpu "RTX 3090"
    --engine vllm --explain`.
    """
    words = planning.Words(
        gpu=gpu,
        driver=driver,
        ram=ram,
        engine=engine or (),
        users=users,
        context=context,
        workload=workload,
        purpose=purpose,
        flags=flag or (),
    )
    pairs, notes = planning.pairs_of(name, offline=offline)
    names = planning.engine_names(words.engine)
    answers = [(ask, order_plans(planning.plans(ask, pairs, names))) for ask in planning.asks(words)]
    cards = {card.name: card for _, card in pairs}
    around = [
        turned(ask, fits[0], checkpoints=pairs, cards=gpus().values(), engine_names=names) for ask, fits in answers
    ]
    ways = [_layouts(ask, fits[0], pairs) for ask, fits in answers]
    if as_json:
        _print_json(answers, around, ways, cards, notes)
    else:
        for (ask, fits), answer, way in zip(answers, around, ways, strict=True):
            _print(ask, fits, cards, around=answer, ways=way, notes=notes, explain=explain)
    return 0 if any(fit.runs for _, fits in answers for fit in fits) else 1


def _print(
    ask: Ask,
    fits: Sequence[Fit],
    cards: Mapping[str, Checkpoint],
    *,
    around: Turned,
    ways: tuple[Layout, ...],
    notes: Sequence[str],
    explain: bool,
) -> None:
    from inference_arena.report import PlanPage, plan_blocks  # noqa: PLC0415

    page = PlanPage(
        ask=ask,
        fits=fits,
        commands=_all_commands(fits, cards, vendor=ask.target.vendor),
        downloads={
            (fit.checkpoint, fit.engine): downloads_of(fit, cards[fit.checkpoint], vendor=ask.target.vendor)
            for fit in fits
            if fit.runs
        },
        turned=around,
        layouts=ways,
        explain=explain,
        notes=tuple(notes),
    )
    show(partial(plan_blocks, page))


def _layouts(ask: Ask, best: Fit, pairs: Sequence[planning.Pair]) -> tuple[Layout, ...]:
    """Of the best plan's engine and checkpoint, unless the flags say how the cards are used."""
    pinned = ask.pinned.get(best.engine)
    if not best.runs or (pinned is not None and (pinned.tensor_parallel or pinned.replicas)):
        return ()
    model, card = next(pair for pair in pairs if pair[1].name == best.checkpoint)
    return layouts(ask, model=model, checkpoint=card, running=release(best.engine, best.release))


def _all_commands(fits: Sequence[Fit], cards: Mapping[str, Checkpoint], *, vendor: Vendor | None) -> Commands:
    return {
        (fit.checkpoint, fit.engine): commands_of(fit, cards[fit.checkpoint], vendor=vendor) for fit in fits if fit.runs
    }


def commands_of(fit: Fit, card: Checkpoint, *, vendor: Vendor | None) -> Mapping[str, str]:
    """The launch command as a process, and as a container on cards of NVIDIA, for which the known images are made."""
    dialect, running = DIALECTS[fit.engine], release(fit.engine, fit.release)
    alias = card.name
    process = dialect.launch(
        release=running, model=named(card), alias=alias, settings=fit.settings, host=HOST, port=PORT
    )
    as_process = {AS_PROCESS: shlex.join(process.argv)}
    if vendor != "nvidia":
        return as_process
    contained = dialect.container(
        release=running,
        model=below(card),
        alias=alias,
        settings=fit.settings,
        models_folder=MODELS_FOLDER,
        port=PORT,
    )
    return {**as_process, IN_CONTAINER: _pasted(contained.argv)}


def _pasted(argv: Sequence[str]) -> str:
    """Quoted for a shell, but for the folder, which the shell fills in."""
    return shlex.join(argv).replace(f"'{MODELS_FOLDER}:/models:ro'", f'"{MODELS_FOLDER}:/models:ro"')


def downloads_of(fit: Fit, card: Checkpoint, *, vendor: Vendor | None) -> Mapping[str, tuple[str, str]]:
    """What each of the plan's commands needs fetched before it, by the command's purpose: what it is, and the line."""
    found = {
        purpose: download(card, mounted=purpose == IN_CONTAINER) for purpose in commands_of(fit, card, vendor=vendor)
    }
    return {purpose: line for purpose, line in found.items() if line is not None}


def _print_json(
    answers: Sequence[tuple[Ask, Sequence[Fit]]],
    around: Sequence[Turned],
    ways: Sequence[tuple[Layout, ...]],
    cards: Mapping[str, Checkpoint],
    notes: Sequence[str],
) -> None:
    from inference_arena.exchange import ask_document  # noqa: PLC0415

    documents = [
        {
            **ask_document(ask),
            "turned": answer.model_dump(mode="json"),
            "layouts": [_layout_document(layout) for layout in way],
            "plans": [_plan_document(fit, cards[fit.checkpoint], vendor=ask.target.vendor) for fit in fits],
        }
        for (ask, fits), answer, way in zip(answers, around, ways, strict=True)
    ]
    print(json.dumps({"answers": documents, "notes": list(notes)}, ensure_ascii=False, indent=2))


def _layout_document(layout: Layout) -> dict[str, Any]:
    """Without the whole plan, which is among the plans for the way that is planned by itself."""
    kept = layout.model_dump(mode="json", exclude={"fit"})
    together = layout.together
    return {
        **kept,
        "level": layout.fit.level,
        "deciding": layout.fit.deciding,
        "output_tokens_per_s": together and together.model_dump(mode="json"),
    }


def _plan_document(fit: Fit, card: Checkpoint, *, vendor: Vendor | None) -> dict[str, Any]:
    from inference_arena.exchange import fit_document  # noqa: PLC0415

    if not fit.runs:
        return fit_document(fit, commands={}, downloads={})
    lines = {purpose: line for purpose, (_, line) in downloads_of(fit, card, vendor=vendor).items()}
    return fit_document(fit, commands=commands_of(fit, card, vendor=vendor), downloads=lines)
