"""Which kernel an engine uses for a checkpoint's weights on a card, and whether it can. Reads the tables only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from inference_arena.facts import (
    Checkpoint,
    EngineRelease,
    Kernel,
    QuantizationSupport,
    at_least,
    is_within,
    kernels,
    quantization_history,
    quantization_support,
    version_key,
)
from inference_arena.plan.target import Target

# our word for a weight format -> the names under which engines keep it, over the years
METHODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "awq": ("auto_awq", "awq_marlin", "awq"),
        "gptq": ("auto_gptq", "gptq_marlin", "gptq"),
        "fp8": ("fp8",),
        "w4a16": ("compressed-tensors", "compressed_tensors"),
        "w8a8": ("compressed-tensors", "compressed_tensors"),
        "mxfp4": ("gpt_oss_mxfp4", "mxfp4"),
        "nvfp4": ("modelopt_fp4",),
        "bitsandbytes": ("bitsandbytes",),
    }
)
# formats that differ in their files but are multiplied by the same kernels
_LIKE: Final[Mapping[str, str]] = MappingProxyType({"w4a16": "gptq"})


def is_plain(checkpoint: Checkpoint) -> bool:
    """Weights of 16 or 32 bits, which every engine takes."""
    return checkpoint.quantization == "none" and checkpoint.format == "safetensors"


def method_names(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The engines' names for its format; the format's own name where we know no other."""
    if checkpoint.format == "gguf":
        return ("gguf",)
    return METHODS.get(checkpoint.quantization, (checkpoint.quantization,))


def support_of(checkpoint: Checkpoint, release: EngineRelease) -> QuantizationSupport | None:
    """The easiest of the release's methods for this format; None: it has none."""
    rows = (quantization_support(release.engine, release.version, name) for name in method_names(checkpoint))
    known = [row for row in rows if row is not None]
    return min(known, key=lambda row: float(row.compute_capability)) if known else None


def history_of(checkpoint: Checkpoint, engine: str) -> tuple[QuantizationSupport, ...]:
    """All that the engine ever had for this format, oldest first."""
    rows = (row for name in method_names(checkpoint) for row in quantization_history(engine, name))
    return tuple(sorted(rows, key=lambda row: version_key(row.first)))


def kernel_for(part: str, method: str | None, *, release: EngineRelease, target: Target) -> Kernel | None:
    """What computes this part here; None: the table does not say."""
    capability = target.compute_capability
    if capability is None:
        return None
    wanted = _LIKE.get(method, method) if method is not None else None
    rows = (row for row in kernels(release.engine) if row.part == part and row.method == wanted)
    fitting = [
        row
        for row in rows
        if is_within(release.version, first=row.first, last=row.last)
        and (row.from_compute_capability is None or at_least(capability, row.from_compute_capability))
        and (row.below_compute_capability is None or not at_least(capability, row.below_compute_capability))
    ]
    return max(fitting, key=lambda row: version_key(row.first)) if fitting else None


def kernels_for(checkpoint: Checkpoint, *, release: EngineRelease, target: Target) -> tuple[Kernel, ...]:
    """The kernels for its weights and for attention, as far as the table says."""
    weights = None if is_plain(checkpoint) else checkpoint.quantization
    found = (
        kernel_for("weights", weights, release=release, target=target) if weights else None,
        kernel_for("attention", None, release=release, target=target),
    )
    return tuple(kernel for kernel in found if kernel is not None)
