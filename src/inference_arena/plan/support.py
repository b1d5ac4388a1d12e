"""Whether an engine release runs a checkpoint on a card: every rule that says no, with its evidence and its way out.

Memory is not its business. Each rule is one function that returns its obstacles; nothing is guessed: what the tables
do not say is unverified or left unsaid.
"""

from collections.abc import Iterator

from inference_arena.facts import (
    Checkpoint,
    EngineRelease,
    Model,
    architecture_support,
    at_least,
    engines,
    has_flag,
    releases,
    version_key,
)
from inference_arena.plan.driver_rules import driver_obstacles
from inference_arena.plan.formats import is_plain, kernel_for, kernels_for
from inference_arena.plan.obstacle import Obstacle, Support
from inference_arena.plan.target import Target
from inference_arena.plan.weight_rules import format_obstacles, quantization_obstacles

__all__ = ["Obstacle", "Support", "capability_obstacles", "is_able", "support"]

# the flag by which a release lets a class from transformers stand in for one of its own
_STAND_IN = "--model-impl"
# makers for whose cards vLLM and SGLang have builds of their own, of which nothing is known here
_MAKERS_WITH_BUILDS = frozenset({"amd", "intel"})
_SPARSE_MAJORS = frozenset({"9", "10"})


def support(
    *, model: Model, checkpoint: Checkpoint, release: EngineRelease, target: Target, dtype: str | None = None
) -> Support:
    """All obstacles, hardest first. `dtype`: the compute type that was asked for; None or auto: the engine's choice."""
    found = (
        *driver_obstacles(
            release, target, is_able=lambda one: is_able(one, model=model, checkpoint=checkpoint, target=target)
        ),
        *_beside_driver(model, checkpoint, release, target, dtype),
    )
    order = ("blocks", "unverified", "costs")
    kernels = kernels_for(checkpoint, release=release, target=target) if target.vendor == "nvidia" else ()
    return Support(
        obstacles=tuple(sorted(found, key=lambda obstacle: order.index(obstacle.severity))),
        kernels=kernels,
        notes=tuple(f"{kernel.part}: {kernel.kernel}" for kernel in kernels if kernel.part != "type"),
    )


def _beside_driver(
    model: Model, checkpoint: Checkpoint, release: EngineRelease, target: Target, dtype: str | None
) -> Iterator[Obstacle]:
    yield from vendor_obstacles(release, target)
    yield from capability_obstacles(release, target)
    yield from architecture_obstacles(model, release)
    yield from sparse_obstacles(model, release, target)
    yield from format_obstacles(checkpoint, release)
    yield from quantization_obstacles(checkpoint, release, target)
    yield from dtype_obstacles(model, checkpoint, release, target, dtype=dtype)


def is_able(release: EngineRelease, *, model: Model, checkpoint: Checkpoint, target: Target) -> bool:
    """Whether nothing but the driver can block it. The commonest no comes first: it is asked of every release."""
    if _comes_before(model, release):
        return False
    return not any(one.severity == "blocks" for one in _beside_driver(model, checkpoint, release, target, None))


def _title(release: EngineRelease) -> str:
    return f"{engines()[release.engine].title} {release.version}"


def vendor_obstacles(release: EngineRelease, target: Target) -> Iterator[Obstacle]:
    """The tables are of builds for NVIDIA's CUDA; llama.cpp alone has builds of one source for every maker.

    Other makers' builds of vLLM and SGLang exist, but images, wheels, kernels and speeds here are not theirs.
    """
    if target.vendor == "nvidia" or release.engine == "llamacpp":
        return
    title, place = engines()[release.engine].title, "processor" if target.vendor is None else "card"
    yield Obstacle(
        rule="vendor",
        severity="blocks",
        what=f"{_title(release)} is known here only as a build for NVIDIA's CUDA, not for {target.title}",
        evidence=f"image and wheels with CUDA {release.image_cuda or release.wheel_cuda or 'of unknown version'}",
        source=release.source,
        way_out=(
            f"a GGUF file of it on llama.cpp, which has a build for this {place}",
            *((f"{title}'s own build for this maker's cards",) if target.vendor in _MAKERS_WITH_BUILDS else ()),
        ),
    )


def capability_obstacles(release: EngineRelease, target: Target) -> Iterator[Obstacle]:
    """Code built for 8.0 runs on 8.6 and 8.9, not on 9.0; with PTX the last one runs on all newer cards."""
    capability, built = target.compute_capability, release.compute_capabilities
    if target.vendor != "nvidia" or capability is None or runs_on(release, capability):
        return
    oldest = release.oldest_compute_capability
    yield Obstacle(
        rule="compute-capability",
        severity="blocks",
        what=f"{_title(release)} has no code for this card, of compute capability {capability}",
        evidence="built for " + (" ".join(built) if built else f"{oldest} and newer"),
        source=release.source,
        way_out=tuple(_releases_for(release, capability)),
    )


def runs_on(release: EngineRelease, capability: str) -> bool:
    """Whether the release has code for a card of this compute capability; true where nothing is known."""
    built, oldest = release.compute_capabilities, release.oldest_compute_capability
    if not built:
        return oldest is None or at_least(capability, oldest)
    major = capability.split(".", maxsplit=1)[0]
    same = any(one.split(".")[0] == major and at_least(capability, one) for one in built)
    return same or (release.ptx and at_least(capability, built[-1]))


def _releases_for(release: EngineRelease, capability: str) -> Iterator[str]:
    title = engines()[release.engine].title
    able = [one for one in releases(release.engine) if one.compute_capabilities and runs_on(one, capability)]
    if able:
        older = version_key(able[-1].version) < version_key(release.version)
        yield f"{title} {able[-1].version}, {'the last' if older else 'or the first'} that has"
    if release.engine != "llamacpp":
        yield "llama.cpp, which is built for older cards too"


def sparse_obstacles(model: Model, release: EngineRelease, target: Target) -> Iterator[Obstacle]:
    """Attention to the tokens that an indexer picks has kernels for capabilities 9 and 10 in vLLM, not yet for 12."""
    capability = target.compute_capability
    if release.engine != "vllm" or target.vendor != "nvidia" or capability is None:
        return
    picks = any(layers.index_dim is not None for layers in model.layers)
    if not picks or capability.split(".", maxsplit=1)[0] in _SPARSE_MAJORS:
        return
    yield Obstacle(
        rule="compute-capability",
        severity="unverified" if at_least(capability, "9.0") else "blocks",
        what=f"{_title(release)} is not known to have a kernel on this card for tokens that an indexer picks",
        evidence=f"its kernels are for compute capabilities 9.0 to 10.3; this card has {capability}",
        source="github.com/vllm-project/vllm issues 38006 and 40851 (8.0), 31936 (12.0), pull request 46055 (12.1)",
        way_out=("cards of compute capability 9.0 or 10.0", "a model without an indexer, such as DeepSeek V3"),
    )


def _architecture(model: Model, engine: str) -> str | None:
    return model.gguf_architecture if engine == "llamacpp" else model.architecture


def _comes_before(model: Model, release: EngineRelease) -> bool:
    """Whether the release is surely older than the model's architecture."""
    row = architecture_support(_architecture(model, release.engine) or "").get(release.engine)
    if row is None or row.first is None:
        return False
    key = version_key(release.version)
    return key < version_key(row.first) and (row.absent is None or key <= version_key(row.absent))


def architecture_obstacles(model: Model, release: EngineRelease) -> Iterator[Obstacle]:
    """The engine must have a class for the model. Later releases may have dropped it again."""
    name = _architecture(model, release.engine)
    if name is None:
        return
    known = architecture_support(name)
    row, title = known.get(release.engine), engines()[release.engine].title
    if row is None:
        yield _never(name, release)
    elif row.last is not None and version_key(release.version) > version_key(row.last):
        yield Obstacle(
            rule="architecture-removed",
            severity="blocks",
            what=f"{_title(release)} has dropped {name}",
            evidence=f"its last release with it is {row.last}",
            source=row.source,
            way_out=(f"{title} {row.last}", *_elsewhere(name, release.engine)),
        )
    elif row.first is not None and version_key(release.version) < version_key(row.first):
        yield _too_early(name, release, is_sure=_comes_before(model, release))


def _too_early(name: str, release: EngineRelease, *, is_sure: bool) -> Obstacle:
    known = architecture_support(name)
    row, title = known[release.engine], engines()[release.engine].title
    theirs = known.get("transformers")
    vain = ""
    if theirs is not None and release.engine != "llamacpp":
        vain = f"; transformers has it since {theirs.first}, but upgrading that is no help: vLLM and SGLang need a class of their own"  # noqa: E501
    return Obstacle(
        rule="architecture-unknown",
        severity="blocks" if is_sure else "unverified",
        what=f"{_title(release)} is older than {name}",
        evidence=f"first seen in {row.first}{vain}",
        source=row.source,
        way_out=(f"{title} {row.first} or newer", *_elsewhere(name, release.engine)),
    )


def _never(name: str, release: EngineRelease) -> Obstacle:
    """No release that was read has a class of this name; one with a stand-in from transformers may still run it."""
    newest = releases(release.engine)[-1].version
    stands_in = has_flag(release.engine, release.version, _STAND_IN)
    return Obstacle(
        rule="architecture-unknown",
        severity="unverified" if stands_in or release.engine == "llamacpp" else "blocks",
        what=f"no release of {engines()[release.engine].title} is known to have {name}",
        evidence=f"not in the lists of releases up to {newest}",
        source="facts/engines/architectures.csv",
        way_out=(("--model-impl transformers, slower",) if stands_in else ()) + _elsewhere(name, release.engine),
    )


def _elsewhere(name: str, engine: str) -> tuple[str, ...]:
    rows = (row for row in architecture_support(name).values() if row.engine in engines() and row.engine != engine)
    return tuple(f"{engines()[row.engine].title} {row.first} or newer" for row in rows if row.last is None)


def dtype_obstacles(
    model: Model, checkpoint: Checkpoint, release: EngineRelease, target: Target, *, dtype: str | None
) -> Iterator[Obstacle]:
    """bfloat16 needs a card that has it; float16 takes its place, less where the model overflows in it."""
    asked = None if dtype in {None, "auto"} else dtype
    wanted = asked or checkpoint.dtype
    if target.vendor != "nvidia" or release.engine == "llamacpp" or wanted not in {"bfloat16", "float16"}:
        return
    overflows = model.architecture in engines()[release.engine].not_in_float16
    if overflows and (target.bf16 is False or asked == "float16"):
        yield _overflowing(checkpoint, release, target)
    elif wanted == "bfloat16" and target.bf16 is False:
        yield _without_bfloat16(release, target, automatic=asked is None or release.engine == "sglang")


def _without_bfloat16(release: EngineRelease, target: Target, *, automatic: bool) -> Obstacle:
    instead = kernel_for("type", "bfloat16", release=release, target=target)
    takes = instead is not None and automatic
    return Obstacle(
        rule="dtype",
        severity="costs" if takes else "blocks",
        what=f"this card does not compute in bfloat16; {_title(release)} "
        + ("takes float16 instead" if takes else "refuses it"),
        evidence=f"compute capability {target.compute_capability}; bfloat16 needs 8.0",
        source=instead.source if instead is not None else "vLLM's check of the compute type (config)",
        way_out=() if takes else ("dtype float16",),
    )


def _overflowing(checkpoint: Checkpoint, release: EngineRelease, target: Target) -> Obstacle:
    """Without bfloat16 only float32 is left, in which quantized weights are not computed (vLLM issue 28857)."""
    lacks = target.bf16 is False
    wide = ("dtype float32, at twice the memory",) if is_plain(checkpoint) else ()
    return Obstacle(
        rule="dtype",
        severity="blocks",
        what=f"{_title(release)} refuses to compute this architecture in float16"
        + (", and this card does not compute in bfloat16" if lacks else ""),
        evidence="it is on the engine's list of architectures that overflow in float16"
        + (f"; compute capability {target.compute_capability}, bfloat16 needs 8.0" if lacks else ""),
        source=engines()[release.engine].source,
        way_out=(*wide, "a GGUF file of it on llama.cpp") if lacks else ("dtype bfloat16",),
    )
