"""Engines and their releases: what each release needs, runs and calls things. Knows no flag's meaning."""

from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact

MemoryRule = Literal["vllm-profiled", "vllm-profiled-graphs", "sglang-static", "llamacpp-buffers"]


class Defaults(Fact):
    """What a release takes for a card with at least `from_memory_bytes`, where nothing else is asked for.

    `prefill_tokens`: most tokens of one step. `parallel`: most sequences at once. `graph_batch`: the largest batch
    that graphs are captured for. `but_not`: cards (by words of their title) that get the next smaller row instead.
    """

    from_memory_bytes: int
    prefill_tokens: int
    parallel: int | None = None
    graph_batch: int | None = None
    but_not: tuple[str, ...] = ()


class Era(Fact):
    """Releases `first` to `last` (None: today's) that budget memory by one rule with the same defaults.

    `memory_share` is the default of the release's own memory flag; None where it works the share out by itself.
    `prefill_graphs`: prefill steps are recorded too. `graphs_outside`: architectures whose graphs are not taken off the
    KV cache, against the rule of the others.
    """

    first: str
    last: str | None = None
    memory_rule: MemoryRule
    memory_share: float | None = None
    graphs_outside: tuple[str, ...] = ()
    prefill_graphs: bool = False
    defaults: tuple[Defaults, ...]
    source: str
    checked: date


class Engine(Fact):
    """One engine, for all its releases. `image` holds {version}."""

    name: str
    title: str
    package: str | None = None
    image: str | None = None
    eras: tuple[Era, ...]
    source: str
    checked: date


class EngineRelease(Fact):
    """One release as its own files describe it. Drivers are versions, such as 570.124.06; None: unknown.

    `image_cuda` and `image_driver`: the toolkit in the official image and the driver that its check wants.
    `wheel_cuda`: the toolkit of the default torch wheel. `compat_driver`: the oldest driver branch on which the
    toolkit may run by minor-version compatibility, untested. `compute_capabilities`: what the image is built for.
    `ptx`: the last of these also runs, compiled at start, on newer ones.
    """

    engine: str
    version: str
    released: date | None = None
    python: str | None = None
    torch: str | None = None
    transformers: str | None = None
    image_cuda: str | None = None
    image_driver: str | None = None
    wheel_cuda: str | None = None
    compat_driver: str | None = None
    compute_capabilities: tuple[str, ...] = ()
    ptx: bool = False
    source: str


class ArchitectureSupport(Fact):
    """Which releases of `engine` have a model class: `first` is the first release seen with it, `absent` the last
    seen without it, `last` the last one where it was removed again.
    """

    architecture: str
    engine: str
    first: str | None
    absent: str | None = None
    last: str | None = None
    source: str


class QuantizationSupport(Fact):
    """The least compute capability that `engine` at `version` takes a format on; None: not by this release."""

    engine: str
    version: str
    method: str
    compute_capability: str | None
    source: str


class FlagSupport(Fact):
    """A command-line flag with the releases that have it; `last` None: it is still there."""

    engine: str
    flag: str
    first: str
    last: str | None = None
    source: str


class CudaToolkit(Fact):
    """A CUDA toolkit release with the drivers it needs: shipped beside it, and by minor-version compatibility."""

    version: str
    linux_driver: str | None
    windows_driver: str | None
    compat_linux_driver: str | None
    oldest_compute_capability: str | None
    source: str
