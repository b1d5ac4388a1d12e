"""From the words of `run` to a job: which model is meant, which engine reads it, which program starts that engine."""

from pathlib import Path
from typing import TYPE_CHECKING

from inference_arena.cli import planning
from inference_arena.errors import ArenaError, NotFoundError, UsageError
from inference_arena.facts import checkpoints

if TYPE_CHECKING:
    from inference_arena.facts import Checkpoint, Host
    from inference_arena.plan import Target
    from inference_arena.report import Progress
    from inference_arena.run import Asked, Found, Job, Program
    from inference_arena.store import Home


def prepare(asked: "Asked", *, host: "Host", home: "Home", progress: "Progress") -> "Job":
    """The job that is asked for, its model brought here where the arena can bring it. Starts nothing."""
    from inference_arena.run import embedded_card, make_job, planned_job, wants_embedded  # noqa: PLC0415

    if asked.url is not None:
        return make_job(asked, host=host, embedded=None, programs=())
    if wants_embedded(asked):
        programs = _programs("llamacpp", asked, host=host, home=home)
        return make_job(asked, host=host, embedded=_fetched(embedded_card(), home, progress), programs=programs)
    assert asked.model is not None
    card = checkpoints().get(asked.model)
    if card is not None and card.format == "gguf" and card.file is not None:
        path = _fetched(card, home, progress)
        programs = _programs("llamacpp", asked, host=host, home=home)
        return make_job(asked.model_copy(update={"model": str(path)}), host=host, embedded=None, programs=programs)
    if _is_file(asked):
        programs = _programs("llamacpp", asked, host=host, home=home) if asked.engine in {None, "llamacpp"} else ()
        return make_job(asked, host=host, embedded=None, programs=programs)
    return planned_job(asked, find(asked, host=host, home=home), host=host)


def _is_file(asked: "Asked") -> bool:
    path = Path(asked.model or "").expanduser()
    return path.suffix == ".gguf" or path.is_file() or asked.engine == "llamacpp"


def find(asked: "Asked", *, host: "Host", home: "Home") -> "Found":
    """The model with the first engine that reads it and is here; raises NotFoundError where there is none."""
    from inference_arena.run import Found  # noqa: PLC0415

    assert asked.model is not None
    pairs, _ = planning.pairs_of(asked.model, offline=False)
    engine, programs = _engine(asked, host=host, home=home)
    reads = [(model, card) for model, card in pairs if card.format == "safetensors"]
    if not reads:
        raise NotFoundError(
            f"{asked.model} has no weights that {engine} reads",
            why="only GGUF files of it are known",
            try_=f"arena plan {asked.model} for where to get one, then: arena run FILE.gguf",
        )
    model, card = reads[0]
    folder = Path(asked.model).expanduser()
    location = str(folder.resolve()) if folder.is_dir() else card.repository
    if location is None:
        raise NotFoundError(f"where {card.title} can be had is not known", try_="name a folder that holds it")
    return Found(
        engine=engine,
        programs=programs,
        model=model,
        checkpoint=card,
        location=location,
        target=_target(host, cards=(asked.tensor_parallel or 1) * (asked.replicas or 1)),
    )


def _programs(engine: str, asked: "Asked", *, host: "Host", home: "Home") -> "tuple[Program, ...]":
    """What can start this engine, here or in a container."""
    from inference_arena.run import container_program, programs_for  # noqa: PLC0415

    if asked.container:
        target = _target(host, cards=(asked.tensor_parallel or 1) * (asked.replicas or 1))
        return (container_program(engine, target=target, image=asked.image, release=asked.release,
                                  container_engine=asked.container_engine),)  # fmt: skip
    return programs_for(engine, home=home, release=asked.release, program=asked.program)


def _engine(asked: "Asked", *, host: "Host", home: "Home") -> "tuple[str, tuple[Program, ...]]":
    """The engine that was named, else the first that reads folders and is installed."""
    from inference_arena.engines import ENGINES  # noqa: PLC0415

    able = [name for name, engine in ENGINES.items() if engine.FORMAT == "safetensors"]
    if asked.engine is not None and asked.engine not in able:
        raise UsageError(f"no engine is called {asked.engine!r}", try_="--engine " + ", ".join(("llamacpp", *able)))
    missing: list[ArenaError] = []
    for name in able if asked.engine is None else (asked.engine,):
        try:
            return name, _programs(name, asked, host=host, home=home)
        except NotFoundError as error:
            missing.append(error)
    if asked.engine is not None:
        raise missing[0]
    titles = ", ".join(ENGINES[name].TITLE for name in able)
    raise NotFoundError(
        "no engine that reads this model is on this machine",
        why=f"looked for were {titles}",
        try_=f"arena engines install vllm; or a GGUF file of it for the built-in engine: arena plan {asked.model}",
    )


def _target(host: "Host", *, cards: int) -> "Target | None":
    """The largest kind of card here, or unequal cards together where more are asked for than it has; None without a
    card, where these engines' memory cannot be planned.
    """
    from inference_arena.facts import card_of_device  # noqa: PLC0415
    from inference_arena.plan import targets_of_host  # noqa: PLC0415

    targets = targets_of_host(host, card_of_device)
    target = next((one for one in targets if one.count >= cards), targets[0])
    return target if target.vendor is not None else None


def _fetched(card: "Checkpoint", home: "Home", progress: "Progress") -> Path:
    """A checkpoint of the catalogue whose file is known, brought here."""
    from inference_arena.run import fetch_checkpoint  # noqa: PLC0415

    progress.stage("fetch model", card.title)
    return fetch_checkpoint(
        card, models_dir=home.models, on_progress=lambda _what, done, total: progress.fetch(done, total)
    )
