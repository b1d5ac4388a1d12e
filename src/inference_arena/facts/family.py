"""Families of models: what is true of all their members and stands in no config.json. Knows no single model."""

from datetime import date
from typing import Literal

from pydantic import Field

from inference_arena.facts.fact import Fact


class Family(Fact):
    """What the classes behind one `model_type` have in common; a config.json leaves it out.

    Fields that a config.json may leave out come from `defaults`. `attention_bias`: on which projections the attention
    has biases; "field" is on all four where the config's attention_bias says so, "field-qkv" not on the output.
    `qk_norm`: over each head, or over all heads at once. `norms`: vectors of hidden_size in one layer. `window`: which
    layers slide where the config has a sliding_window and no layer_types: all of them, all but every `full_every`th,
    those from max_window_layers on. `state_beside`: every layer has attention and a Mamba state side by side.
    """

    name: str
    series: str
    gguf_architecture: str | None = None
    tied_embeddings: bool = False
    attention_bias: Literal["none", "qkv", "all", "field", "field-qkv"] = "field"
    qk_norm: Literal["none", "head", "all"] = "none"
    query_gate: bool = False
    state_beside: bool = False
    sinks: bool = False
    norms: int = 2
    norm_bias: bool = False
    gated: bool = True
    mlp_bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    window: Literal["never", "all", "period", "from"] = "never"
    full_every: int | None = None
    defaults: dict[str, int | float | bool | str] = Field(default_factory=dict)
    source: str
    checked: date
