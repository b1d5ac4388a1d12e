"""Bytes of decoding steps that are recorded once and replayed (CUDA graphs). Their sizes follow from the flags."""

from collections.abc import Sequence

from inference_arena.plan.question import Question


def graph_bytes(asked: Question, sizes: Sequence[int]) -> int:
    """The first graph of a set holds the shared buffers, each further one little; measured, so from the card."""
    if not asked.graphs or not sizes:
        return 0
    each = asked.overhead.graph_each_bytes * (len(sizes) - 1)
    return asked.overhead.graph_first_bytes + each


def vllm_sizes(asked: Question) -> tuple[int, ...]:
    """Batch sizes that vLLM records: 1, 2, 4, 8 to 248 by 8, from 256 by 16 (VllmConfig._set_cudagraph_sizes)."""
    most = min(2 * asked.parallel, 512, asked.prefill_tokens)
    sizes = (1, 2, 4, *range(8, 256, 8), *range(256, most + 1, 16))
    return tuple(size for size in sizes if size <= most)


def sglang_sizes(asked: Question) -> tuple[int, ...]:
    """Batch sizes that SGLang records for decoding, up to its largest (srt/server_args.py)."""
    sizes = (1, 2, 4, 8, *range(16, asked.graph_batch + 1, 8))
    return tuple(size for size in sizes if size <= asked.graph_batch)
