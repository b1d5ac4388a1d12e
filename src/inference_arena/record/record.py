"""Record: one launch of (or attach to) an engine, and what happened. Frozen; never changed once written.

History of the format
1  first; later fields are optional, and absent in older records
"""

from typing import Annotated, Literal

from pydantic import Field

from inference_arena.facts import Fact, Host
from inference_arena.plan import Load, Prediction, Trial
from inference_arena.record.summary import Summary

FORMAT: Literal[1] = 1

Stage = Literal["prepare", "launch", "ready", "probe", "load", "stop", "self-test", "save"]


class Finished(Fact):
    """Every point was driven and at least one request succeeded."""

    kind: Literal["finished"] = "finished"


class Failed(Fact):
    """It did not work: at which stage, for which cause, what shows it, and what to try.

    `flags`: the advice in the engine's own flags, where it comes to that; `drops`: flags to leave out. `engine_stage`:
    how far the engine had come by its log. `reproduced`: whether such a failure was seen for real; else its advice is
    untested. None where no log was read.
    """

    kind: Literal["failed"] = "failed"
    stage: Stage
    cause: str
    what: str
    why: str
    advice: str
    evidence: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    engine_stage: str | None = None
    reproduced: bool | None = None


class Interrupted(Fact):
    """Somebody or something ended the run. The traces up to then are kept."""

    kind: Literal["interrupted"] = "interrupted"
    stage: Stage
    by: Literal["ctrl-c", "terminated", "terminal-closed", "killed"]


Outcome = Annotated[Finished | Failed | Interrupted, Field(discriminator="kind")]


class EngineUsed(Fact):
    """The engine as it was run. `command`, `environment` and `user_flags` hold no secrets and no personal paths.

    `environment`: variables that engines read, as far as they were set. `reduced`: what of its own it ran without.
    Of a container: `image` with its tag, `image_digest` as its registry knows it, and `container_engine`, which ran it.
    """

    name: str
    version: str | None = None
    program: str | None = None
    form: Literal["process", "container", "attached"]
    image: str | None = None
    image_digest: str | None = None
    container_engine: str | None = None
    location: Literal["same-host", "private-network", "internet"]
    effective: dict[str, str | int | float | bool]
    choices: dict[str, str]
    command: tuple[str, ...] = ()
    user_flags: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    reduced: tuple[str, ...] = ()
    request_parameters: tuple[str, ...] = ()
    dropped_parameters: tuple[str, ...] = ()


class ModelUsed(Fact):
    """The weights as they were used. `checkpoint` is a catalogue name: of a file, known by its hash alone.

    `config_sha256`: of config.json, where the model is a folder. `weights`: dummy ones are random numbers in the shape
    of the model: its speed and memory, but no evidence of its text.
    """

    name: str
    checkpoint: str | None = None
    architecture: str | None = None
    quantization: str | None = None
    parameters: int | None = None
    context_tokens: int | None = None
    file_sha256: str | None = None
    file_bytes: int | None = None
    config_sha256: str | None = None
    license: str | None = None
    weights: Literal["real", "dummy", "unknown"]


class Startup(Fact):
    """From launch to the first answer. `facts` is what the engine said about itself, by our names."""

    facts: dict[str, str | int | float | bool]
    ready_s: float | None = None
    first_request_s: float | None = None


class Point(Fact):
    """One load point as driven. Times are None where it did not come that far."""

    index: int
    repeat: int
    load: Load
    seed: int
    started_s: float
    steady_from_s: float | None
    steady_to_s: float | None
    ended_s: float
    stopped_by: Literal["plan", "errors", "drain-limit", "storage", "interrupted", "client-died", "engine-died"]


class Arena(Fact):
    """The tool that measured."""

    version: str
    python: str
    event_loop: str | None = None


class Evidence(Fact):
    """Hashes of the raw files beside the record."""

    requests_sha256: str
    requests_lines: int
    samples_sha256: str
    samples_lines: int
    log_sha256: str | None = None


class Record(Fact):
    """One run. `purpose` says whether it measures something or only tests machine and tool.

    `prediction`: what the plan foretold, where there was one. `retry_of`: the failed run whose advice this one follows.
    """

    format: Literal[1] = 1
    id: str
    purpose: Literal["measurement", "self-test"]
    started_at: str
    finished_at: str
    clock_zero_unix_s: float
    arena: Arena
    trial: Trial
    host: Host
    engine: EngineUsed
    model: ModelUsed
    startup: Startup
    points: tuple[Point, ...]
    outcome: Outcome
    notes: tuple[str, ...] = ()
    summary: Summary | None
    evidence: Evidence
    machine: str | None = None
    configuration: str
    parent: str | None = None
    prediction: Prediction | None = None
    retry_of: str | None = None
