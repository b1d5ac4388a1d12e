"""Attention with keys and values, and latent attention, as a config.json has them: sizes, and parameters of a layer.

Formulas follow the projections of the classes in transformers 5.17.0 (q, k, v, o; down and up for latent ones).
"""

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Family, Layers

_MOST_HEADS = 65_536
_MOST_DIM = 2**20


def attention(config: Fields, family: Family, kind: str) -> tuple[Layers, int]:
    """One layer of full, sliding or chunked attention (latent where the file has ranks), and its parameters."""
    if config.has("kv_lora_rank"):
        return _latent(config)
    layers = _heads(config, kind)
    return layers, _parameters(config, family, layers)


def _heads(config: Fields, kind: str) -> Layers:
    """Sizes of one layer; MiMo and Gemma 4 have others in sliding than in full ones."""
    heads = _heads_of(config, "num_attention_heads", "n_head", "n_heads")
    kv_heads = config.maybe("num_key_value_heads", "num_kv_heads", "n_head_kv", most=_MOST_HEADS) or heads
    if config.flag("multi_query") and not config.flag("new_decoder_architecture"):
        kv_heads = 1
    key_dim = config.maybe("head_dim", "attention_head_dim", most=_MOST_DIM) or _hidden(config) // heads
    value_dim = config.maybe("v_head_dim", most=_MOST_DIM) or key_dim
    if kind == "sliding" and config.has("swa_num_attention_heads"):
        heads = _heads_of(config, "swa_num_attention_heads")
        kv_heads = config.maybe("swa_num_key_value_heads", most=_MOST_HEADS) or kv_heads
        key_dim = config.maybe("swa_head_dim", most=_MOST_DIM) or key_dim
        value_dim = config.maybe("swa_v_head_dim", most=_MOST_DIM) or value_dim
    if kind == "full" and config.has("global_head_dim"):
        key_dim = value_dim = config.integer("global_head_dim", most=_MOST_DIM)
        kv_heads = config.maybe("num_global_key_value_heads", most=_MOST_HEADS) or kv_heads
    if not heads or heads % kv_heads:
        config.refuse("num_key_value_heads", expected=f"a divisor of the {heads:,} attention heads")
    return Layers(
        kind="full" if kind == "hybrid" else kind,  # type: ignore[arg-type] # kinds.py gives no other
        count=1,
        heads=heads,
        kv_heads=kv_heads,
        key_dim=key_dim,
        value_dim=value_dim,
        window_tokens=_window(config, kind),
    )


def _window(config: Fields, kind: str) -> int | None:
    if kind == "sliding":
        return config.integer("sliding_window")
    return config.integer("attention_chunk_size") if kind == "chunked" else None


def _parameters(config: Fields, family: Family, layers: Layers) -> int:
    hidden, heads = _hidden(config), layers.heads
    kv_heads, key_dim, value_dim = layers.kv_heads or 0, layers.key_dim or 0, layers.value_dim or 0
    query, key, value = heads * key_dim * (2 if family.query_gate else 1), kv_heads * key_dim, kv_heads * value_dim
    same = layers.kind == "full" and config.flag("attention_k_eq_v") and config.has("global_head_dim")
    weights = hidden * (query + key + (0 if same else value)) + heads * value_dim * hidden
    norms = {"none": 0, "head": 2 * key_dim, "all": (heads + kv_heads) * key_dim}
    normed = norms[family.qk_norm] if config.flag("use_qk_norm", default=True) else 0
    return weights + normed + _biases(config, family, qkv=query + key + value) + (heads if family.sinks else 0)


def _biases(config: Fields, family: Family, *, qkv: int) -> int:
    where: str = family.attention_bias
    if where.startswith("field"):
        asked = {"field": "all", "field-qkv": "qkv"}[where]
        where = asked if config.flag("attention_bias") else "none"
    return {"none": 0, "qkv": qkv, "all": qkv + _hidden(config)}[where]


def _latent(config: Fields) -> tuple[Layers, int]:
    """Multi-head latent attention, with the indexer of DeepSeek V3.2 where there is one."""
    heads, rank = _heads_of(config, "num_attention_heads"), config.integer("kv_lora_rank", most=_MOST_DIM)
    nope = config.integer("qk_nope_head_dim", least=0, most=_MOST_DIM)
    rope = config.integer("qk_rope_head_dim", least=0, most=_MOST_DIM)
    value, query_rank = config.integer("v_head_dim", most=_MOST_DIM), config.maybe("q_lora_rank", most=_MOST_DIM)
    layers = Layers(
        kind="latent",
        count=1,
        heads=heads,
        key_dim=nope + rope,
        value_dim=value,
        latent_dim=rank,
        query_latent_dim=query_rank,
        nope_dim=nope,
        rope_dim=rope,
        index_dim=config.maybe("index_head_dim", most=_MOST_DIM),
    )
    return layers, _latent_parameters(config, layers)


def _latent_parameters(config: Fields, layers: Layers) -> int:
    hidden, heads, rank = _hidden(config), layers.heads, layers.latent_dim or 0
    query, rope = heads * (layers.key_dim or 0), layers.rope_dim or 0
    down = layers.query_latent_dim
    queries = hidden * query if down is None else hidden * down + down + down * query
    keys = hidden * (rank + rope) + rank + rank * heads * ((layers.nope_dim or 0) + (layers.value_dim or 0))
    return queries + keys + heads * (layers.value_dim or 0) * hidden + _indexer(config, layers)


def _indexer(config: Fields, layers: Layers) -> int:
    if layers.index_dim is None:
        return 0
    heads, dim = _heads_of(config, "index_n_heads"), layers.index_dim
    return (layers.query_latent_dim or 0) * heads * dim + _hidden(config) * (dim + heads) + 2 * dim


def _heads_of(config: Fields, *names: str) -> int:
    return config.integer(*names, most=_MOST_HEADS)


def _hidden(config: Fields) -> int:
    return config.integer("hidden_size", "n_embd", "d_model", most=_MOST_DIM)
