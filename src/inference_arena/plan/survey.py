"""Plans for one checkpoint or a whole catalogue on one kind of card: releases chosen, memory, speed, verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from inference_arena.facts import Checkpoint, EngineRelease, Model, Slo, engines, era_of, overheads, processors, release
from inference_arena.plan.choose import Chosen, Wish, choose
from inference_arena.plan.fit import Fit, deciding, is_partly, level_of, meets, ways_out
from inference_arena.plan.flag_rules import flag_obstacles
from inference_arena.plan.interval import times
from inference_arena.plan.newest import newest_release
from inference_arena.plan.obstacle import Support
from inference_arena.plan.question import question
from inference_arena.plan.speed import Speed, between, speed
from inference_arena.plan.support import is_able, support
from inference_arena.plan.target import Target
from inference_arena.plan.trial import Settings
from inference_arena.plan.wish_rules import wish_obstacles

# what each engine reads; a checkpoint in another format is another checkpoint's business
FORMATS: Final[Mapping[str, str]] = {"vllm": "safetensors", "sglang": "safetensors", "llamacpp": "gguf"}

NO_PLACE: Final = "not all requests have a place in the KV cache at once, and some wait for their first token as long as others' answers take"  # noqa: E501


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of every plan. `versions` pins releases by engine, `pinned` settings by engine."""

    target: Target
    wish: Wish
    slo: Slo | None = None
    input_tokens: int = 1024
    output_tokens: int = 256
    versions: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, Settings] = field(default_factory=dict)


def engines_for(target: Target) -> tuple[str, ...]:
    """Without a card only llama.cpp is worth planning for."""
    return tuple(engines()) if target.vendor is not None else ("llamacpp",)


def default_releases(target: Target) -> Mapping[str, EngineRelease]:
    """The release of each engine that a person with this card and driver would take, whatever the model."""
    return {name: _newest(name, target, None, None) for name in engines_for(target)}


def release_for(
    engine: str, *, ask: Ask, model: Model, checkpoint: Checkpoint, usual: Mapping[str, EngineRelease]
) -> EngineRelease:
    """The pinned one; else the usual one where it knows the model; else the newest that does and that can run here."""
    if engine in ask.versions:
        return release(engine, ask.versions[engine])
    if engine in usual and is_able(usual[engine], model=model, checkpoint=checkpoint, target=ask.target):
        return usual[engine]
    return _newest(engine, ask.target, model, checkpoint)


def _newest(engine: str, target: Target, model: Model | None, checkpoint: Checkpoint | None) -> EngineRelease:
    """What surely runs before what may run, images and wheels alike; today's where nothing does."""
    found = newest_release(engine, target=target, model=model, checkpoint=checkpoint)
    ways = ((found.image, found.image_unverified), (found.wheels, found.wheels_unverified))
    sure = [one for one, is_unverified in ways if one is not None and not is_unverified]
    unsure = [one for one in (found.wheels, found.image) if one is not None]
    return (sure or unsure or [found.today])[0]


def plan_one(
    ask: Ask, *, model: Model, checkpoint: Checkpoint, running: EngineRelease, allowed: Support | None = None
) -> Fit:
    """One checkpoint on one engine release: settings that fit the wish, what stands in the way, how fast.

    `allowed` is what support() says, where it is known already.
    """
    pinned = ask.pinned.get(running.engine, Settings())
    copies = pinned.replicas or 1
    ask = replace(ask, wish=ask.wish.model_copy(update={"users": -(-ask.wish.users // copies)}))
    allowed = allowed or allowance(ask, model, checkpoint, running)
    named = tuple(flag.partition("=")[0] for flag in pinned.flags if flag.startswith("--"))
    asked_for = wish_obstacles(model=model, running=running, target=ask.target, wish=ask.wish, pinned=pinned)
    obstacles = (*flag_obstacles(named, running), *asked_for, *allowed.obstacles)
    base = question(
        model=model,
        checkpoint=checkpoint,
        target=ask.target,
        settings=pinned.model_copy(
            update={"tensor_parallel": pinned.tensor_parallel or cards_for(ask.target, model, running, copies=copies)}
        ),
        era=era_of(engines()[running.engine], running.version),
        overhead=overheads()[running.engine],
    )
    chosen = choose(base, ask.wish)
    runs = chosen.holds and not any(one.severity == "blocks" for one in obstacles)
    quick = _with_queue(_speed(ask, chosen, running.engine), chosen, ask.wish) if runs else None
    allowed = allowed.model_copy(update={"obstacles": obstacles})
    fit = _fit(ask, chosen, allowed, running=running, quick=quick)
    return fit if copies == 1 else _of_all(fit, copies)


def _of_all(fit: Fit, copies: int) -> Fit:
    """Equal copies that share the users: memory is still of one card, and all of them write at once."""
    quick = fit.speed
    whole = quick and quick.output_tokens_per_s and times(quick.output_tokens_per_s, copies)
    return fit.model_copy(
        update={
            "cards": fit.cards * copies,
            "deciding": f"{fit.deciding}, in each of {copies} copies",
            "speed": quick and quick.model_copy(update={"output_tokens_per_s": whole}),
        }
    )


def allowance(ask: Ask, model: Model, checkpoint: Checkpoint, running: EngineRelease) -> Support:
    dtype = ask.pinned[running.engine].dtype if running.engine in ask.pinned else None
    return support(model=model, checkpoint=checkpoint, release=running, target=ask.target, dtype=dtype)


def cards_for(target: Target, model: Model, running: EngineRelease, *, copies: int = 1) -> int | None:
    """All cards of a copy, as far as they are a power of two that divides the heads; None for one card.

    llama.cpp gives each card whole layers, so any number of them will do.
    """
    count = max(1, target.count // copies)
    if _by_layers(running.engine):
        return count if count > 1 else None
    heads = [layers.heads for layers in model.layers if layers.kind != "linear"]
    cards = 1
    while cards * 2 <= count and all(count % (cards * 2) == 0 for count in heads):
        cards *= 2
    return cards if cards > 1 else None


def _fit(ask: Ask, chosen: Chosen, allowed: Support, *, running: EngineRelease, quick: Speed | None) -> Fit:
    checkpoint = chosen.asked.checkpoint
    return Fit(
        checkpoint=checkpoint.name,
        model=checkpoint.model,
        title=checkpoint.title,
        engine=running.engine,
        release=running.version,
        target=ask.target.title,
        cards=chosen.asked.cards,
        level=level_of(chosen, allowed.obstacles, ask.wish),
        deciding=deciding(chosen, allowed.obstacles, ask.wish),
        ways_out=ways_out(chosen, allowed.obstacles),
        gave_way=chosen.gave_way,
        settings=chosen.asked.settings,
        budget=chosen.budget,
        obstacles=allowed.obstacles,
        computes_with=allowed.notes,
        offloaded=is_partly(chosen),
        speed=quick,
        meets_slo=meets(quick, ask.slo),
    )


def _speed(ask: Ask, chosen: Chosen, engine: str) -> Speed:
    """Of a processor, and of the memory around a card, only the range of machines is known: both its ends are asked."""
    if ask.target.vendor is not None and not _needs_ram(ask.target, chosen):
        return _speed_on(ask.target, ask, chosen, engine)
    ends = processors()["desktop-or-laptop"]
    slow, fast = (
        _speed_on(_beside(ask.target, rate), ask, chosen, engine)
        for rate in (ends.least_bandwidth_bytes_per_s, ends.most_bandwidth_bytes_per_s)
    )
    return between(slow, fast, source=ends.source)


def _with_queue(quick: Speed, chosen: Chosen, wish: Wish) -> Speed:
    """Without the time to a first token where some wait for a place: speeds are of those alone that have one."""
    if _held(chosen, wish) == wish.users:
        return quick
    return quick.model_copy(update={"ttft_s": None, "unknown": (*quick.unknown, NO_PLACE)})


def _held(chosen: Chosen, wish: Wish) -> int:
    """Requests that are worked on at once."""
    return max(1, min(wish.users, int(chosen.budget.requests)))


def _needs_ram(target: Target, chosen: Chosen) -> bool:
    """Whether the speed of a desktop's or a laptop's own memory counts and is unknown; of servers no range is known."""
    at_home = target.form in {"desktop", "laptop", "workstation"}
    return at_home and target.ram_bandwidth_bytes_per_s is None and host_share(chosen) > 0


def _beside(target: Target, rate: float) -> Target:
    """The same with memory of this speed: the only one of a processor, that of the machine around a card."""
    if target.vendor is not None:
        return target.model_copy(update={"ram_bandwidth_bytes_per_s": rate})
    return target.model_copy(update={"form": "desktop", "fp32_flops": None, "bandwidth_bytes_per_s": rate})


def _speed_on(target: Target, ask: Ask, chosen: Chosen, engine: str) -> Speed:
    asked = chosen.asked
    return speed(
        asked.model,
        asked.checkpoint,
        target,
        engine=engine,
        concurrency=_held(chosen, ask.wish),
        input_tokens=ask.input_tokens,
        output_tokens=ask.output_tokens,
        kv_cache_type=asked.settings.kv_cache_type,
        tensor_parallel=1 if _by_layers(engine) else asked.cards,
        host_share=host_share(chosen),
        eager=not asked.graphs and not _by_layers(engine),
    )


def _by_layers(engine: str) -> bool:
    """Whether each card has layers of its own, so that one waits for the other and a request gains no speed."""
    return engine == "llamacpp"


def host_share(chosen: Chosen) -> float:
    """Share of the layers that compute in the machine's memory; the embedding's rows there cost no time."""
    layers, on_card = chosen.asked.model.layer_count, chosen.budget.gpu_layers
    return 0.0 if on_card is None or chosen.asked.target.unified else 1 - on_card / layers


def survey(
    ask: Ask, *, checkpoints: Iterable[tuple[Model, Checkpoint]], engine_names: Iterable[str] | None = None
) -> tuple[Fit, ...]:
    """A plan for each checkpoint on each engine: those that are named, else those that read its format."""
    named = tuple(engine_names or ())
    usual = default_releases(ask.target)
    known: dict[tuple[str | None, ...], tuple[EngineRelease, Support]] = {}
    fits: list[Fit] = []
    for model, checkpoint in checkpoints:
        for engine in named or (name for name in engines_for(ask.target) if FORMATS[name] == checkpoint.format):
            key = _kind(engine, model, checkpoint)
            if key not in known:
                running = release_for(engine, ask=ask, model=model, checkpoint=checkpoint, usual=usual)
                known[key] = (running, allowance(ask, model, checkpoint, running))
            running, allowed = known[key]
            fits.append(plan_one(ask, model=model, checkpoint=checkpoint, running=running, allowed=allowed))
    return tuple(fits)


def _kind(engine: str, model: Model, checkpoint: Checkpoint) -> tuple[str | None, ...]:
    """All that release and support depend on: many checkpoints of a catalogue are of one kind."""
    strange = checkpoint.title if FORMATS[engine] != checkpoint.format else None
    classes = (model.architecture, model.gguf_architecture)
    return (engine, *classes, checkpoint.format, checkpoint.quantization, checkpoint.dtype, strange)
