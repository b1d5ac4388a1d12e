"""What Gemma 3n and Gemma 4 have beside a usual decoder: embeddings in every layer, shared keys, mixed streams.

Formulas follow the classes in transformers 5.17.0.
"""

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Layers

_MOST = 2**26


def without_keys(config: Fields, layers: Layers, parameters: int) -> int:
    """Parameters of attention that reads another layer's keys and values, and has no projections for its own."""
    hidden, kv_heads = config.integer("hidden_size"), layers.kv_heads or 0
    key_dim, value_dim = layers.key_dim or 0, layers.value_dim or 0
    return parameters - hidden * kv_heads * (key_dim + value_dim) - key_dim


def layer_extra(config: Fields) -> int:
    """Parameters in one layer beside attention, feed-forward part and norms."""
    hidden, small = config.integer("hidden_size", "n_embd", "d_model"), _small(config)
    per_layer = 2 * hidden * small + hidden if small else 0
    streams, rank = config.maybe("altup_num_inputs", most=64), config.maybe("laurel_rank", most=_MOST)
    if streams is None or rank is None:
        return per_layer
    mixing = streams**2 + streams**3 + hidden * streams + 2 * hidden
    return per_layer + mixing + 2 * hidden * rank + hidden


def embeddings(config: Fields, layers: int) -> tuple[int, int]:
    """Parameters of the embeddings that each layer looks up, and of what mixes them into the stream."""
    small, hidden = _small(config), config.integer("hidden_size", "n_embd", "d_model")
    if not small:
        return 0, 0
    streams = config.maybe("altup_num_inputs", most=64) or 1
    looked_up = config.integer("vocab_size_per_layer_input", most=_MOST) * layers * small
    return looked_up, hidden * layers * small + small + 2 * (streams - 1) * hidden * hidden


def _small(config: Fields) -> int:
    return config.maybe("hidden_size_per_layer_input", least=0, most=_MOST) or 0
