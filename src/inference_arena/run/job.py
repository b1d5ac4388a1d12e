"""What a run sets out to do, and what is known of it before anything is started."""

from typing import Literal

from pydantic import Field

from inference_arena.facts import Fact, Host
from inference_arena.plan import Prediction, Trial
from inference_arena.record import Arena, EngineUsed, ModelUsed
from inference_arena.run.address import Address


class Program(Fact):
    """One way to start the engine. `name` is what the record calls it; `why` says why this one.

    `env`: what its environment must hold beyond the arena's own. `image`: of a container, whose engine `argv` names.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    version: str | None = None
    built_in: bool = False
    form: Literal["process", "container"] = "process"
    image: str | None = None
    why: str


class Limits(Fact):
    """How long each wait may last."""

    ready_s: float
    request_s: float


class Job(Fact):
    """Either programs with a model, tried in order, or the address of a server that runs already.

    `model_path`: a file, a folder, or a name on the model hub, which the engine then fetches by itself.
    """

    purpose: Literal["measurement", "self-test"]
    trial: Trial
    host: Host
    model: ModelUsed
    engine: EngineUsed
    limits: Limits
    programs: tuple[Program, ...] = ()
    model_path: str | None = None
    port: int | None = None
    address: Address | None = None
    asked_model: str | None = None
    prediction: Prediction | None = None
    retry_of: str | None = None


class Draft(Fact):
    """The part of a record that is known before the run; the journal's first file."""

    id: str
    purpose: Literal["measurement", "self-test"]
    started_at: str
    clock_zero_unix_s: float
    clock_zero_s: float
    arena: Arena
    trial: Trial
    host: Host
    engine: EngineUsed
    model: ModelUsed
    machine: str | None
    notes: tuple[str, ...] = ()
    prediction: Prediction | None = None
    retry_of: str | None = None
