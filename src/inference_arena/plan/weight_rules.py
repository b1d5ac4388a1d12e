"""Rules about how weights are stored: file format, quantization by release and card, and what it costs there."""

import math
from collections.abc import Iterator

from inference_arena.facts import (
    Checkpoint,
    EngineRelease,
    QuantizationSupport,
    at_least,
    checkpoints,
    engines,
    version_key,
)
from inference_arena.plan.formats import history_of, is_plain, kernel_for, method_names, support_of
from inference_arena.plan.obstacle import Obstacle
from inference_arena.plan.target import Target


def format_obstacles(checkpoint: Checkpoint, release: EngineRelease) -> Iterator[Obstacle]:
    """llama.cpp reads GGUF files alone."""
    if release.engine != "llamacpp" or checkpoint.format == "gguf":
        return
    yield Obstacle(
        rule="format",
        severity="blocks",
        what=f"llama.cpp reads GGUF files, and {checkpoint.title} is kept as {checkpoint.format}",
        evidence=f"format {checkpoint.format}",
        source=checkpoint.source,
        way_out=(_gguf_of(checkpoint.model), "convert it with llama.cpp's convert_hf_to_gguf.py"),
    )


def _gguf_of(model: str) -> str:
    """The smallest of the catalogue, by name where it has one."""
    files = [one for one in checkpoints().values() if one.model == model and one.format == "gguf"]
    named = min(files, key=lambda one: (one.weight_bytes or math.inf, one.name), default=None)
    return f"a GGUF file of the same model{f', such as {named.name}' if named else ''}"


def quantization_obstacles(checkpoint: Checkpoint, release: EngineRelease, target: Target) -> Iterator[Obstacle]:
    """The release must have the format, and a kernel for it on this card."""
    if release.engine == "llamacpp" or is_plain(checkpoint):
        return
    row = support_of(checkpoint, release)
    if row is None:
        yield _absent(checkpoint, release)
    elif target.vendor == "nvidia" and target.compute_capability is not None:
        if at_least(target.compute_capability, row.compute_capability):
            yield from _price(checkpoint, release, target)
        else:
            yield _too_old(checkpoint, release, row, target)


def _word(checkpoint: Checkpoint) -> str:
    return "GGUF" if checkpoint.format == "gguf" else checkpoint.quantization.upper()


def _absent(checkpoint: Checkpoint, release: EngineRelease) -> Obstacle:
    engine, rows = engines()[release.engine], history_of(checkpoint, release.engine)
    before = [row for row in rows if row.last is not None and version_key(row.last) < version_key(release.version)]
    later = [row for row in rows if version_key(row.first) > version_key(release.version)]
    plugin = next((one for one in engine.plugins if one.method in method_names(checkpoint)), None)
    moved = plugin is not None and version_key(release.version) >= version_key(plugin.since)
    evidence = (
        f"last seen in {before[-1].last}" if before else f"first seen in {later[0].first}" if later else "never seen"
    )
    ways = [f"pip install {plugin.package}, which holds it since {plugin.since}"] if plugin and moved else []
    ways += [f"{engine.title} {before[-1].last}"] if before else []
    ways += [f"{engine.title} {later[0].first} or newer"] if later else []
    ways += ["llama.cpp"] if checkpoint.format == "gguf" else []
    source = plugin.source if plugin and moved else rows[0].source if rows else "facts/engines/quantization.csv"
    return Obstacle(
        rule="quantization-unsupported",
        severity="blocks",
        what=f"{engine.title} {release.version} does not read {_word(checkpoint)} by itself",
        evidence=evidence,
        source=source,
        way_out=(*ways, "another quantization"),
    )


def _too_old(checkpoint: Checkpoint, release: EngineRelease, row: QuantizationSupport, target: Target) -> Obstacle:
    engine = engines()[release.engine]
    have = target.compute_capability or ""
    able = [one for one in history_of(checkpoint, release.engine) if at_least(have, one.compute_capability)]
    newer = [one for one in able if version_key(one.first) > version_key(release.version)]
    return Obstacle(
        rule="quantization-unsupported",
        severity="blocks",
        what=f"{engine.title} {release.version} has no kernel for {_word(checkpoint)} on this card",
        evidence=f"it needs compute capability {row.compute_capability}; this card has {have}",
        source=row.source,
        way_out=(
            *((f"{engine.title} {newer[0].first} or newer",) if newer else ()),
            "another quantization",
            "llama.cpp with a GGUF file",
        ),
    )


def _price(checkpoint: Checkpoint, release: EngineRelease, target: Target) -> Iterator[Obstacle]:
    """A format that newer cards multiply natively is unpacked on this one: it saves memory, not time on prompts."""
    kernel = kernel_for("weights", checkpoint.quantization, release=release, target=target)
    if kernel is None or kernel.kind != "weight-only" or checkpoint.quantization not in {"fp8", "nvfp4"}:
        return
    yield Obstacle(
        rule="quantization-slow",
        severity="costs",
        what=f"this card does not multiply {_word(checkpoint)} natively: weights are unpacked for each product "
        f"({kernel.kernel}), which saves memory, but prompts are read at the 16-bit rate",
        evidence=f"compute capability {target.compute_capability}",
        source=kernel.source,
        way_out=("AWQ or GPTQ weights, at half the size",),
    )
