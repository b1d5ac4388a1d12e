"""What another tool is asked to do: the same prompts, lengths and load, against one server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from inference_arena.facts import Fact
from inference_arena.plan import Load
from inference_arena.run.address import Address


class Prompt(Fact):
    """One request's text and the length asked for."""

    text: str
    output_tokens: int


class Task(Fact):
    """One load point: it ends with the prompts, or after `duration_s` where that is named.

    `dropped` are parameters that this server refuses; `tokenizer` is a folder or a name.
    """

    address: Address
    model: str
    endpoint: Literal["chat", "completions"]
    prompts: tuple[Prompt, ...]
    load: Load
    duration_s: float | None = None
    ignore_eos: bool
    dropped: tuple[str, ...] = ()
    tokenizer: str | None = None


class Order(NamedTuple):
    """A command in its own folder, its extra environment, and the report that it leaves there."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    report: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A tool that can drive. `package` is what an environment of its own needs; None: it must be installed already."""

    name: Literal["guidellm", "vllm"]
    title: str
    program: str
    package: str | None
    version: str | None
    order: Callable[..., Order]
