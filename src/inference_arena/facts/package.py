"""How an engine's releases are brought by packages of the package index: to which machines, and with what left out."""

from datetime import date
from typing import Literal

from pydantic import Field

from inference_arena.facts.fact import Fact

Place = Literal["nvidia", "processor"]


class Build(Fact):
    """The packages of an engine for machines of some places: with an NVIDIA card, or with their processor alone.

    `package`: what the index calls it, with extras. `versions`: the releases that it has, oldest first; empty: those
    of the table of releases. `package_versions`: the package's version where it is not the release's. `cuda`: the
    driver must be new enough. `python`: bounds, where the table of releases has none. `platforms`: such as
    linux-x86_64. `without`: packages that are asked for but do harm or nothing there. `constraints`: kept to while
    resolving. `torch_backend`: where its torch is not on the index, the build of it on PyTorch's own index.
    `alias`: a name by which the engine asks for its own version, though its package has another.
    `installed_bytes`: measured with the newest release.
    """

    places: tuple[Place, ...]
    package: str
    what: str
    versions: tuple[str, ...] = ()
    package_versions: dict[str, str] = Field(default_factory=dict)
    cuda: bool = False
    python: str | None = None
    platforms: tuple[str, ...]
    without: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    torch_backend: Literal["cpu"] | None = None
    alias: str | None = None
    installed_bytes: int | None = None
    source: str
    checked: date


class Lack(Fact):
    """A place that no package serves, and what does instead."""

    place: Place
    why: str
    instead: str
    source: str
    checked: date


class Packages(Fact):
    """One engine as packages. `program`: its name in an environment's bin and on PATH; `module`: what a Python starts
    where there is no such program.

    `distributions`: names under which its version stands in an environment.
    """

    name: str
    title: str
    program: str | None = None
    module: str | None = None
    distributions: tuple[str, ...]
    builds: tuple[Build, ...]
    lacks: tuple[Lack, ...] = ()
