"""Bytes of a model's weights, from what the checkpoint's files say or else from its numbers. Knows no engine.

A quantized linear layer stores `bits` a weight, plus a 16-bit scale and, with zero points, `bits` more for every group
of weights: (bits + (16 + zero) / group) / 8 bytes, which is 0.531 for AWQ and GPTQ in groups of 128. Embeddings, the
output head and norms stay at 16 bits. (Derivation from the formats' own tensor shapes.)
"""

from typing import Final, NamedTuple

from inference_arena.facts import Checkpoint, Model

SCALE_BITS: Final = 16
# the default of AutoAWQ, GPTQModel and llm-compressor's W4A16 scheme
USUAL_GROUP: Final = 128
GROUPED: Final = frozenset({"awq", "gptq", "w4a16"})
# formats whose groups share one 8-bit exponent (MXFP4) or carry an 8-bit scale (NVFP4); by the OCP MX specification
# 1.0 and NVIDIA's description of NVFP4
_SCALE_BITS: Final = {"mxfp4": 8, "nvfp4": 8, "fp8": 32}


class Parts(NamedTuple):
    """Parameters of a model by what happens to them when it is quantized or spread over cards."""

    embedding: int
    head: int
    experts: int
    repeated: int
    norms: int
    other: int

    @property
    def total(self) -> int:
        return self.embedding + self.head + self.experts + self.repeated + self.norms + self.other


def parts(model: Model) -> Parts:
    """Embedding, head (0 where tied), routed experts, the rest of the repeated layers, norms, other towers."""
    table = model.vocab_size * model.hidden_size
    head = 0 if model.tied_embeddings else table
    embedding = table + model.layer_embedding_parameters
    experts = expert_parameters(model)
    norms = (2 * model.layer_count + 1) * model.hidden_size
    rest = model.parameters - embedding - head - experts - norms - model.other_parameters
    return Parts(
        embedding=embedding,
        head=head,
        experts=experts,
        repeated=max(0, rest),
        norms=norms,
        other=model.other_parameters,
    )


def expert_parameters(model: Model) -> int:
    """Of all routed experts together; a gated one has three matrices of hidden size by its width."""
    mixture = model.experts
    if mixture is None:
        return 0
    each = mixture.parameters or 3 * model.hidden_size * mixture.intermediate_size
    return mixture.layers * mixture.count * each


def bytes_per_weight(checkpoint: Checkpoint) -> float:
    """Bytes that one quantized weight takes with its share of scales and zero points; 2 (or 4) for plain weights."""
    if checkpoint.bits is None:
        return 4.0 if checkpoint.dtype == "float32" else 2.0
    group = group_of(checkpoint)
    if group is None:
        return checkpoint.bits / 8
    zero_bits = checkpoint.bits if checkpoint.zero_point else 0.0
    scale_bits = _SCALE_BITS.get(checkpoint.quantization, SCALE_BITS)
    return (checkpoint.bits + (scale_bits + zero_bits) / group) / 8


def group_of(checkpoint: Checkpoint) -> int | None:
    """Weights that share a scale; where a 4-bit checkpoint does not say, what its makers' tools do by themselves."""
    usual = USUAL_GROUP if checkpoint.quantization in GROUPED else None
    return checkpoint.group_size or usual


def stored_bytes(model: Model, checkpoint: Checkpoint) -> int:
    """Bytes of all tensors as stored: summed from the files' headers where they were read, else by the formula.

    A file of which neither is known counts whole, with its few megabytes of names and vocabulary.
    """
    if checkpoint.weight_bytes is not None:
        return checkpoint.weight_bytes
    if checkpoint.file is not None and checkpoint.bits is None:
        return checkpoint.file.size_bytes
    counted, each = parts(model), bytes_per_weight(checkpoint)
    plain = 4.0 if checkpoint.dtype == "float32" else 2.0
    quantized = {
        "nothing": 0,
        "experts": counted.experts,
        "linear": counted.experts + counted.repeated,
        "all": counted.total - counted.norms - counted.other,
    }[checkpoint.quantized]
    return round(quantized * each + (counted.total - quantized) * plain)


def active_bytes(model: Model, checkpoint: Checkpoint, *, sequences: float) -> float:
    """Bytes of weights that one decoding step of `sequences` requests reads.

    Of E experts with k active, a step of B requests wakes E * (1 - (1 - k/E)^B) distinct ones, if the router chooses
    evenly. The embedding is read a row at a time, so it counts only where it is also the head.
    """
    counted = parts(model)
    stored = stored_bytes(model, checkpoint)
    plain = 4.0 if checkpoint.dtype == "float32" else 2.0
    each = bytes_per_weight(checkpoint) if checkpoint.quantized != "nothing" else plain
    looked_up = counted.embedding - (model.vocab_size * model.hidden_size if model.tied_embeddings else 0)
    rows = looked_up * (each if checkpoint.quantized == "all" else plain)
    experts = counted.experts * each
    return stored - rows - experts * (1 - awake_share(model, sequences=sequences)) - counted.other * plain


def awake_share(model: Model, *, sequences: float) -> float:
    """Expected share of the routed experts that a step of `sequences` tokens uses; 1 for a dense model."""
    if model.experts is None:
        return 1.0
    asleep: float = (1 - model.experts.active / model.experts.count) ** max(sequences, 1.0)
    return 1 - asleep


def active_parameters(model: Model) -> int:
    """Parameters that one token is multiplied with, the embedding's rows left out."""
    counted = parts(model)
    share = model.experts.active / model.experts.count if model.experts is not None else 1.0
    head = model.vocab_size * model.hidden_size  # the embedding itself where they are tied
    return round(counted.repeated + counted.norms + counted.experts * share + head)
