"""Reads a config.json into a Model. All spellings end here; what it cannot know it says in notes.

Knows config.json, not weights: parameters are counted from its numbers. A field that is missing, of a wrong type or
beyond any bound is a BadFileError that names it; nothing is guessed.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from inference_arena.checkpoints import gemma
from inference_arena.checkpoints.decoder import decoder, dense_width, grouped
from inference_arena.checkpoints.fields import Fields
from inference_arena.checkpoints.kinds import layer_kinds
from inference_arena.checkpoints.mixture import mixture
from inference_arena.facts import Experts, Family, Model, families

_PLAIN: Final = "llama"
_MOST = 2**24
_CONTEXT = (
    "max_position_embeddings",
    "model_max_length",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_sequence_length",
)
_OUTER = ("thinker_config",)
_INNER = ("text_config", "llm_config", "language_config", "language_model_config")
_TOWERS: Final[tuple[tuple[str, Literal["image", "audio"]], ...]] = (
    ("vision_config", "image"),
    ("audio_config", "audio"),
    ("sound_config", "audio"),
)
# Each stands for attention whose cache no formula of ours describes
_UNKNOWN = ("compress_ratios", "sparse_attention_config", "block_configs")


def read_config(whole: Fields, *, name: str, source: str, checked: date) -> tuple[Model, tuple[str, ...]]:
    """The model that a config.json describes, and notes on what it leaves open. `source` says where the file is."""
    config = _text_part(whole)
    family = _family(config)
    _refuse_unknown(config)
    model = _model(whole, config.with_defaults(family.defaults), family)
    notes = _notes(whole, config, family)
    return Model.model_validate(
        dict(model) | {"name": name, "title": name, "source": source, "checked": checked}
    ), notes


def _refuse_unknown(config: Fields) -> None:
    for field in _UNKNOWN:
        if config.has(field):
            config.refuse(field, expected="attention of a known kind")
    # MiniMax: 1 is full attention; 0 is lightning attention, of whose state no formula is known here
    if 0 in (config.items("attn_type_list", kind=int) or ()):
        config.refuse("attn_type_list", expected="full attention in every layer")


def depth(whole: Fields) -> int:
    """How many layers, or blocks, the file's decoder has."""
    config = _text_part(whole)
    return len(layer_kinds(config, _family(config)))


def _text_part(whole: Fields) -> Fields:
    """The part that describes the language model: the file itself, or a section of it."""
    places = [part for outer in _OUTER if (part := whole.section(outer)) is not None]
    for place in (*places, whole):
        for inner in _INNER:
            found = place.section(inner)
            if found is not None:
                return found
    return whole


def _family(config: Fields) -> Family:
    """The family by model_type; an unknown one is read as a plain decoder, and a note will say so."""
    known = families()
    said = config.text("model_type") or "unknown"
    return known[said] if said in known else known[_PLAIN].model_copy(update={"name": said, "series": said})


def _model(whole: Fields, config: Fields, family: Family) -> Model:
    kinds = layer_kinds(config, family)
    mixed = mixture(config, family, kinds)
    layers = decoder(config, family, kinds, mixed)
    looked_up, mixing = gemma.embeddings(config, len(kinds))
    tied = _tied(whole, config, family)
    hidden, vocab = (
        config.integer("hidden_size", "n_embd", "d_model", most=_MOST),
        config.integer("vocab_size", most=2**26),
    )
    total = hidden * vocab * (1 if tied else 2) + hidden * (2 if family.norm_bias else 1) + looked_up + mixing
    total += sum(layer.parameters for layer in layers)
    idle = 0 if mixed is None else _idle(mixed.experts, mixed.parameters_of_one)
    return Model(
        name="unnamed",
        title="unnamed",
        family=family.series,
        architecture=next(iter(whole.items("architectures", kind=str) or ()), None),
        gguf_architecture=family.gguf_architecture if family.name in families() else None,
        hidden_size=hidden,
        intermediate_size=dense_width(config),
        vocab_size=vocab,
        layers=grouped(part for layer in layers for part in layer.parts),
        experts=None if mixed is None else mixed.experts,
        tied_embeddings=tied,
        parameters=total,
        active_parameters=total - idle if idle else None,
        layer_embedding_parameters=looked_up,
        context_tokens=config.integer(*_CONTEXT),
        modalities=("text", *_towers(whole)),
        source="",
        checked=date.min,
    )


def _idle(experts: Experts, parameters_of_one: int) -> int:
    """Parameters that one token does not pass."""
    return (experts.count - experts.active) * experts.layers * parameters_of_one


def _tied(whole: Fields, config: Fields, family: Family) -> bool:
    """The inner part's word, else the file's, else the family's."""
    for place in (config, whole):
        if isinstance(place.values.get("tie_word_embeddings"), bool):
            return place.flag("tie_word_embeddings")
    return family.tied_embeddings


def _towers(whole: Fields) -> Iterable[Literal["image", "audio"]]:
    places = [whole, *(part for outer in _OUTER if (part := whole.section(outer)) is not None)]
    return dict.fromkeys(word for key, word in _TOWERS for place in places if place.section(key) is not None)


def _notes(whole: Fields, config: Fields, family: Family) -> tuple[str, ...]:
    notes = []
    if family.name not in families():
        notes.append(f"model_type {family.name!r} is not known here: read as a plain decoder like Llama")
    if any(_towers(whole)):
        notes.append("parameters of the vision or audio towers are not counted: config.json alone does not give them")
    if config.first("num_nextn_predict_layers", "mtp_num_hidden_layers"):
        notes.append("layers that predict further tokens are not counted: engines load them only where asked to")
    return tuple(notes)
