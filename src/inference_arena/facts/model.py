"""Models and checkpoints: what is true of published weights, each with its source. Unknown numbers stay None."""

from datetime import date
from typing import Literal

from inference_arena.errors import NotFoundError
from inference_arena.facts.fact import Fact

LayerKind = Literal["full", "sliding", "chunked", "latent", "linear", "shared"]
Task = Literal["chat", "coding", "reasoning", "knowledge", "math", "instructions", "long-context", "tools"]


class PackageFile(Fact):
    """A file that travels inside a package of the Python index."""

    name: str
    version: str
    member: str
    download_bytes: int


class HubFile(Fact):
    """A file in a model repository, at one commit."""

    repository: str
    revision: str
    file: str


class WeightFile(Fact):
    """One file that holds all weights, known by its hash, and where it can be had."""

    sha256: str
    size_bytes: int
    package: PackageFile | None = None
    hub: HubFile | None = None


class Layers(Fact):
    """Layers of one kind: what each keeps of the past, and the numbers that its parameters and cache follow from.

    full: keys and values of every token. sliding, chunked: of the last `window_tokens`. latent (MLA): one vector of
    `latent_dim + rope_dim` a token, whatever the number of heads, and `index_dim` more where an indexer picks tokens.
    linear: a state of fixed size a sequence (`conv_elements` in the compute type, `state_elements` in `state_type`).
    shared: nothing of its own, it reads another layer's cache.
    """

    kind: LayerKind
    count: int
    heads: int
    kv_heads: int | None = None
    key_dim: int | None = None
    value_dim: int | None = None
    window_tokens: int | None = None
    latent_dim: int | None = None
    query_latent_dim: int | None = None
    nope_dim: int | None = None
    rope_dim: int | None = None
    index_dim: int | None = None
    conv_elements: int | None = None
    state_elements: int | None = None
    state_type: Literal["float32", "float16", "bfloat16"] | None = None
    parameters: int | None = None  # of the attention part of one layer, where it does not follow from the numbers above
    parallel: bool = False  # stands beside other attention in layers that are counted there (Falcon-H1)


class Experts(Fact):
    """The mixture of experts in `layers` of the model's layers; the others have the dense feed-forward part."""

    count: int
    active: int
    layers: int
    intermediate_size: int
    shared_intermediate_size: int = 0
    parameters: int | None = None  # of one expert, where it is not 3 x hidden_size x intermediate_size


class Score(Fact):
    """A published result of the unquantized model on a test of one task; `value` in the test's own unit."""

    task: Task
    test: str
    value: float
    source: str
    checked: date


class Model(Fact):
    """An architecture with its numbers. `architecture` is the class that a config.json names."""

    name: str
    title: str
    family: str
    architecture: str | None = None
    gguf_architecture: str | None = None
    hidden_size: int
    intermediate_size: int | None = None
    vocab_size: int
    layers: tuple[Layers, ...]
    experts: Experts | None = None
    tied_embeddings: bool
    parameters: int
    active_parameters: int | None = None  # of the text layers, those that one token passes
    other_parameters: int = 0  # beside the text layers: vision and audio towers, heads that predict further tokens
    layer_embedding_parameters: int = (
        0  # looked up by token in every layer (Gemma 3n, small Gemma 4), part of the total
    )
    context_tokens: int
    modalities: tuple[Literal["text", "image", "audio", "video", "speech"], ...] = ("text",)
    license: str | None = None
    released: date | None = None
    scores: tuple[Score, ...] = ()
    source: str
    checked: date

    @property
    def layer_count(self) -> int:
        """Layers with attention or a state; blocks that are feed-forward alone (Nemotron-H) are not among them."""
        return sum(layers.count for layers in self.layers if not layers.parallel)


class Loss(Fact):
    """What quantization cost on one test, as published: quantized minus unquantized, in the test's own unit."""

    test: str
    difference: float
    source: str
    checked: date


class WeightParts(Fact):
    """Bytes of the tensors as stored, by what they are for. `layer_bytes`: of each layer in order, experts included.

    A head that is tied to the embedding is no tensor of its own: its bytes are 0.
    """

    embedding_bytes: int
    head_bytes: int
    expert_bytes: int
    rest_bytes: int
    layer_bytes: tuple[int, ...] = ()

    @property
    def total_bytes(self) -> int:
        return self.embedding_bytes + self.head_bytes + self.expert_bytes + self.rest_bytes


class Checkpoint(Fact):
    """One published set of weights of the catalogue's model `model`.

    `quantization` names the format: "none" for 16-bit weights, else awq, gptq, fp8, mxfp4, a GGUF type such as q4_k_m.
    `quantized` says which parts it covers; embeddings and norms never. `weight_bytes` is the sum of all tensors as
    stored, None where no exact count is known. `bits` of one weight: packed, without scales, in safetensors; on the
    average of all weights, scales included, in GGUF. `zero_point`: whether zero points are stored beside
    the scales. Where `file` is known, only a file with its hash is this checkpoint.
    """

    name: str
    title: str
    model: str
    format: Literal["safetensors", "gguf"]
    quantization: str
    quantized: Literal["nothing", "linear", "experts", "all"]
    dtype: Literal["bfloat16", "float16", "float32"] | None = None
    bits: float | None = None
    group_size: int | None = None
    zero_point: bool | None = None
    weight_bytes: int | None = None
    parts: WeightParts | None = None
    file: WeightFile | None = None
    repository: str | None = None
    losses: tuple[Loss, ...] = ()
    source: str
    checked: date

    @property
    def known_file(self) -> WeightFile:
        """Its file; raises NotFoundError for a checkpoint that is known by its numbers alone."""
        if self.file is None:
            raise NotFoundError(f"no file of {self.title} is known", try_="name a file or a folder of yours")
        return self.file
