"""From a model in a folder or on the hub to a job: settings that the plan found, and the plan kept beside them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference_arena.engines import DIALECTS, ENGINES
from inference_arena.errors import ArenaError, UsageError
from inference_arena.facts import Checkpoint, Host, Model, checkpoints, release
from inference_arena.plan import Ask, Fit, Prediction, Settings, Target, Wish, plan_one, predict
from inference_arena.record import EngineUsed, ModelUsed
from inference_arena.run.ask import (
    OPEN_SLOTS,
    TEMPLATE_TOKENS,
    for_the_client,
    goal_of,
    make_lengths,
    make_loads,
    make_trial,
    refuse_own_flags,
)
from inference_arena.run.asked import Asked
from inference_arena.run.job import Job, Limits, Program
from inference_arena.run.people import shorter
from inference_arena.run.scrub import scrub_argv
from inference_arena.run.unplanned import has, unplanned

BLOCK: Final = 256
# what may be asked for by options of ours
PINNED: Final = ("context_tokens", "parallel", "kv_cache_type", "threads", "gpu_layers", "tensor_parallel", "replicas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A model and what is to run it. `location` is what the engine is given; `target` None: nothing can be planned."""

    engine: str
    programs: tuple[Program, ...]
    model: Model
    checkpoint: Checkpoint
    location: str
    target: Target | None


def planned_job(asked: Asked, found: Found, *, host: Host) -> Job:
    """The job; raises UsageError for what the engine cannot be asked, ArenaError for what the plan says cannot run."""
    refuse_own_flags(found.engine, asked.flags)
    if asked.weights == "dummy" and not ENGINES[found.engine].DUMMY:
        raise UsageError(
            f"{ENGINES[found.engine].TITLE} cannot fill a model with random weights",
            try_="--engine vllm or --engine sglang, which can",
        )
    settings, prediction, choices = _settle(asked, found, host=host)
    trial = make_trial(asked, engine=found.engine, model=found.checkpoint.name, settings=settings)
    return Job(
        purpose="measurement",
        trial=trial,
        host=host,
        model=_model(found, weights=asked.weights),
        engine=_engine(found, asked, settings=settings, choices=choices),
        limits=Limits(ready_s=asked.ready_limit_s, request_s=asked.request_limit_s),
        programs=found.programs,
        model_path=found.location,
        port=asked.port,
        prediction=prediction,
        **for_the_client(asked),
    )


def _settle(asked: Asked, found: Found, *, host: Host) -> tuple[Settings, Prediction | None, Mapping[str, str]]:
    """Settings, the plan behind them, and why they are what they are."""
    pinned, version = pinned_settings(asked, found.engine), found.programs[0].version
    if found.target is None or version is None or found.engine not in DIALECTS:
        settings, choices = _unplanned(asked, found, pinned=pinned, host=host)
        return settings, None, choices
    ask = _ask(asked, found, pinned=pinned, version=version)
    running = release(found.engine, version.partition("+")[0])
    fit = plan_one(ask, model=found.model, checkpoint=found.checkpoint, running=running)
    if not fit.runs and not asked.anyway:
        raise _will_not_run(fit)
    loads = [load.concurrency for load in make_loads(asked, self_test=False) if load.concurrency is not None]
    kept = predict(fit, ask, model=found.model, checkpoint=found.checkpoint, running=running, concurrency=loads)
    return fit.settings, kept, _choices(asked, fit)


def _unplanned(asked: Asked, found: Found, *, pinned: Settings, host: Host) -> tuple[Settings, Mapping[str, str]]:
    weights = found.checkpoint.weight_bytes or 0
    return unplanned(
        pinned,
        engine=found.engine,
        model=found.model,
        context_tokens=_context(asked, found.model),
        need_tokens=make_lengths(asked).longest_tokens + TEMPLATE_TOKENS,
        streams=_streams(asked),
        room_bytes=None if found.target is not None else max(0, host.ram_available_bytes - weights) // 2,
    )


def _streams(asked: Asked) -> int:
    return max((load.concurrency or OPEN_SLOTS for load in make_loads(asked, self_test=False)), default=1)


def _ask(asked: Asked, found: Found, *, pinned: Settings, version: str) -> Ask:
    assert found.target is not None
    lengths = make_lengths(asked)
    return Ask(
        target=found.target,
        wish=Wish(users=_streams(asked), context_tokens=_context(asked, found.model), binding=False),
        slo=goal_of(asked),
        input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
        versions={found.engine: version},
        pinned={found.engine: pinned},
    )


def pinned_settings(asked: Asked, engine: str) -> Settings:
    """What our options and the engine's own flags ask for; raises UsageError for what it has nothing for."""
    speaks = ENGINES[engine]
    settings, rest = speaks.read_flags(asked.flags)
    named = {name: getattr(asked, name) for name in PINNED}
    asked_for = {name: value for name, value in named.items() if value is not None}
    if strange := [name for name in asked_for if not has(engine, name)]:
        option = "--" + strange[0].replace("_", "-")
        raise UsageError(
            f"{option} has no counterpart here", why=speaks.NOT_HERE.get(strange[0], ""), try_="leave it out"
        )
    if asked.cache == "off" and has(engine, "prefix_caching"):
        asked_for["prefix_caching"] = False
    return settings.model_copy(update={**asked_for, "flags": rest})


def _context(asked: Asked, model: Model) -> int:
    """Room for the longest prompt and answer; raises UsageError where the model has none for it."""
    need = make_lengths(asked).longest_tokens + TEMPLATE_TOKENS
    if need > model.context_tokens:
        raise UsageError(
            f"prompt and answer come to {need} tokens, and the model was trained for {model.context_tokens}",
            try_=shorter(asked),
        )
    wanted = asked.context_tokens or -(-need // BLOCK) * BLOCK
    if wanted < make_lengths(asked).longest_tokens:
        raise UsageError(f"--context {wanted} is less than prompt and answer", try_=f"--context {need}")
    return min(wanted, model.context_tokens) if asked.context_tokens is None else wanted


def _will_not_run(fit: Fit) -> ArenaError:
    ways = "; or ".join(fit.ways_out[:2])
    return ArenaError(
        f"{fit.title} will not run here on {ENGINES[fit.engine].TITLE} {fit.release}",
        why=fit.deciding,
        try_=f"{ways}; or --anyway to see what the engine says" if ways else "--anyway to see what the engine says",
    )


def _choices(asked: Asked, fit: Fit) -> Mapping[str, str]:
    given = "; ".join(fit.gave_way)
    return {
        "settings": f"planned: {fit.deciding}" + (f"; gave way to make room: {given}" if given else ""),
        "context_tokens": "asked for"
        if asked.context_tokens
        else "room for the longest prompt and answer of this load",
    }


def _engine(found: Found, asked: Asked, *, settings: Settings, choices: Mapping[str, str]) -> EngineUsed:
    program = found.programs[0]
    contained = {"program": program.why} if program.form == "container" else {}
    effective = {key: value for key, value in settings.model_dump().items() if value is not None and key != "flags"}
    return EngineUsed(
        name=found.engine,
        version=program.version if program.form == "container" else None,
        form=program.form,
        image=program.image,
        location="same-host",
        effective=effective,
        choices={**choices, **contained},
        user_flags=scrub_argv(asked.flags),
    )


def _model(found: Found, *, weights: str) -> ModelUsed:
    """A catalogue name only where the engine fetches that very repository: a folder may hold anything."""
    card, config = found.checkpoint, Path(found.location) / "config.json"
    here = config.is_file()
    return ModelUsed.model_validate(
        {
            "name": card.name,
            "checkpoint": card.name if not here and card.name in checkpoints() else None,
            "architecture": found.model.architecture,
            "quantization": card.quantization,
            "parameters": found.model.parameters,
            "context_tokens": found.model.context_tokens,
            "file_bytes": card.weight_bytes if weights == "real" else None,
            "config_sha256": hashlib.sha256(config.read_bytes()).hexdigest() if here else None,
            "license": found.model.license,
            "weights": weights,
        }
    )
