"""One decoder layer of a config.json after the other: what it keeps of the past, and how many parameters it has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inference_arena.checkpoints import gemma
from inference_arena.checkpoints.attention import attention
from inference_arena.checkpoints.fields import Fields
from inference_arena.checkpoints.linear import linear
from inference_arena.checkpoints.mixture import Mixture
from inference_arena.facts import Family, Layers

_MOST_WIDTH = 2**24
_BLOCKS = frozenset({"forward", "experts"})
_ATTENTION = frozenset({"full", "sliding", "chunked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Its attention or state (two entries where both stand side by side), and all its parameters."""

    parts: tuple[Layers, ...]
    parameters: int


def decoder(config: Fields, family: Family, kinds: Sequence[str], mixed: Mixture | None) -> tuple[Layer, ...]:
    """Every layer in order. Layers of one kind cost one reading, so that thousands cost nothing."""
    read: dict[tuple[str, bool, bool], Layer] = {}
    shared_from = len(kinds) - (config.maybe("num_kv_shared_layers", least=0, most=len(kinds)) or 0)
    layers = []
    for index, kind in enumerate(kinds):
        key = (kind, mixed is not None and mixed.in_layer[index], index >= shared_from)
        if key not in read:
            read[key] = _layer(config, family, key, mixed=mixed, blocks=not _BLOCKS.isdisjoint(kinds))
        layers.append(read[key])
    return tuple(layers)


def grouped(parts: Iterable[Layers]) -> tuple[Layers, ...]:
    """Equal layers as one entry with their count, in the order in which each is met first."""
    counts: dict[Layers, int] = {}
    for part in parts:
        counts[part] = counts.get(part, 0) + 1
    return tuple(part.model_copy(update={"count": count}) for part, count in counts.items())


def dense_width(config: Fields) -> int | None:
    """Width of the dense feed-forward part; None where the file names none."""
    if isinstance(config.values.get("intermediate_size"), list):
        return _one_width(config)
    if config.has("shared_intermediate_size") and not config.maybe("num_local_experts", least=0):
        return config.integer("shared_intermediate_size", most=_MOST_WIDTH)  # Granite 4 without experts
    names = ("intermediate_size_mlp", "dense_intermediate_size", "intermediate_size", "ffn_hidden_size", "n_inner")
    width = config.maybe(*names, most=_MOST_WIDTH)
    return _adjusted(config, width) if width and config.flag("block_auto_adjust_ff_dim") else width


def _one_width(config: Fields) -> int:
    widths = set(config.items("intermediate_size", kind=int) or ())
    if len(widths) != 1 or not 0 < min(widths) <= _MOST_WIDTH:
        config.refuse("intermediate_size", expected="one width for all layers")
    width: int = widths.pop()
    return width


def _adjusted(config: Fields, width: int) -> int:
    """LFM2 gives its width before two thirds are taken of it and the result is rounded up."""
    multiple = config.maybe("block_multiple_of", most=_MOST_WIDTH) or 256
    return -(-int(2 * width / 3 * (config.number("block_ffn_dim_multiplier") or 1.0)) // multiple) * multiple


def _layer(
    config: Fields, family: Family, key: tuple[str, bool, bool], *, mixed: Mixture | None, blocks: bool
) -> Layer:
    """In files of blocks (Nemotron-H) a layer is either attention, a state or feed-forward, each with one norm."""
    kind, with_experts, shares = key
    parts, parameters = _past(config, family, kind, shares=shares)
    norm = config.integer("hidden_size", "n_embd", "d_model") * (2 if family.norm_bias else 1)
    if kind in _BLOCKS or not blocks:
        parameters += _forward(config, family, mixed if with_experts else None, doubled=shares)
    extra = gemma.layer_extra(config)
    return Layer(parts=parts, parameters=parameters + norm * (1 if blocks else family.norms) + extra)


def _past(config: Fields, family: Family, kind: str, *, shares: bool) -> tuple[tuple[Layers, ...], int]:
    if kind in _BLOCKS:
        return (), 0
    if kind == "hybrid":
        (heads, first), (state, second) = attention(config, family, "full"), linear(config, "mamba")
        return (heads, state.model_copy(update={"parallel": True})), first + second
    if kind not in _ATTENTION:
        state, parameters = linear(config, kind)
        return (state,), parameters
    layers, parameters = attention(config, family, kind)
    if not shares:
        return (layers,), parameters
    own = gemma.without_keys(config, layers, parameters)
    return (Layers(kind="shared", count=1, heads=layers.heads, key_dim=layers.key_dim),), own


def _forward(config: Fields, family: Family, mixed: Mixture | None, *, doubled: bool) -> int:
    """Parameters of the feed-forward part of one layer."""
    hidden = config.integer("hidden_size", "n_embd", "d_model")
    if mixed is not None:
        return mixed.experts.count * mixed.parameters_of_one + mixed.beside
    width = dense_width(config)
    if width is None:
        config.refuse("intermediate_size", expected="the width of the feed-forward part")
    if doubled and config.flag("use_double_wide_mlp"):
        width *= 2
    matrices = 3 if family.gated else 2
    biases = (matrices - 1) * width + hidden if family.mlp_bias or config.flag("mlp_bias") else 0
    return matrices * hidden * width + biases
