"""What a person asks for, parsed but not judged."""

from typing import Literal

from inference_arena.facts import Fact
from inference_arena.plan import Cache


class Sought(Fact):
    """How many can share it is the question: of requests at once up to `most`, of people up to `most_people`.

    `behaviour` None: only requests. `think_s` instead of the behaviour's own. `attainment`: the share of requests that
    must meet the SLO, instead of its own.
    """

    most: int
    most_people: int
    behaviour: str | None = None
    think_s: float | None = None
    attainment: float | None = None


class Asked(Fact):
    """The command line, parsed but not judged. None: not said."""

    model: str | None = None
    url: str | None = None
    engine: str | None = None
    endpoint: Literal["chat", "completions"] = "chat"
    concurrency: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    arrivals: Literal["poisson", "constant"] = "poisson"
    input_tokens: int | None = None
    output_tokens: int | None = None
    exact: bool = False
    natural: bool = False
    duration_s: float | None = None
    requests: int | None = None
    warmup_s: float | None = None
    seed: int = 0
    repeats: int = 1
    context_tokens: int | None = None
    parallel: int | None = None
    threads: int | None = None
    kv_cache_type: str | None = None
    gpu_layers: int | None = None
    tensor_parallel: int | None = None
    replicas: int | None = None
    flags: tuple[str, ...] = ()
    port: int | None = None
    release: str | None = None
    program: str | None = None
    container: bool | None = None
    image: str | None = None
    container_engine: str | None = None
    weights: Literal["real", "dummy"] = "real"
    anyway: bool = False
    slo: str | None = None
    workload: str | None = None
    spread: bool = False
    shape: str | None = None
    trace: str | None = None
    trace_speed: float = 1.0
    data: str | None = None
    patience_s: float | None = None
    freeze_s: float | None = None
    leave_share: float | None = None
    sessions: tuple[float, ...] = ()
    turns: int | None = None
    think_s: float | None = None
    system_tokens: int | None = None
    cache: Cache | None = None
    most_failures: int | None = None
    client_processes: int | None = None
    sought: Sought | None = None
    ready_limit_s: float = 600.0
    request_limit_s: float = 300.0
