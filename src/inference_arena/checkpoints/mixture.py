"""The mixture of experts as a config.json has it: how many, how wide, in which layers. Knows every spelling of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Experts, Family

_MOST_EXPERTS = 65_536
_MOST_WIDTH = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """`experts` as the model's card has them, and what else one layer with experts holds."""

    experts: Experts
    in_layer: tuple[bool, ...]
    parameters_of_one: int
    beside: int  # parameters of router, shared experts and gates of one layer


def mixture(config: Fields, family: Family, kinds: Sequence[str]) -> Mixture | None:
    """None for a dense model."""
    count = config.maybe(
        "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", least=0, most=_MOST_EXPERTS
    )
    if (
        not count
        or (count == 1 and not config.has("moe_intermediate_size"))
        or config.flag("enable_moe_block", default=True) is False
    ):
        return None
    in_layer = _in_layer(config, kinds)
    width = config.integer("moe_intermediate_size", "intermediate_size", most=_MOST_WIDTH)
    shared, inner = (
        _shared_width(config, width),
        config.maybe("moe_latent_size", "routed_expert_hidden_size", most=_MOST_WIDTH),
    )
    hidden, matrices = config.integer("hidden_size"), 3 if family.gated else 2
    one = matrices * (inner or hidden) * width
    biases = (matrices - 1) * width + hidden if family.mlp_bias else 0
    beside = hidden * count + (count if family.router_bias else 0) + matrices * hidden * shared
    beside += (hidden if family.shared_gate and shared else 0) + 2 * hidden * (inner or 0)
    beside += (4 * hidden + count) if config.has("top_k_experts") else 0  # Gemma 4: three norms and two scales more
    experts = Experts(
        count=count,
        active=_active(config, count),
        layers=sum(in_layer),
        intermediate_size=width,
        shared_intermediate_size=shared,
        parameters=None if one + biases == 3 * hidden * width else one + biases,
    )
    return Mixture(experts=experts, in_layer=in_layer, parameters_of_one=one + biases, beside=beside)


def _active(config: Fields, count: int) -> int:
    names = ("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_k", "moe_topk", "experts_per_token")
    return config.integer(*names, most=count)


def _shared_width(config: Fields, width: int) -> int:
    """The shared experts' width, all together; 0 without any."""
    said = (
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    )
    name = config.first(*said)
    if name is not None:
        return config.maybe(name, least=0, most=_MOST_WIDTH) or 0
    if config.has("intermediate_size_mlp"):
        return width  # Llama 4 has one shared expert in each such layer
    if config.has("top_k_experts"):
        return (
            config.maybe("intermediate_size", most=_MOST_WIDTH) or 0
        )  # Gemma 4 keeps its dense part beside the experts
    number = config.maybe(
        "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts", least=0, most=1024
    )
    return (number or 0) * width


def _in_layer(config: Fields, kinds: Sequence[str]) -> tuple[bool, ...]:
    """Whether each layer has experts."""
    layers = range(len(kinds))
    if "experts" in kinds:
        return tuple(kind == "experts" for kind in kinds)
    if config.first("moe_layers"):
        chosen = set(config.items("moe_layers", kind=int) or ())
        return tuple(i in chosen for i in layers)
    if isinstance(config.values.get("moe_layer_freq"), list):
        return config.flags("moe_layer_freq", count=len(kinds))
    if config.first("expert_layer_period"):
        period, offset = config.integer("expert_layer_period"), config.maybe("expert_layer_offset", least=0) or 0
        return tuple(i % period == offset for i in layers)
    if config.first("moe_layer_interval"):
        return _between(config, layers)
    return _after(config, layers)


def _between(config: Fields, layers: range) -> tuple[bool, ...]:
    first, last = config.maybe("moe_layer_start_index", least=0) or 0, config.maybe("moe_layer_end_index", least=-1)
    end = len(layers) if last in (None, -1) else last + 1
    every = config.integer("moe_layer_interval")
    return tuple(first <= i < end and (i + 1) % every == 0 for i in layers)


def _after(config: Fields, layers: range) -> tuple[bool, ...]:
    """All from a first one on, or every so many, less those that are named as dense."""
    first = config.maybe("first_k_dense_replace", "num_dense_layers", least=0) or 0
    every = config.maybe("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_freq") or 1
    dense = set(config.items("mlp_only_layers", kind=int) or ())
    # DeepSeek counts its frequency from layer 0, Qwen and Llama from 1; with a step of 1 both are the same
    shift = 0 if config.has("moe_layer_freq") else 1
    return tuple(i >= first and (i + shift) % every == 0 and i not in dense for i in layers)
