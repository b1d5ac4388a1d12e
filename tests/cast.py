"""The cast of the planner's tests: builders of cards, models and checkpoints with known numbers."""

from datetime import date

from inference_arena import units
from inference_arena.facts import Checkpoint, Layers, Model
from inference_arena.plan import Target

TODAY = date(2026, 11, 24)


def card(title: str, *, gib: float, sold: int, capability: str, bandwidth: float, flops: float) -> Target:
    memory_bytes = int(gib * units.GIB)
    return Target(
        title=title,
        gpu=None,
        vendor="nvidia",
        count=1,
        memory_bytes=memory_bytes,
        sold_bytes=sold * units.GIB,
        free_bytes=memory_bytes,
        memory_assumed=False,
        unified=False,
        compute_capability=capability,
        bandwidth_bytes_per_s=bandwidth,
        fp16_flops=flops,
        bf16=True,
    )


def model_of(*layers: Layers, hidden: int = 4096, vocab: int = 32_000, parameters: int = 7_000_000_000) -> Model:
    return Model(
        name="made-up",
        title="Made up",
        family="made-up",
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        vocab_size=vocab,
        layers=layers,
        tied_embeddings=False,
        parameters=parameters,
        context_tokens=131_072,
        source="this test",
        checked=TODAY,
    )


def checkpoint_of(model: Model, **fields: object) -> Checkpoint:
    plain = {"quantization": "none", "quantized": "nothing", "dtype": "bfloat16", "format": "safetensors"}
    known = {"name": "made-up", "title": "Made up", "model": model.name, "source": "this test", "checked": TODAY}
    return Checkpoint(**{**known, **plain, **fields})
