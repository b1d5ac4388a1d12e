"""What people want a model for: the task whose published scores rank models, and the workload of the plans."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from inference_arena.facts import Fact, Task


class Purpose(Fact):
    task: Task | None
    workload: str


PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType(
    {
        "chat": Purpose(task="chat", workload="chat"),
        "code": Purpose(task="coding", workload="code"),
        "rag": Purpose(task="long-context", workload="rag-long-prompt"),
        "summarise": Purpose(task="instructions", workload="summarise"),
        "reasoning": Purpose(task="reasoning", workload="chat"),
        "knowledge": Purpose(task="knowledge", workload="chat"),
        "math": Purpose(task="math", workload="chat"),
        "tools": Purpose(task="tools", workload="chat"),
        "batch": Purpose(task=None, workload="batch"),
    }
)
