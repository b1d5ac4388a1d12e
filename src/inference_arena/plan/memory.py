"""The door to memory planning: one function a budget rule, and each engine's card names the rule of its releases."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from inference_arena.facts import MemoryRule
from inference_arena.plan.budget import MemoryBudget
from inference_arena.plan.memory_llamacpp import llamacpp_budget
from inference_arena.plan.memory_sglang import sglang_budget
from inference_arena.plan.memory_vllm import vllm_budget
from inference_arena.plan.question import Question

RULES: Final[Mapping[MemoryRule, Callable[[Question], MemoryBudget]]] = MappingProxyType(
    {
        "vllm-profiled": vllm_budget,
        "vllm-profiled-graphs": vllm_budget,
        "sglang-static": sglang_budget,
        "llamacpp-buffers": llamacpp_budget,
    }
)


def memory(asked: Question) -> MemoryBudget:
    """The memory of one card, term by term, by the rule of the engine's release."""
    return RULES[asked.era.memory_rule](asked)
