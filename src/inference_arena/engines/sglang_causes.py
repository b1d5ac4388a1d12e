"""Why SGLang does not start, by its own words, and what would work, with the log's own numbers."""

import math
from typing import Final

from inference_arena.engines.causes import Cause, Facts, Found
from inference_arena.engines.gpu_causes import (
    MACHINE,
    MODEL,
    OUT_OF_MEMORY,
    OUT_OF_MEMORY_ANYHOW,
    PACKAGES,
    QUANTIZATION,
)

# above the least share that holds the weights: what is over is the whole KV cache
_FIRST_POOL_SHARE: Final = 0.05
_LOWER_BY: Final = 0.05


def _share_above(found: Found, facts: Facts) -> Found:
    """A share that holds the weights and a first pool; empty where the log does not tell what the weights take."""
    free, weights = facts.get("free_bytes"), facts.get("weights_bytes")
    least = float(found["least"]) if found.get("least") else math.nan
    if math.isnan(least) and isinstance(free, int) and isinstance(weights, int):
        least = weights / free
    share = math.ceil((least + _FIRST_POOL_SHARE) * 100) / 100 if not math.isnan(least) else math.nan
    fits = f"{share:.2f}" if share < 0.97 else ""
    return {"share": fits, "to": fits or f"above {facts.get('static_share', 'what it is now')}"}


def _share_below(found: Found, facts: Facts) -> Found:  # noqa: ARG001
    static = facts.get("static_share")
    share = f"{static - _LOWER_BY:.2f}" if isinstance(static, float) and static > 2 * _LOWER_BY else ""
    return {"share": share, "to": share or "below what it is now"}


ARGUMENTS: Final = (
    Cause(
        cause="unknown-flag",
        stage="arguments",
        words=r"error: unrecognized arguments: (?P<flag>.+)",
        what="this release of SGLang does not know {flag}",
        advice="leave {flag} out, or look it up with: python -m sglang.launch_server --help",
        drops="{flag}",
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"error: argument (?P<flag>\S+): (?P<problem>.+)",
        what="SGLang cannot use what {flag} was given: {problem}",
        advice="correct it; python -m sglang.launch_server --help tells what it takes",
        drops="{flag}",
        reproduced=False,
    ),
)
MEMORY: Final = (
    Cause(
        cause="static-share-too-low",
        words=r"leave no GPU memory for the KV cache under --mem-fraction-static=(?P<has>[\d.]+\d)\. Raise "
        r"--mem-fraction-static above (?P<least>[\d.]+\d)",
        what="--mem-fraction-static {has} holds the weights and no KV cache: they alone take {least}",
        advice="--mem-fraction-static {to}; what is above {least} is the KV cache",
        flags="--mem-fraction-static {share}",
        reproduced=False,
        more=_share_above,
    ),
    Cause(
        cause="static-share-too-low",
        words=r"Not enough memory\. Please try to increase --mem-fraction-static",
        what="the share of the card that --mem-fraction-static gives holds the weights and no KV cache",
        advice="--mem-fraction-static {to}; where the card has no more, a smaller quantization or model",
        flags="--mem-fraction-static {share}",
        reproduced=False,
        more=_share_above,
    ),
    Cause(
        cause="out-of-memory",
        words=r"Capture cuda graph failed: (?:CUDA|HIP) out of memory(?:\. Tried to allocate (?P<asked>[\d.]+ \wiB))?",
        what="the card became full while graphs were recorded: --mem-fraction-static left too little beside it",
        advice="--mem-fraction-static {to}, or graphs for fewer requests at once: --cuda-graph-max-bs 16",
        flags="--mem-fraction-static {share}",
        reproduced=False,
        more=_share_below,
    ),
    *OUT_OF_MEMORY,
    Cause(
        cause="out-of-memory",
        at="serving",
        words=r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ \wiB)",
        what="the card became full while requests were answered: {asked} more were wanted",
        advice="--mem-fraction-static {to}, or a smaller --chunked-prefill-size",
        flags="--mem-fraction-static {share}",
        reproduced=False,
        more=_share_below,
    ),
    *OUT_OF_MEMORY_ANYHOW,
)
FORMAT: Final = (
    Cause(
        cause="port-too-high",
        words=r"SGLANG_GRPC_PORT \((?P<port>\d+)\) must be between",
        what="it opens a second port 10,000 above its own, and {port} is more than there can be",
        advice="--port with a number of 55535 or less",
    ),
    Cause(
        cause="context-above-model",
        words=r"context_length \((?P<context>\d+)\) is greater than the derived context_length \((?P<most>\d+)\)"
        r".*To allow overriding",
        what="a context of {context} tokens was asked for, and the model was made for {most}",
        advice="--context-length {most}",
        flags="--context-length {most}",
        reproduced=False,
    ),
    Cause(
        cause="quantization-unknown",
        words=r"(?:Unknown|Invalid) quantization method: (?P<method>[^\s.]+)",
        what="this release of SGLang does not know the quantization {method}",
        advice="use a newer release, or a checkpoint in another format (AWQ, GPTQ and FP8 are known widely)",
        reproduced=False,
    ),
    *QUANTIZATION,
    Cause(
        cause="quantization-mismatch",
        words=r"specified in the model config \((?P<has>[\w-]+)\) does not match the quantization method specified in "
        r"the `quantization` argument \((?P<method>[\w-]+)\)",
        what="--quantization {method} was asked for, and the checkpoint is in {has}",
        advice="leave --quantization out: SGLang reads it off the checkpoint",
        drops="--quantization",
        reproduced=False,
    ),
)
CAUSES: Final[tuple[Cause, ...]] = (*ARGUMENTS, *MEMORY, *FORMAT, *MODEL, *MACHINE, *PACKAGES)
