"""Memory that an engine takes beside what follows from the model's numbers: measured, so a card with its source."""

from datetime import date

from inference_arena.facts.fact import Fact


class Overhead(Fact):
    """Of one engine, per card of the machine, as measured on the card that `measured_on` names
    with the release `measured_with`.

    `context_bytes`: what the driver's runtime takes before the engine asks for anything. `non_torch_bytes`: what the
    engine loads beside its tensors (kernels, libraries); `per_peer_bytes`: more for each card with tensor parallelism;
    `workspace_bytes`: more for its attention kernels, but not on cards of capabilities `workspace_not_on`.
    `buffer_bytes`: its own persistent buffers. `activation_factor`: activations of one token of a step as a multiple of
    (3 * feed-forward width + 4 * hidden size) * 2 bytes. `bytes_per_logit`: for each sequence of a step and entry of
    the vocabulary while sampling; `sampling_rows`: rows of 32-bit logits beside, one a multiprocessor.
    `graph_bytes_per_logit`: of the largest recorded step; `graph_bytes_per_layer`: of each further one, and
    `graph_bytes_per_layer_outside` where another runner records them beside the budget. `copies_embedding`: compiling
    copies the embedding once. `spread`: how far sums of these were off where they were checked.
    """

    name: str
    context_bytes: int
    non_torch_bytes: int
    per_peer_bytes: int = 0
    workspace_bytes: int = 0
    workspace_not_on: tuple[str, ...] = ()
    buffer_bytes: int = 0
    activation_factor: float = 1.0
    bytes_per_logit: float = 0.0
    sampling_rows: int = 0
    graph_bytes_per_logit: float = 0.0
    graph_bytes_per_layer: int = 0
    graph_bytes_per_layer_outside: int | None = None
    copies_embedding: bool = False
    spread: float
    measured_on: str
    measured_with: str
    source: str
    checked: date
