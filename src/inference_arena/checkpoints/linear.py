"""Layers that keep a state of fixed size instead of keys and values: sizes of the state, and parameters of a layer.

Formulas follow the classes in transformers 5.17.0: gated delta net (Qwen3-Next), Kimi delta attention, Mamba 1 and 2,
short convolutions (LFM2). The convolution keeps its kernel less one step.
"""

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Layers

_MOST = 2**20


def linear(config: Fields, kind: str) -> tuple[Layers, int]:
    """One layer of kind delta, kimi, mamba or conv, and its parameters."""
    if kind == "mamba":
        return _mamba(config)
    return {"delta": _delta, "kimi": _kimi, "conv": _conv}[kind](config)


def _delta(config: Fields) -> tuple[Layers, int]:
    hidden, heads = _hidden(config), config.integer("linear_num_value_heads", most=_MOST)
    value_dim, kernel = config.integer("linear_value_head_dim", most=_MOST), _kernel(config, "linear_conv_kernel_dim")
    key_dim = config.integer("linear_key_head_dim", most=_MOST)
    keys, values = config.integer("linear_num_key_heads", most=_MOST) * key_dim, heads * value_dim
    conv = 2 * keys + values
    parameters = hidden * (conv + values + 2 * heads) + conv * kernel + 2 * heads + value_dim + values * hidden
    layers = _state(config, heads=heads, conv=conv * (kernel - 1), state=heads * key_dim * value_dim)
    return layers, parameters


def _kimi(config: Fields) -> tuple[Layers, int]:
    part = config.section("linear_attn_config") or config
    hidden, heads, dim = _hidden(config), part.integer("num_heads", most=_MOST), part.integer("head_dim", most=_MOST)
    kernel, width = _kernel(part, "short_conv_kernel_size"), heads * dim
    gates = 2 * (hidden * dim + dim * width) + hidden * heads
    parameters = 4 * hidden * width + gates + 3 * width * kernel + heads + width + dim
    return _state(config, heads=heads, conv=3 * width * (kernel - 1), state=width * dim), parameters


def _mamba(config: Fields) -> tuple[Layers, int]:
    """Mamba 2 where there are heads, else Mamba 1."""
    heads = config.maybe("mamba_num_heads", "mamba_n_heads", "n_mamba_heads", most=_MOST)
    return _mamba1(config) if heads is None else _mamba2(config, heads)


def _mamba1(config: Fields) -> tuple[Layers, int]:
    hidden, state = _hidden(config), config.integer("mamba_d_state", "state_size", most=_MOST)
    inner = config.integer("mamba_expand", "expand", most=1024) * hidden
    kernel, rank = _kernel(config, "mamba_d_conv", "conv_kernel"), _rank(config, hidden)
    conv = inner * kernel + (inner if config.flag("mamba_conv_bias", default=True) else 0)
    inside = inner * (rank + 2 * state) + rank * inner + inner + inner * state + inner
    norms = rank + 2 * state if config.has("mamba_dt_rank") else 0
    layers = _state(config, heads=1, conv=inner * (kernel - 1), state=inner * state)
    return layers, 3 * hidden * inner + conv + inside + norms


def _rank(config: Fields, hidden: int) -> int:
    name = config.first("mamba_dt_rank", "time_step_rank")
    if name is None or config.values.get(name) == "auto":
        return -(-hidden // 16)
    return config.integer(name, most=_MOST)


def _mamba2(config: Fields, heads: int) -> tuple[Layers, int]:
    hidden, dim = _hidden(config), config.integer("mamba_head_dim", "mamba_d_head", "mamba_headdim", most=_MOST)
    groups = config.integer("n_groups", "mamba_n_groups", "mamba_ngroups", most=_MOST)
    state, kernel = (
        config.integer("ssm_state_size", "mamba_d_state", most=_MOST),
        _kernel(config, "conv_kernel", "mamba_d_conv"),
    )
    inner = heads * dim
    conv = inner + 2 * groups * state
    bias = conv if config.flag("use_conv_bias", default=True) and config.flag("mamba_conv_bias", default=True) else 0
    norm = inner if config.flag("mamba_rms_norm", default=True) else 0
    parameters = hidden * (inner + conv + heads) + conv * kernel + bias + 3 * heads + norm + inner * hidden
    return _state(config, heads=heads, conv=conv * (kernel - 1), state=inner * state), parameters


def _conv(config: Fields) -> tuple[Layers, int]:
    hidden, kernel = _hidden(config), _kernel(config, "conv_L_cache")
    return _state(config, heads=1, conv=hidden * (kernel - 1), state=0), 4 * hidden * hidden + hidden * kernel


def _state(config: Fields, *, heads: int, conv: int, state: int) -> Layers:
    said = config.text("mamba_ssm_cache_dtype", "mamba_ssm_dtype")
    state_type = said if said in ("float32", "float16", "bfloat16") else None
    return Layers(
        kind="linear",
        count=1,
        heads=heads,
        conv_elements=conv,
        state_elements=state,
        state_type=state_type,  # type: ignore[arg-type] # one of the three, or unknown
    )


def _kernel(config: Fields, *names: str) -> int:
    return config.integer(*names, most=1024)


def _hidden(config: Fields) -> int:
    return config.integer("hidden_size", most=_MOST)
