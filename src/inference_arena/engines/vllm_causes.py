"""Why vLLM does not start, by its own words, and what would work, with the log's own numbers."""

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
from inference_arena.units import GIB

_DIGIT: Final = 0.01  # sizes are printed in GiB with two digits: what is printed may be that much too high
_FIRST_POOL_GIB: Final = 2.0  # for a first try where nothing says how much a request needs


def _share_that_is_free(found: Found, facts: Facts) -> Found:  # noqa: ARG001
    """Largest share of the card, in hundredths, that is surely free."""
    share = math.floor((float(found["free"]) - _DIGIT) / float(found["total"]) * 100) / 100
    fits = f"{share:.2f}" if share > 0 else ""
    return {"fits": fits, "to": fits or f"below {found['share']}"}


def _share_for(more_gib: float, facts: Facts) -> str:
    """Share of the card, in hundredths, that adds so many GiB to what was asked for; empty where it is not to be had.

    Needs what DEBUG lines tell: size of the card, free part, size asked for.
    """
    sizes = [facts.get(name) for name in ("card_bytes", "free_bytes", "requested_bytes")]
    card, free, asked = (float(size) if isinstance(size, int) else math.nan for size in sizes)
    share = (asked / GIB + more_gib + _DIGIT) / (card / GIB)
    if math.isnan(share) or share > free / card:
        return ""
    return f"{math.ceil(share * 100) / 100:.2f}"


def _share_for_the_context(found: Found, facts: Facts) -> Found:
    share = _share_for(float(found["needed"]) - float(found["available"]) + _DIGIT, facts)
    or_share = f", or --gpu-memory-utilization {share}" if share else ""
    return {"to": found["longest"] or f"below {found['context']}", "or_share": or_share}


def _share_for_a_pool(found: Found, facts: Facts) -> Found:  # noqa: ARG001
    pool = facts.get("kv_cache_bytes")
    short_gib = -pool / GIB if isinstance(pool, int) else math.nan
    share = _share_for(short_gib + _FIRST_POOL_GIB, facts)
    return {
        "short": "" if math.isnan(short_gib) else f": {short_gib:.2f} GiB are missing",
        "share": share,
        "to": share or f"above {facts.get('memory_share', 'what it is now')}",
    }


def _whole(found: Found, facts: Facts) -> Found:  # noqa: ARG001
    return {"most": str(int(float(found["most"])))}


ARGUMENTS: Final = (
    Cause(
        cause="unknown-flag",
        stage="arguments",
        words=r"error: unrecognized arguments: (?P<flag>.+)",
        what="this release of vLLM does not know {flag}",
        advice="leave {flag} out, or look it up with: vllm serve --help=all",
        drops="{flag}",
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"error: argument (?P<flag>\S+): (?P<problem>.+)",
        what="vLLM cannot use what {flag} was given: {problem}",
        advice="correct it; vllm serve --help=all tells what it takes",
        drops="{flag}",
    ),
)
MEMORY: Final = (
    Cause(
        cause="memory-share-above-free",
        words=r"Free memory on device\s?\S* \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is less than desired "
        r"GPU memory utilization \((?P<share>[\d.]+), (?P<asked>[\d.]+) GiB\)",
        what="it asks for {asked} GiB ({share} of the card), and only {free} of {total} GiB are free",
        advice="--gpu-memory-utilization {to}, or end what holds the rest (arena hardware shows it)",
        flags="--gpu-memory-utilization {fits}",
        more=_share_that_is_free,
    ),
    Cause(
        cause="kv-cache-too-small",
        words=r"To serve at least one request with the model'?s'? max seq len \((?P<context>\d+)\),? \(?"
        r"(?P<needed>[\d.]+) GiB KV cache is needed, which is larger than the available KV cache memory "
        r"\((?P<available>[\d.]+) GiB\)(?:.*?maximum model length is (?P<longest>\d+))?",
        what="one request of {context} tokens needs {needed} GiB of KV cache, and {available} GiB are left for it",
        advice="--max-model-len {to}{or_share}",
        flags="--max-model-len {longest}",
        more=_share_for_the_context,
    ),
    Cause(
        cause="kv-cache-too-small",
        words=r"max seq len \((?P<context>\d+)\) is larger than the maximum number of tokens that can be stored in "
        r"KV cache \((?P<longest>\d+)\)",
        what="one request may have {context} tokens, and the KV cache holds {longest}",
        advice="--max-model-len {longest}, or a larger --gpu-memory-utilization",
        flags="--max-model-len {longest}",
        reproduced=False,
    ),
    Cause(
        cause="no-kv-cache-memory",
        words=r"No available memory for the cache blocks",
        what="weights and working memory take all that vLLM may use, and nothing is left for the KV cache{short}",
        advice="--gpu-memory-utilization {to}; where the card has no more, a smaller quantization or model",
        flags="--gpu-memory-utilization {share}",
        more=_share_for_a_pool,
    ),
    *OUT_OF_MEMORY,
    Cause(
        cause="out-of-memory",
        at="memory",
        words=r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ \wiB)",
        what="the card became full while vLLM tried its largest batch: {asked} more were wanted",
        advice="--max-num-batched-tokens 2048 --max-num-seqs 64, or a smaller quantization",
        flags="--max-num-batched-tokens 2048 --max-num-seqs 64",
        reproduced=False,
    ),
    Cause(
        cause="out-of-memory",
        at="warm-up",
        words=r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ \wiB)",
        what="the card became full while graphs were recorded: {asked} more were wanted",
        advice="--enforce-eager (slower), or lower --gpu-memory-utilization so that graphs find room beside it",
        flags="--enforce-eager",
        reproduced=False,
    ),
    Cause(
        cause="out-of-memory",
        at="serving",
        words=r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ \wiB)",
        what="the card became full while requests were answered: {asked} more were wanted",
        advice="lower --gpu-memory-utilization, --max-num-batched-tokens or --max-num-seqs: each leaves more room",
        reproduced=False,
    ),
    *OUT_OF_MEMORY_ANYHOW,
)
PROCESSOR: Final = (
    Cause(
        cause="memory-share-above-free",
        words=r"Available memory on node \d+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is less than "
        r"desired CPU memory utilization \((?P<share>[\d.]+), (?P<asked>[\d.]+) GiB\)",
        what="it asks for {asked} GiB ({share} of the machine's memory), and only {free} of {total} GiB are free",
        advice="--gpu-memory-utilization {to}: on a processor it is a share of the machine's memory; or close programs",
        flags="--gpu-memory-utilization {fits}",
        more=_share_that_is_free,
    ),
    Cause(
        cause="kv-cache-above-free",
        words=r"Available memory on node \d+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on kv cache allocation is less "
        r"than requested memory for kv \((?P<asked>[\d.]+)[ /]",
        what="the KV cache is to take {asked} GiB, and only {free} of {total} GiB are free",
        advice="a smaller --kv-cache-memory-bytes (4g is 4 GB), or close other programs",
        reproduced=False,
    ),
)
FORMAT: Final = (
    Cause(
        cause="context-above-model",
        words=r"max_model_len \((?P<context>\d+)\) is greater than the derived max_model_len "
        r"\((?:\w+=)?(?P<most>[\d.]+\d)",
        what="a context of {context} tokens was asked for, and the model was made for {most}",
        advice="--max-model-len {most}",
        flags="--max-model-len {most}",
        more=_whole,
    ),
    Cause(
        cause="quantization-unknown",
        words=r"Unknown quantization method: (?P<method>[^\s.]+)",
        what="this release of vLLM does not know the quantization {method}",
        advice="use a newer release, or a checkpoint in another format (AWQ, GPTQ and FP8 are known widely)",
    ),
    Cause(
        cause="quantization-unsupported",
        words=r"Unsupported quantization config: (?P<config>[^\[\n]*[^\[\s])",
        what="vLLM has no code for this kind of quantization: {config}",
        advice="use a checkpoint of 4 or 8 bits, or in another format",
    ),
    *QUANTIZATION,
    Cause(
        cause="quantization-mismatch",
        words=r"Cannot find the config file for (?P<method>[\w-]+)",
        what="--quantization {method} was asked for, and the checkpoint is not quantized that way",
        advice="leave --quantization out: vLLM reads it off the checkpoint; or use a checkpoint in {method}",
        drops="--quantization",
    ),
    Cause(
        cause="quantization-mismatch",
        words=r"specified in the model config \((?P<has>[\w-]+)\) does not match the quantization method specified in "
        r"the `quantization` argument \((?P<method>[\w-]+)\)",
        what="--quantization {method} was asked for, and the checkpoint is in {has}",
        advice="leave --quantization out: vLLM reads it off the checkpoint",
        drops="--quantization",
        reproduced=False,
    ),
    Cause(
        cause="kv-cache-type-unsupported",
        words=r"--kv-cache-dtype (?P<type>\S+) requires (?P<needs>[^,]+)",
        what="a KV cache in {type} needs {needs}, which this card is not",
        advice="--kv-cache-dtype auto, or fp8",
        flags="--kv-cache-dtype auto",
    ),
    Cause(
        cause="dtype-unsupported",
        words=r"Bfloat16 is only supported on GPUs with compute capability of at least (?P<needs>[\d.]+\d)\. Your "
        r"(?P<card>.+?) GPU has compute capability (?P<has>[\d.]+\d)",
        what="the model computes in bfloat16, which the {card} cannot (compute capability {has}, needed {needs})",
        advice="--dtype half",
        flags="--dtype half",
        reproduced=False,
    ),
)
# words that also follow other reasons
AFTER: Final = (
    Cause(
        cause="killed",
        words=r"Worker proc (?P<worker>\S+) died unexpectedly",
        what="vLLM's {worker} ended without a word: it was killed from outside (the system does that when memory runs "
        "out)",
        advice="look at the system's log for 'out of memory'; give it more RAM, or a smaller model",
    ),
)
CAUSES: Final[tuple[Cause, ...]] = (
    *(*ARGUMENTS, *MEMORY, *PROCESSOR, *FORMAT),
    *(*MODEL, *MACHINE, *PACKAGES, *AFTER),
)
# where the log holds no error of the core's own
SILENT: Final = (
    Cause(
        cause="killed",
        words=r"Engine core initialization failed|Failed core proc\(s\)",
        what="vLLM's core ended without a word: it was killed from outside (the system does that when memory runs out)",
        advice="look at the system's log for 'out of memory'; give it more RAM, or a smaller model",
    ),
)
