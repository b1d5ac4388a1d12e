"""Models and checkpoints: what is true of published weights, each with its source."""

from datetime import date

from inference_arena.facts.fact import Fact


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


class Model(Fact):
    """An architecture with its numbers."""

    name: str
    family: str
    parameters: int
    layers: int
    context_tokens: int
    license: str
    source: str
    checked: date


class Checkpoint(Fact):
    """One published set of weights of a model. Only a file with this sha256 is this checkpoint."""

    name: str
    title: str
    model: Model
    quantization: str
    file_sha256: str
    file_bytes: int
    package: PackageFile | None = None
    hub: HubFile | None = None
    source: str
    checked: date
