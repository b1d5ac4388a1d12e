"""`arena fit`: what runs on this machine or on a card, how well, and why the rest does not."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from inference_arena.cli import planning
from inference_arena.cli.paper import show
from inference_arena.facts import checkpoints, model, models
from inference_arena.plan import (
    PURPOSES,
    Ask,
    Candidate,
    Fit,
    best_plans,
    main_test,
    rank,
    score_of,
)

SHOWN: Final = 12


def command(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model of the catalogue, a folder, a .gguf, a hub id.")
    ] = None,
    gpu: planning.GpuOption = None,
    purpose: Annotated[str, typer.Option("--for", help="What it is for: " + ", ".join(PURPOSES) + ".")] = "chat",
    users: planning.UsersOption = None,
    context: planning.ContextOption = None,
    workload: planning.WorkloadOption = None,
    slo: Annotated[str | None, typer.Option("--slo", help="The goal that speed is judged by.")] = None,
    driver: planning.DriverOption = None,
    ram: planning.RamOption = None,
    engine: planning.EngineOption = None,
    flag: planning.FlagOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show everything that runs.")] = False,
    offline: planning.OfflineOption = False,
    as_json: planning.JsonOption = False,
) -> int:
    """Say what runs on this machine or card, how fast, how sure that is, and why the rest does not.

    Nothing is started and no network is used, but for a hub id. Exit code 1 when nothing runs. For example:
    `arena fit`, `arena fit --gpu "RTX 3090" --for code --users 4`, or `arena fit qwen2.5-32b-instruct-awq --gpu L4`.
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
        slo=slo,
        flags=flag or (),
    )
    names = planning.engine_names(words.engine)
    pairs, notes = planning.pairs_of(name, offline=offline) if name is not None else (_catalogue(), ())
    answers = [
        (ask, _candidates(ask, pairs, names, whole=name is None, purpose=purpose)) for ask in planning.asks(words)
    ]
    if as_json:
        _print_json(answers, notes, test=_test(purpose))
    else:
        shown = len(pairs) * 3 if everything or name is not None else SHOWN
        for ask, candidates in answers:
            _print(ask, candidates, purpose=purpose, shown=shown, named=name, again=planning.again(words), notes=notes)
    return 0 if any(one.fit.runs for _, candidates in answers for one in candidates) else 1


def _catalogue() -> tuple[planning.Pair, ...]:
    return tuple((model(card.model), card) for card in checkpoints().values())


def _test(purpose: str) -> str | None:
    return main_test(models().values(), PURPOSES[purpose].task)


def _candidates(
    ask: Ask, pairs: Sequence[planning.Pair], names: tuple[str, ...] | None, *, whole: bool, purpose: str
) -> tuple[Candidate, ...]:
    """The whole catalogue as one plan a model; of a single model every plan."""
    found = planning.plans(ask, pairs, names)
    kept = best_plans(found) if whole else found
    known = {one.name: one for one, _ in pairs}
    return rank(_candidate(fit, known[fit.model] if fit.model in known else pairs[0][0], purpose) for fit in kept)


def _candidate(fit: Fit, of: Any, purpose: str) -> Candidate:
    test = _test(purpose)
    return Candidate(
        fit=fit,
        parameters=of.parameters,
        released=of.released,
        score=score_of(of, PURPOSES[purpose].task, () if test is None else (test,)),
    )


def _print(
    ask: Ask,
    candidates: Sequence[Candidate],
    *,
    purpose: str,
    shown: int,
    named: str | None,
    again: Sequence[str],
    notes: Sequence[str],
) -> None:
    from functools import partial  # noqa: PLC0415

    from inference_arena.report import FitPage, fit_blocks  # noqa: PLC0415

    page = FitPage(
        ask=ask,
        candidates=candidates,
        purpose=purpose,
        test=_test(purpose),
        shown=shown,
        again=again,
        named=named,
        notes=tuple(notes),
    )
    show(partial(fit_blocks, page))


def _print_json(answers: Sequence[tuple[Ask, Sequence[Candidate]]], notes: Sequence[str], *, test: str | None) -> None:
    from inference_arena.exchange import ask_document, candidate_document  # noqa: PLC0415

    documents = [
        {**ask_document(ask), "plans": [candidate_document(one) for one in candidates]} for ask, candidates in answers
    ]
    print(json.dumps({"answers": documents, "ranked_by": test, "notes": list(notes)}, ensure_ascii=False, indent=2))
