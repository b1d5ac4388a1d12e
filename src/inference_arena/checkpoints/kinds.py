"""Which layer of a config.json is of which kind: one word a layer, whatever the file's way of saying it."""

from typing import Final

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Family

MAX_LAYERS: Final = 4096

# Words of `layer_types` and `layers_block_type`, and the letters of Nemotron-H's pattern
_WORDS: Final = {
    "full_attention": "full",
    "attention": "full",
    "global": "full",
    "sliding_attention": "sliding",
    "local": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "delta",
    "mamba": "mamba",
    "hybrid": "hybrid",
    "conv": "conv",
    "mlp": "forward",
    "moe": "experts",
    "deepseek_sparse_attention": "full",
}
_LETTERS: Final = {"M": "mamba", "*": "full", "-": "forward", "E": "experts"}


def layer_kinds(config: Fields, family: Family) -> tuple[str, ...]:
    """One of full, sliding, chunked, delta, mamba, hybrid, conv, forward, experts for each layer in order."""
    pattern = config.text("hybrid_override_pattern")
    if pattern is not None:
        return tuple(_word(config, "hybrid_override_pattern", letter, _LETTERS) for letter in pattern)
    listed = config.first("layer_types", "layers_block_type", "block_types")
    if listed is not None:
        return _listed(config, listed)
    return _by_rule(config, family, config.integer("num_hidden_layers", "n_layer", "n_layers", most=MAX_LAYERS))


def _listed(config: Fields, name: str) -> tuple[str, ...]:
    words = config.items(name, kind=str, most=MAX_LAYERS) or ()
    count = config.maybe("num_hidden_layers", most=MAX_LAYERS) or max(len(words), 1)
    if len(words) < count:
        config.refuse(name, expected=f"one word for each of {count:,} layers")
    kinds = [_word(config, name, word, _WORDS) for word in words[:count]]
    # A window of null switches sliding off, whatever the list says
    slides = config.has("sliding_window")
    return tuple("full" if kind == "sliding" and not slides else kind for kind in kinds)


def _by_rule(config: Fields, family: Family, count: int) -> tuple[str, ...]:
    """The rules of families whose files hold no list."""
    layers = range(count)
    if config.first("linear_attn_config"):
        return _kimi(config, count)
    if config.first("hybrid_layer_pattern"):
        flags = config.flags("hybrid_layer_pattern", count=count)
        return tuple("sliding" if flag else "full" for flag in flags)
    if config.first("full_attention_interval"):
        every = config.integer("full_attention_interval", most=MAX_LAYERS)
        return tuple("full" if (i + 1) % every == 0 else "delta" for i in layers)
    if config.first("attn_layer_period"):
        period, offset = (
            config.integer("attn_layer_period", most=MAX_LAYERS),
            config.maybe("attn_layer_offset", least=0),
        )
        return tuple("full" if i % period == (offset or 0) else "mamba" for i in layers)
    if config.first("attn_layer_indices"):
        chosen = set(config.items("attn_layer_indices", kind=int) or ())
        return tuple("full" if i in chosen else "mamba" for i in layers)
    if family.state_beside:
        return ("hybrid",) * count
    if config.first("attention_chunk_size") and config.first("no_rope_layer_interval", "no_rope_layers"):
        return _llama4(config, count)
    return _windows(config, family, count)


def _kimi(config: Fields, count: int) -> tuple[str, ...]:
    """Kimi Linear numbers its layers from 1."""
    part = config.section("linear_attn_config")
    full = set((part.items("full_attn_layers", kind=int) if part else None) or ())
    return tuple("full" if i + 1 in full else "kimi" for i in range(count))


def _llama4(config: Fields, count: int) -> tuple[str, ...]:
    # 1 stands for a layer with positions, which is chunked
    if config.items("no_rope_layers", kind=int):
        return tuple("chunked" if rope else "full" for rope in config.flags("no_rope_layers", count=count))
    every = config.maybe("no_rope_layer_interval", most=MAX_LAYERS) or 4
    return tuple("chunked" if (i + 1) % every else "full" for i in range(count))


def _windows(config: Fields, family: Family, count: int) -> tuple[str, ...]:
    slides = config.has("sliding_window") and config.flag("use_sliding_window", default=True)
    if not slides or family.window == "never":
        return ("full",) * count
    if family.window == "all":
        return ("sliding",) * count
    if family.window == "from":
        first = config.maybe("max_window_layers", least=0) or 0
        return tuple("sliding" if i >= first else "full" for i in range(count))
    every = config.maybe("sliding_window_pattern", "_sliding_window_pattern", most=MAX_LAYERS) or family.full_every or 1
    return tuple("sliding" if (i + 1) % every else "full" for i in range(count))


def _word(config: Fields, name: str, word: str, words: dict[str, str]) -> str:
    if word not in words:
        config.refuse(name, expected=f"words of {', '.join(sorted(words))}, not {word[:40]!r},")
    return words[word]
