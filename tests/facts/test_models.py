"""Cards of models, checkpoints and families: each number is there that its kind needs, and they agree."""

import pytest

from inference_arena import facts
from inference_arena.facts import Checkpoint, Layers, Model

MODELS = list(facts.models().values())
CHECKPOINTS = list(facts.checkpoints().values())

NEEDS = {
    "full": {"kv_heads", "key_dim", "value_dim"},
    "sliding": {"kv_heads", "key_dim", "value_dim", "window_tokens"},
    "chunked": {"kv_heads", "key_dim", "value_dim", "window_tokens"},
    "latent": {"key_dim", "value_dim", "latent_dim", "nope_dim", "rope_dim"},
    "linear": {"conv_elements", "state_elements"},
    "shared": set(),
}
GROUPED = {"awq", "gptq", "mxfp4", "nvfp4", "w4a16"}


def expert_size(model: Model) -> int:
    assert model.experts
    return model.experts.parameters or 3 * model.hidden_size * model.experts.intermediate_size


def counted(model: Model) -> int:
    """Parameters as far as the card's numbers give them: embeddings, projections and feed-forward parts.

    Norms, biases, routers and convolutions are left out, so this is a little less than the whole.
    """
    total = model.hidden_size * model.vocab_size * (1 if model.tied_embeddings else 2)
    total += model.layer_embedding_parameters + model.other_parameters
    total += sum(layers.count * attention(model, layers) for layers in model.layers)
    dense = model.layer_count
    if model.experts is not None:
        experts = model.experts
        shared = expert_size(model) * experts.shared_intermediate_size // experts.intermediate_size
        total += experts.layers * (experts.count * expert_size(model) + shared)
        dense = max(0, dense - experts.layers)
    return total + dense * 3 * model.hidden_size * (model.intermediate_size or 0)


def attention(model: Model, layers: Layers) -> int:
    hidden, heads, key, value = model.hidden_size, layers.heads, layers.key_dim or 0, layers.value_dim or 0
    if layers.kind == "latent":
        query = heads * key
        down = layers.query_latent_dim
        rank, rope = layers.latent_dim or 0, layers.rope_dim or 0
        keys = hidden * (rank + rope) + rank * heads * ((layers.nope_dim or 0) + value)
        return (hidden * query if down is None else down * (hidden + query)) + keys + heads * value * hidden
    if layers.kind == "shared":
        return 2 * hidden * heads * key
    kv = layers.kv_heads or 0
    return hidden * (heads * key + kv * (key + value)) + heads * value * hidden


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_layer_has_the_numbers_that_its_kind_needs(model):
    assert model.layers
    for layers in model.layers:
        missing = {name for name in NEEDS[layers.kind] if getattr(layers, name) is None}
        assert missing == set(), layers
        assert layers.count > 0 < layers.heads
        assert layers.kv_heads is None or layers.heads % layers.kv_heads == 0
        assert (layers.window_tokens is not None) == (layers.kind in ("sliding", "chunked"))
        assert layers.window_tokens is None or layers.window_tokens < model.context_tokens


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_parts_of_a_model_add_up(model):
    assert 0 < model.hidden_size < model.parameters
    assert model.other_parameters < 0.25 * model.parameters
    assert (model.active_parameters is None) == (model.experts is None)
    if model.experts is not None:
        idle = (model.experts.count - model.experts.active) * model.experts.layers * expert_size(model)
        text = model.parameters - model.other_parameters
        assert model.active_parameters == pytest.approx(text - idle, rel=0.001)
        assert model.experts.active < model.experts.count
        # Nemotron-H's blocks with experts are no layers with attention or state
        assert model.experts.layers <= model.layer_count or model.architecture == "NemotronHForCausalLM"


# Linear layers have projections that no cache size tells; dense parts of Gemma 4's small models differ in width
WITHOUT_LINEAR = [m for m in MODELS if all(layers.kind not in ("linear", "shared") for layers in m.layers)]


@pytest.mark.parametrize("model", WITHOUT_LINEAR, ids=lambda model: model.name)
def test_stated_parameters_follow_from_the_cards_own_numbers(model):
    assert counted(model) == pytest.approx(model.parameters, rel=0.01)


def test_what_stands_for_a_model_is_no_secret():
    for model in MODELS:
        assert model.architecture
        assert len(model.source) > 40
        assert len({score.test for score in model.scores}) == len(model.scores)
    names = {model.name for model in MODELS}
    assert {
        "mistral-7b-instruct-v0.2",
        "llama-2-13b-chat",
        "qwen2.5-32b-instruct",
        "qwen3-coder-30b-a3b-instruct",
    } <= names


def test_a_test_means_the_same_task_on_every_card():
    tasks: dict[str, set[str]] = {}
    for model in MODELS:
        for score in model.scores:
            tasks.setdefault(score.test, set()).add(score.task)
            assert score.value > 0
            assert "percent" not in score.test or score.value <= 100
    assert {test: found for test, found in tasks.items() if len(found) > 1} == {}


@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda checkpoint: checkpoint.name)
def test_a_checkpoint_says_how_its_weights_are_stored(checkpoint: Checkpoint):
    assert checkpoint.model in facts.models()
    assert (checkpoint.quantization == "none") == (checkpoint.quantized == "nothing")
    assert checkpoint.repository or checkpoint.file
    assert checkpoint.dtype or checkpoint.format == "gguf"
    assert checkpoint.bits is None or 1 <= checkpoint.bits <= 32
    assert checkpoint.group_size is None or checkpoint.quantization in GROUPED
    assert checkpoint.quantized != "experts" or facts.model(checkpoint.model).experts
    assert checkpoint.parts is None or checkpoint.parts.total_bytes == checkpoint.weight_bytes


def test_no_two_checkpoints_are_the_same_weights():
    stored = [(card.repository, card.quantization, card.format) for card in CHECKPOINTS]

    assert len(set(stored)) == len(stored)


def test_every_model_but_one_to_measure_with_has_weights_of_full_precision_or_its_publishers_own():
    with_weights = {card.model for card in CHECKPOINTS}

    assert with_weights == set(facts.models())


@pytest.mark.parametrize("family", facts.families().values(), ids=lambda family: family.name)
def test_a_family_says_how_often_it_looks_at_everything(family):
    assert (family.full_every is not None) == (family.window == "period")
    assert family.norms in (1, 2, 4)
    assert family.source
    assert family.name in facts.families()
