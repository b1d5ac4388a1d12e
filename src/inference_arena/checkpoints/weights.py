"""Adds up tensors by what they are for, whichever file names them. Knows tensor names, and no file format."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from inference_arena.facts import Fact, WeightParts

MAX_LAYERS: Final = 4096

_EMBEDDING = (
    "embed_tokens",
    "wte.",
    "tok_embeddings",
    "word_embeddings",
    "token_embd",
    "embed_in.",
    "embeddings.weight",
)
_HEAD = ("lm_head.", "embed_out.")
_BESIDE = (
    "vision",
    "visual",
    "audio",
    "mtp.",
    "talker",
    "code2wav",
    "multi_modal_projector",
    "mm_projector",
    "aligner",
)
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blk|blocks|block)\.(\d{1,4})\.")


class Tensor(NamedTuple):
    """One tensor as stored: elements of its shape (packed ones count once) and bytes."""

    name: str
    elements: int
    size_bytes: int


class Weights(Fact):
    """All tensors of a checkpoint, added up. Elements are parameters where nothing is packed."""

    parts: WeightParts
    elements: int
    head_elements: int
    expert_elements: int
    beside_elements: int  # towers, and layers after the last that count as part of the decoder


def add_up(tensors: Iterable[Tensor], *, depth: int) -> Weights:
    """`depth`: the decoder's layers; later ones predict further tokens, and count as beside it."""
    sums = dict.fromkeys(("embedding", "head", "expert", "rest"), 0)
    elements = {**sums, "beside": 0}
    layers: dict[int, int] = {}
    for tensor in tensors:
        kind, index = part_of(tensor.name), layer_of(tensor.name)
        beside = is_beside(tensor.name) or (index is not None and index >= depth)
        sums[kind] += tensor.size_bytes
        elements["beside" if beside else kind] += tensor.elements
        if index is not None and not beside:
            layers[index] = layers.get(index, 0) + tensor.size_bytes
    return Weights(
        parts=WeightParts(
            embedding_bytes=sums["embedding"],
            head_bytes=sums["head"],
            expert_bytes=sums["expert"],
            rest_bytes=sums["rest"],
            layer_bytes=tuple(layers.get(i, 0) for i in range(max(layers, default=-1) + 1)),
        ),
        elements=sum(elements.values()),
        head_elements=elements["head"],
        expert_elements=elements["expert"],
        beside_elements=elements["beside"],
    )


def part_of(name: str) -> str:
    """One of embedding, head, expert, rest."""
    if is_beside(name):
        return "rest"
    if name == "output.weight" or any(word in name for word in _HEAD):
        return "head"
    if "_exps" in name or (".experts." in name and "shared" not in name):
        return "expert"
    return "embedding" if any(word in name for word in _EMBEDDING) else "rest"


def layer_of(name: str) -> int | None:
    found = None if is_beside(name) else _LAYER.search(name)
    return None if found is None else min(int(found[1]), MAX_LAYERS)


def is_beside(name: str) -> bool:
    return any(word in name for word in _BESIDE)
