"""Bytes that a step needs beside weights and cache, at its worst: what engines find out by a trial step at start.

One step of T tokens holds, layer by layer, the two inputs of the gated feed-forward part with its product, and four
vectors of the hidden size; then a row of logits for each of S sequences is sampled. The two do not overlap, so the
larger counts. The factors come from the engine's overhead card.
"""

from typing import Final

from inference_arena.plan.question import Question

PLAIN_LOGIT_BYTES: Final = 2 + 4


def peak_bytes(asked: Question) -> int:
    """The most that a step of the largest size takes, on one card."""
    return max(forward_bytes(asked), sampling_bytes(asked), compiling_bytes(asked)) + expert_bytes(asked)


def compiling_bytes(asked: Question) -> int:
    """While vLLM compiles a model it holds the embedding twice; without recorded graphs it does not compile.

    Seen on starts of vLLM 0.24.0: Qwen2.5 32B AWQ peaked at 1.46 GiB compiled, the size of its embedding, and at 0.10
    without; models whose steps need more than that show no difference.
    """
    if not asked.graphs or not asked.overhead.copies_embedding:
        return 0
    return 2 * asked.model.vocab_size * asked.model.hidden_size // asked.cards


def forward_bytes(asked: Question) -> int:
    """2 T (3 I / cards + 4 h) bytes, times the measured factor."""
    width = 3 * feed_forward_width(asked) / asked.cards + 4 * asked.model.hidden_size
    return round(2 * asked.prefill_tokens * width * asked.overhead.activation_factor)


def feed_forward_width(asked: Question) -> int:
    """Of the dense part that a token meets in some layer: the model's own, or that of the shared experts."""
    experts, dense = asked.model.experts, asked.model.intermediate_size or 0
    if experts is None or experts.layers < asked.model.layer_count:
        return dense
    return experts.shared_intermediate_size


def sampling_bytes(asked: Question) -> int:
    """Logits of S sequences over the vocabulary with their copies, and the step's hidden states beside them.

    The runner that leaves graphs outside its budget samples with two copies alone (16 and 32 bits); the other sorts
    too, and keeps rows of 32-bit logits for the multiprocessors (v1/sample/ops/topk_topp_triton.py).
    """
    rows, vocabulary = min(asked.parallel, asked.prefill_tokens), asked.model.vocab_size
    hidden = 3 * asked.prefill_tokens * asked.model.hidden_size
    if asked.other_runner:
        return round(PLAIN_LOGIT_BYTES * rows * vocabulary + hidden)
    kept = 4 * min(rows, asked.overhead.sampling_rows) * vocabulary
    return round(asked.overhead.bytes_per_logit * rows * vocabulary + kept + hidden)


def expert_bytes(asked: Question) -> int:
    """Workspace of a fused mixture of experts: 2 T k (max(2 I_e, h) + I_e) bytes, and the mixed answer beside it."""
    experts = asked.model.experts
    if experts is None:
        return 0
    width = max(2 * experts.intermediate_size // asked.cards, asked.model.hidden_size) + (
        experts.intermediate_size // asked.cards
    )
    return asked.prefill_tokens * (2 * experts.active * width + 3 * asked.model.hidden_size)
