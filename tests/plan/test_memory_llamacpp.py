"""llama.cpp's buffers as it printed them itself (b11549, processor backend) for models of many shapes."""

from dataclasses import dataclass

import pytest

from cast import TODAY, checkpoint_of, model_of
from inference_arena import units
from inference_arena.facts import Defaults, Era, Experts, Layers, Overhead
from inference_arena.plan import Settings, question
from inference_arena.plan.memory_llamacpp import cache_bytes, compute_bytes

ERA = Era(
    first="b1",
    memory_rule="llamacpp-buffers",
    defaults=(Defaults(from_memory_bytes=0, prefill_tokens=512, parallel=1),),
    source="this test",
    checked=TODAY,
)
NOTHING = Overhead(
    name="nothing",
    context_bytes=0,
    non_torch_bytes=0,
    spread=0.0,
    measured_on="nothing",
    measured_with="nothing",
    source="this test",
    checked=TODAY,
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A model given to llama.cpp with zeroes for weights, and the sizes that it printed for it."""

    layers: int
    hidden: int
    wide: int
    heads: int
    kv_heads: int
    dim: int
    experts: Experts | None = None

    def asked(self, target, *, context, slots, batch):
        kind = Layers(
            kind="full",
            count=self.layers,
            heads=self.heads,
            kv_heads=self.kv_heads,
            key_dim=self.dim,
            value_dim=self.dim,
        )
        model = model_of(kind, hidden=self.hidden).model_copy(
            update={"intermediate_size": self.wide, "experts": self.experts}
        )
        settings = Settings(context_tokens=context, parallel=slots, prefill_tokens=batch)
        return question(
            model=model,
            checkpoint=checkpoint_of(model, format="gguf"),
            target=target,
            settings=settings,
            era=ERA,
            overhead=NOTHING,
        )


SMOLLM2 = Shape(layers=30, hidden=576, wide=1536, heads=9, kv_heads=3, dim=64)
DENSE = Shape(layers=4, hidden=1024, wide=2816, heads=16, kv_heads=4, dim=64)
WIDE = Shape(layers=2, hidden=2048, wide=8192, heads=32, kv_heads=8, dim=64)
ATTENTIVE = Shape(layers=2, hidden=2048, wide=2048, heads=32, kv_heads=8, dim=128)
ALL_HEADS = Shape(layers=2, hidden=2560, wide=6912, heads=32, kv_heads=32, dim=80)
MANY_HEADS = Shape(layers=2, hidden=1024, wide=256, heads=48, kv_heads=4, dim=128)
MIXED = Shape(
    layers=2,
    hidden=1024,
    wide=0,
    heads=16,
    kv_heads=4,
    dim=64,
    experts=Experts(count=16, active=4, layers=2, intermediate_size=384),
)


@pytest.mark.parametrize(
    ("shape", "flags", "mib"),
    [
        (SMOLLM2, (1024, 4, 512), 15.64),
        (SMOLLM2, (4096, 1, 512), 18.64),
        (SMOLLM2, (8192, 1, 512), 22.64),
        (SMOLLM2, (2048, 4, 256), 8.32),
        (SMOLLM2, (2048, 8, 512), 16.64),
        (SMOLLM2, (1024, 4, 2048), 62.57),
        (DENSE, (4096, 1, 512), 30.52),
        (DENSE, (4096, 2, 256), 15.26),
        (WIDE, (4096, 1, 512), 72.02),
        (ATTENTIVE, (4096, 1, 512), 40.02),
        (ALL_HEADS, (4096, 1, 512), 69.52),
        (MANY_HEADS, (4096, 1, 512), 38.02),
        (MIXED, (4096, 1, 512), 31.02),
        (MIXED, (4096, 2, 256), 15.51),
    ],
)
def test_the_compute_buffer_is_as_large_as_llama_cpp_prints(laptop_8gb, shape, flags, mib):
    context, slots, batch = flags
    asked = shape.asked(laptop_8gb, context=context, slots=slots, batch=batch)

    assert compute_bytes(asked) / units.MIB == pytest.approx(mib, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "context", "slots", "mib"),
    [
        (SMOLLM2, 1024, 4, 90.0),
        (SMOLLM2, 4096, 1, 90.0),
        (SMOLLM2, 2048, 8, 360.0),
        (DENSE, 4096, 2, 32.0),
        (ALL_HEADS, 4096, 2, 160.0),
    ],
)
def test_the_cache_is_as_large_as_llama_cpp_prints(laptop_8gb, shape, context, slots, mib):
    asked = shape.asked(laptop_8gb, context=context, slots=slots, batch=512)

    assert cache_bytes(asked, slots=slots, context_tokens=context) / units.MIB == mib


def test_a_context_is_rounded_up_to_whole_cells(laptop_8gb):
    asked = SMOLLM2.asked(laptop_8gb, context=1000, slots=1, batch=512)

    assert cache_bytes(asked, slots=1, context_tokens=1000) == cache_bytes(asked, slots=1, context_tokens=1024)
