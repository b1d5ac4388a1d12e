"""Engines and their releases: what each release needs, runs and calls things. Knows no flag's meaning."""

from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact

MemoryRule = Literal["vllm-profiled", "vllm-profiled-graphs", "sglang-static", "llamacpp-buffers"]


class Defaults(Fact):
    """What a release takes for a card with at least `from_memory_bytes`, where nothing else is asked for.

    `prefill_tokens`: most tokens of one step. `parallel`: most sequences at once. `graph_batch`: the largest batch
    that graphs are captured for, `graph_batch_wide` with four cards or more. `reserve_bytes` and
    `reserve_bytes_per_card`: what is kept back from weights and KV cache, in releases that say so by card size alone.
    `but_not`: cards (by words of their title) that get the next smaller row instead.
    """

    from_memory_bytes: int
    prefill_tokens: int
    parallel: int | None = None
    graph_batch: int | None = None
    graph_batch_wide: int | None = None
    reserve_bytes: int | None = None
    reserve_bytes_per_card: int | None = None
    but_not: tuple[str, ...] = ()


class Era(Fact):
    """Releases `first` to `last` (None: today's) that budget memory by one rule with the same defaults.

    `memory_share` is the default of the release's own memory flag; None where it works the share out by itself.
    `prefill_graphs`: prefill steps are recorded too. `graphs_outside`: architectures whose graphs are not taken off the
    KV cache, against the rule of the others, because the release runs them by another runner, which estimates none;
    with `graphs_outside_dense`, all others too that have neither experts nor a state of fixed size.
    `windows`: whether layers with a window keep no more than it: of all models, of those in `windows_for`, or of none.
    """

    first: str
    last: str | None = None
    memory_rule: MemoryRule
    memory_share: float | None = None
    graphs_outside: tuple[str, ...] = ()
    graphs_outside_dense: bool = False
    windows: Literal["kept", "named", "ignored"] = "kept"
    windows_for: tuple[str, ...] = ()
    prefill_graphs: bool = False
    defaults: tuple[Defaults, ...]
    source: str
    checked: date

    def keeps_windows(self, architecture: str | None) -> bool:
        """Whether layers with a window keep no more than the window; else they are cached like all others."""
        return self.windows == "kept" or (self.windows == "named" and architecture in self.windows_for)

    def leaves_graphs_outside(self, architecture: str | None, *, dense: bool) -> bool:
        """Whether graphs of such a model come on top of what the release budgets, against its own rule."""
        listed = architecture is not None and architecture in self.graphs_outside
        return listed or (self.graphs_outside_dense and dense)


class Plugin(Fact):
    """A weight format that left an engine for a package of its own with release `since`."""

    method: str
    package: str
    since: str
    source: str
    checked: date


class Engine(Fact):
    """One engine, for all its releases. `image` holds {version}; `entrypoint` is the program in it. `processor_image`:
    the same for machines without a card.

    `not_in_float16`: architectures that it refuses to compute in that type.
    """

    name: str
    title: str
    package: str | None = None
    image: str | None = None
    processor_image: str | None = None
    entrypoint: str | None = None
    not_in_float16: tuple[str, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    eras: tuple[Era, ...]
    source: str
    checked: date


class EngineRelease(Fact):
    """One release as its own files describe it. Drivers are versions, such as 570.124.06; None: unknown.

    `image_cuda` and `image_driver`: the toolkit in the official image and the driver that it is documented for.
    `wheel_cuda`: the newest toolkit among the default wheels, torch's and its own. `compat_driver`: the oldest driver
    branch on which that toolkit may run by minor-version compatibility, untested. `compute_capabilities`: what the
    image is built for. `ptx`: the last of these also runs, compiled at start, on newer ones.
    `oldest_compute_capability`: what it refuses to go below, where no list is known. `sampled`: the facts are those of
    this earlier release; None: its own.
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
    oldest_compute_capability: str | None = None
    sampled: str | None = None
    source: str
    checked: date


class ArchitectureSupport(Fact):
    """Which releases of `engine` have a model class: `first` is the first release seen with it, `absent` the last
    seen without it, `last` the last one where it was removed again. `gguf_architecture`: its name in GGUF files.
    """

    architecture: str
    engine: str
    first: str | None
    absent: str | None = None
    last: str | None = None
    gguf_architecture: str | None = None
    source: str
    checked: date


class QuantizationSupport(Fact):
    """The least compute capability that releases `first` to `last` (None: today's) take a format on."""

    engine: str
    method: str
    compute_capability: str
    first: str
    last: str | None = None
    source: str
    checked: date


class FlagSupport(Fact):
    """A command-line flag with the releases that have it; `last` None: it is still there."""

    engine: str
    flag: str
    first: str
    last: str | None = None
    source: str
    checked: date


class Kernel(Fact):
    """What computes on cards of some compute capabilities, in releases `first` to `last`.

    `part` is what it computes: products with weights of a format (`method`), attention, or `type`: the type that takes
    the place of `method`, which those cards lack. weight-only: stored small, unpacked for each product, so memory is
    saved and products run at the 16-bit rate. native: the card multiplies the format itself.
    """

    engine: str
    part: Literal["weights", "attention", "type"]
    method: str | None = None
    first: str
    last: str | None = None
    from_compute_capability: str | None = None
    below_compute_capability: str | None = None
    kernel: str
    kind: Literal["native", "weight-only", "plain"]
    source: str
    checked: date


class ImageBuild(Fact):
    """A published image of a release beside its usual one, with another toolkit."""

    engine: str
    version: str
    image: str
    cuda: str
    source: str
    checked: date


class CudaToolkit(Fact):
    """A CUDA toolkit release with the drivers it needs: shipped beside it, and by minor-version compatibility."""

    version: str
    title: str
    linux_driver: str | None = None
    windows_driver: str | None = None
    compat_linux_driver: str | None = None
    oldest_compute_capability: str | None = None
    source: str
    checked: date


class ImageCheck(Fact):
    """What images with toolkit `cuda` ask of the driver when they start: that it offers this CUDA version, or that the
    card is of one of `brands` and the driver of one of `branches` (its first number).
    """

    cuda: str
    brands: tuple[str, ...]
    branches: tuple[str, ...]
    source: str
    checked: date
