"""Bytes of decoding steps that are recorded once and replayed (CUDA graphs). Their sizes follow from the flags."""

from collections.abc import Sequence

from inference_arena.plan.question import Question


def graph_bytes(asked: Question, sizes: Sequence[int]) -> int:
    """The largest step's logits, and for each further step something a layer; measured, so from the overhead card."""
    if not asked.graphs or not sizes:
        return 0
    each = asked.overhead.graph_bytes_per_layer
    if asked.other_runner and asked.overhead.graph_bytes_per_layer_outside is not None:
        each = asked.overhead.graph_bytes_per_layer_outside
    largest = asked.overhead.graph_bytes_per_logit * sizes[-1] * asked.model.vocab_size
    return round(largest) + each * asked.model.layer_count * (len(sizes) - 1)


def vllm_sizes(asked: Question) -> tuple[int, ...]:
    """Batch sizes that vLLM records: 1, 2, 4, 8 to 248 by 8, from 256 by 16 (VllmConfig._set_cudagraph_sizes)."""
    most = min(2 * asked.parallel, 512, asked.prefill_tokens)
    sizes = (1, 2, 4, *range(8, 256, 8), *range(256, most + 1, 16))
    return tuple(size for size in sizes if size <= most)


def sglang_sizes(asked: Question) -> tuple[int, ...]:
    """Batch sizes that SGLang records for decoding, up to its largest (srt/server_args.py)."""
    sizes = (1, 2, 4, 8, *range(16, asked.graph_batch + 1, 8))
    return tuple(size for size in sizes if size <= asked.graph_batch)
