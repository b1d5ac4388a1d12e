"""Puts the parts that a rule found into terms with a sentence each. Knows words, no rule."""

from collections.abc import Mapping

from inference_arena.plan.budget import Parts, Term, TermName
from inference_arena.plan.question import Question


def terms(asked: Question, part: Parts, *, says: Mapping[TermName, str]) -> tuple[Term, ...]:
    """All terms in order; `says` has the sentences that differ from rule to rule, others are the same for all."""
    stored = asked.checkpoint.quantization if asked.checkpoint.quantized != "nothing" else "not quantized"
    said = {
        "weights": f"the model's numbers on the card after load ({stored})",
        "activations": f"a step of {asked.prefill_tokens:,} tokens, or sampling for {asked.parallel:,} at once",
        "graphs": "decoding steps recorded for replay" if part.graphs else "no steps are recorded for replay",
        "context": f"the driver's own part and loaded kernels, as measured on {asked.overhead.measured_on}",
        "reserve": "the engine's own buffers, which it counts nowhere",
        "free": "left to nobody",
        **says,
    }
    free = asked.target.memory_bytes - part.used
    sizes: tuple[tuple[TermName, int, str], ...] = (
        ("weights", part.weights, "weights-resident"),
        ("kv_cache", max(0, part.kv_cache), asked.era.memory_rule),
        ("activations", part.activations, "activation-peak"),
        ("graphs", part.graphs, "cuda-graphs"),
        ("context", part.context + part.loaded, "measured-overhead"),
        ("reserve", part.reserve, "measured-overhead"),
        ("free", free, "remainder"),
    )
    # a catalogue makes thousands of these from numbers of our own, and checking each would take half the time
    make = Term.model_construct
    return tuple(make(name=name, bytes=size, formula=rule, explained=said[name]) for name, size, rule in sizes)
