"""Memory that an engine takes beside what follows from the model's numbers: measured, so a card with its source."""

from datetime import date

from inference_arena.facts.fact import Fact


class Overhead(Fact):
    """Of one engine, per card of the machine, as measured on the card that `measured_on` names.

    `context_bytes`: what the driver's runtime takes before the engine asks for anything. `non_torch_bytes`: what the
    engine loads beside its tensors (kernels, libraries); `per_peer_bytes`: more for each card with tensor parallelism.
    `graph_first_bytes` and `graph_each_bytes`: recorded decoding steps, the first of a set and each further one.
    `buffer_bytes`: its own persistent buffers. `activation_factor`: activations of one token of a step as a
    multiple of (3 * feed-forward width + 4 * hidden size) * 2 bytes. `bytes_per_logit`: for each sequence of a step
    and entry of the vocabulary while sampling; `sampling_rows`: rows of 32-bit logits beside, one a multiprocessor. `spread`: how far the sum of these was off where it was checked.
    """

    name: str
    context_bytes: int
    non_torch_bytes: int
    per_peer_bytes: int = 0
    graph_first_bytes: int = 0
    graph_each_bytes: int = 0
    buffer_bytes: int = 0
    activation_factor: float = 1.0
    bytes_per_logit: float = 0.0
    sampling_rows: int = 0
    spread: float
    measured_on: str
    source: str
    checked: date
