"""Makes a model and a checkpoint of a GGUF file's header: its metadata in the catalogue's words, its tensors added up.

Keys by the constants of the package gguf 0.19.0; what stands in no key (which layers slide) comes from the families.
"""

from datetime import date
from typing import Literal, NoReturn

from inference_arena.checkpoints.decoder import grouped
from inference_arena.checkpoints.gguf import GgufHeader
from inference_arena.checkpoints.weights import Weights, add_up
from inference_arena.errors import BadFileError
from inference_arena.facts import Checkpoint, Experts, Family, Layers, Model, families

_MOST = 2**32
_MAX_LAYERS = 4096
# Llama 4's chunks stand in no key of its files
_CHUNKS = ("attention_chunk_size", "no_rope_layer_interval")


class _Keys:
    """The numbers of one architecture. A number that stands once a layer is asked for with the layer's index."""

    def __init__(self, header: GgufHeader, *, file: str) -> None:
        self.header, self.file, self.architecture = header, file, header.architecture or ""
        self.depth = self.number("block_count", most=_MAX_LAYERS)

    def maybe(self, name: str, layer: int | None = None, *, least: int = 1, most: int = _MOST) -> int | None:
        value = self.header.metadata.get(f"{self.architecture}.{name}")
        if isinstance(value, tuple):
            if layer is not None and layer >= len(value):
                self.refuse(name, f"{len(value)} values for {self.depth} layers")
            value = value[layer] if layer is not None else max(value)
        if value is None:
            return None
        if isinstance(value, str | float) or not least <= value <= most:
            self.refuse(name, f"{value!r:.40}")
        return int(value)

    def number(self, name: str, layer: int | None = None, *, least: int = 1, most: int = _MOST) -> int:
        value = self.maybe(name, layer, least=least, most=most)
        return self.refuse(name, "nothing") if value is None else value

    def refuse(self, name: str, found: str) -> NoReturn:
        raise BadFileError(
            f"{self.file}: {self.architecture or 'general.architecture'}.{name} is no number that a model can have",
            why=f"it holds {found}",
            try_="another conversion of the model",
        )


def gguf_model(header: GgufHeader, *, file: str, source: str, checked: date) -> tuple[Model, Checkpoint]:
    """Exact where the file is exact: parameters and bytes are sums over its tensors."""
    keys = _Keys(header, file=file)
    family = _family(keys.architecture)
    weights = add_up(header.weights, depth=keys.depth)
    experts = _experts(keys)
    name = file.removesuffix(".gguf")
    model = Model(
        name=name,
        title=header.name or name,
        family=keys.architecture if family is None else family.series,
        gguf_architecture=keys.architecture,
        hidden_size=keys.number("embedding_length"),
        intermediate_size=keys.maybe("feed_forward_length", least=0) or None,
        vocab_size=_vocabulary(keys),
        layers=grouped(part for i in range(keys.depth) for part in _layer(keys, family, i)),
        experts=experts,
        tied_embeddings=weights.head_elements == 0,
        parameters=header.parameters,
        active_parameters=None if experts is None else _active(header.parameters, weights, experts),
        other_parameters=weights.beside_elements,
        context_tokens=keys.number("context_length"),
        license=header.license,
        source=source,
        checked=checked,
    )
    return model, _checkpoint(header, model, weights, source=source, checked=checked)


def _checkpoint(header: GgufHeader, model: Model, weights: Weights, *, source: str, checked: date) -> Checkpoint:
    total_bytes = weights.parts.total_bytes
    return Checkpoint(
        name=model.name,
        title=model.title,
        model=model.name,
        format="gguf",
        quantization=header.quantization or "unknown",
        quantized="all",
        bits=8 * total_bytes / header.parameters if header.parameters and total_bytes else None,
        weight_bytes=total_bytes or None,
        parts=weights.parts if total_bytes else None,
        source=source,
        checked=checked,
    )


def _family(architecture: str) -> Family | None:
    """The family whose layers slide, where several share an architecture's name."""
    found = [family for family in families().values() if family.gguf_architecture == architecture]
    return max(found, key=lambda family: family.window == "period", default=None)


def _vocabulary(keys: _Keys) -> int:
    tokens = keys.header.metadata.get("tokenizer.ggml.tokens")
    return tokens if isinstance(tokens, int) and tokens > 0 else keys.number("vocab_size")


def _layer(keys: _Keys, family: Family | None, index: int) -> tuple[Layers, ...]:
    """Attention, state or both of one layer; nothing for a block that is feed-forward alone."""
    kv_heads = keys.maybe("attention.head_count_kv", index, least=0)
    if _keeps_state(keys, index, kv_heads):
        return (_state(keys),)
    if kv_heads == 0:
        return ()
    if index >= keys.depth - (keys.maybe("attention.shared_kv_layers", least=0, most=keys.depth) or 0):
        return (Layers(kind="shared", count=1, heads=keys.number("attention.head_count", index)),)
    attention = _latent(keys) if keys.maybe("attention.kv_lora_rank") else _heads(keys, family, index, kv_heads)
    beside = family is not None and family.state_beside
    return (attention, _state(keys).model_copy(update={"parallel": True})) if beside else (attention,)


def _keeps_state(keys: _Keys, index: int, kv_heads: int | None) -> bool:
    every = keys.maybe("full_attention_interval", most=_MAX_LAYERS)
    if every is not None and keys.maybe("ssm.inner_size"):
        return (index + 1) % every != 0
    # Nemotron-H has blocks of one kind each: a width of the feed-forward part means that there is no state
    alone = isinstance(keys.header.metadata.get(f"{keys.architecture}.feed_forward_length"), tuple)
    width = keys.maybe("feed_forward_length", index, least=0)
    blocks = keys.architecture.startswith("nemotron_h")
    return kv_heads == 0 and bool(keys.maybe("ssm.inner_size")) and not (blocks and alone and width)


def _state(keys: _Keys) -> Layers:
    """Mamba 1 and 2 and gated delta nets: the convolution sees keys and queries, one of each a group, and values."""
    inner, size = keys.number("ssm.inner_size"), keys.number("ssm.state_size")
    width = inner + 2 * (keys.maybe("ssm.group_count") or 0) * size
    return Layers(
        kind="linear",
        count=1,
        heads=keys.maybe("ssm.time_step_rank") or 1,
        conv_elements=width * (keys.number("ssm.conv_kernel", most=1024) - 1),
        state_elements=inner * size,
    )


def _latent(keys: _Keys) -> Layers:
    """Newer files have the caches' lengths as key_length and the heads' as key_length_mla; older ones the heads'."""
    rope = keys.number("rope.dimension_count", least=0)
    key = keys.maybe("attention.key_length_mla") or keys.number("attention.key_length")
    if key < rope:
        keys.refuse("rope.dimension_count", f"{rope:,}, more than the key's length of {key:,}")
    return Layers(
        kind="latent",
        count=1,
        heads=keys.number("attention.head_count"),
        key_dim=key,
        value_dim=keys.maybe("attention.value_length_mla") or keys.number("attention.value_length"),
        latent_dim=keys.number("attention.kv_lora_rank"),
        query_latent_dim=keys.maybe("attention.q_lora_rank"),
        nope_dim=key - rope,
        rope_dim=rope,
        index_dim=keys.maybe("attention.indexer.key_length"),
    )


def _heads(keys: _Keys, family: Family | None, index: int, kv_heads: int | None) -> Layers:
    heads = keys.number("attention.head_count", index)
    kind, window = _window(keys, family, index)
    usual = keys.number("embedding_length") // heads
    key = keys.maybe("attention.key_length") or usual
    value = keys.maybe("attention.value_length") or key
    if kind == "sliding":
        key = keys.maybe("attention.key_length_swa") or key
        value = keys.maybe("attention.value_length_swa") or value
    return Layers(
        kind=kind,
        count=1,
        heads=heads,
        kv_heads=kv_heads or heads,
        key_dim=key,
        value_dim=value,
        window_tokens=window,
    )


def _window(keys: _Keys, family: Family | None, index: int) -> tuple[Literal["full", "sliding", "chunked"], int | None]:
    chunk, every = (family.defaults.get(name) if family else None for name in _CHUNKS)
    if isinstance(chunk, int) and isinstance(every, int) and (index + 1) % every:
        return "chunked", chunk
    return ("sliding", keys.number("attention.sliding_window")) if _slides(keys, family, index) else ("full", None)


def _slides(keys: _Keys, family: Family | None, index: int) -> bool:
    if not keys.maybe("attention.sliding_window", least=0):
        return False
    key = f"{keys.architecture}.attention.sliding_window_pattern"
    pattern = keys.header.metadata.get(key)
    if isinstance(pattern, tuple):
        return bool(keys.maybe("attention.sliding_window_pattern", index, least=0))
    every = keys.maybe("attention.sliding_window_pattern", most=_MAX_LAYERS)
    if every is None and (family is None or family.window != "period"):
        return False
    return (index + 1) % (every or (family.full_every if family else None) or 1) != 0


def _experts(keys: _Keys) -> Experts | None:
    count = keys.maybe("expert_count", least=0)
    if not count:
        return None
    width = keys.maybe("expert_feed_forward_length") or keys.number("feed_forward_length")
    dense = keys.maybe("leading_dense_block_count", least=0, most=keys.depth) or 0
    every = keys.maybe("interleave_moe_layer_step", most=_MAX_LAYERS) or 1
    shared = keys.maybe("expert_shared_feed_forward_length", least=0)
    return Experts(
        count=count,
        active=keys.number("expert_used_count", most=count),
        layers=sum((i + 1) % every == 0 for i in range(dense, keys.depth)),
        intermediate_size=width,
        shared_intermediate_size=(keys.maybe("expert_shared_count", least=0) or 0) * width
        if shared is None
        else shared,
    )


def _active(parameters: int, weights: Weights, experts: Experts) -> int | None:
    idle = weights.expert_elements * (experts.count - experts.active) // experts.count
    return parameters - idle if weights.expert_elements else None
