"""The container engine of this machine, docker or podman: finds it, asks it, brings an image. Starts no container."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from inference_arena.engines import diagnose_container, explain_container
from inference_arena.facts import Fact
from inference_arena.run.failure import RunFailed, from_diagnosis
from inference_arena.run.process import start_engine

NAMES: Final = ("docker", "podman")
ANSWER_LIMIT_S: Final = 30.0
LOOK_S: Final = 0.2
SHOWN_LINES: Final = 3
PULL_LOG: Final = "pull.log"
OnLog = Callable[[Sequence[str]], None]


class ContainerEngine(Fact):
    """What runs containers here. `is_podman`: whatever its command is called, podman does the work.

    `pins_cores`: a container can be held to certain cores. `labels`: SELinux keeps containers from files of ours.
    """

    argv: tuple[str, ...]
    version: str | None
    is_podman: bool
    pins_cores: bool
    labels: bool

    @property
    def title(self) -> str:
        name = "podman" if self.is_podman else "docker"
        return name if self.version is None else f"{name} {self.version}"


class Image(Fact):
    """An image that is here. `digest`: what its registry knows it by; None for one that never was in any."""

    name: str
    digest: str | None
    id: str | None


def find_container_engine(asked: str | None) -> str:
    """The one that is asked for, else the first that is on PATH, else docker, whose absence its use will tell."""
    return asked or next((name for name in NAMES if shutil.which(name)), NAMES[0])


def look_at(argv: Sequence[str]) -> ContainerEngine:
    """What the container engine says about itself. Raises RunFailed where it does not answer."""
    told = _document(ask(argv, "info", "--format", "{{json .}}"))
    return _podman(argv, told) if "host" in told else _docker(argv, told)


def _podman(argv: Sequence[str], told: dict[str, Any]) -> ContainerEngine:
    host = told["host"]
    return ContainerEngine(
        argv=tuple(argv),
        version=told.get("version", {}).get("Version"),
        is_podman=True,
        pins_cores="cpuset" in (host.get("cgroupControllers") or ()),
        labels=bool(host.get("security", {}).get("selinuxEnabled")),
    )


def _docker(argv: Sequence[str], told: dict[str, Any]) -> ContainerEngine:
    """Podman also answers where a Docker daemon is asked for; its parts give it away."""
    parts = call(argv, "version", "--format", "{{json .Server.Components}}").stdout
    return ContainerEngine(
        argv=tuple(argv),
        version=told.get("ServerVersion") or None,
        is_podman="podman" in parts.lower(),
        pins_cores=bool(told.get("CPUSet")),
        labels=any("selinux" in option for option in told.get("SecurityOptions") or ()),
    )


def _document(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def ask(argv: Sequence[str], *words: str) -> str:
    """What a short command of the container engine answers. Raises RunFailed with its reason where it fails."""
    done = call(argv, *words)
    if done.returncode == 0:
        return done.stdout
    code = None if done.returncode < 0 else done.returncode
    raise RunFailed(from_diagnosis("launch", explain_container(done.stderr.splitlines(), code=code)))


def call(argv: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
    """A short command, bounded in time; a negative exit code where it did not answer, 127 where it is not there."""
    command = [*argv, *words]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=ANSWER_LIMIT_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, "", "")
    except OSError as error:
        said = f"{Path(argv[0]).name} is not installed: {error.strerror}"
        return subprocess.CompletedProcess(command, 127, "", said)


def obtain(box: ContainerEngine, image: str, *, folder: Path, on_log: OnLog) -> Image:
    """The image, pulled if it is not here; its progress goes to `folder`. Raises RunFailed."""
    found = _find_image(box, image)
    if found is not None:
        return found
    name = full_name(image) if box.is_podman else image
    _pull(box, name, folder=folder, on_log=on_log)
    return _find_image(box, name) or Image(name=name, digest=None, id=None)


def full_name(image: str) -> str:
    """With its registry, which podman wants to be told: Docker Hub where none is named."""
    first, slash, _ = image.partition("/")
    if slash and (first == "localhost" or set(".:") & set(first)):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def _find_image(box: ContainerEngine, name: str) -> Image | None:
    done = call(box.argv, "image", "inspect", name)
    if done.returncode != 0:
        return None
    try:
        told = json.loads(done.stdout)[0]
    except (ValueError, LookupError, TypeError):
        return None
    digests = [str(one).partition("@")[2] for one in told.get("RepoDigests") or ()]
    return Image(name=name, digest=next(filter(None, digests), None), id=told.get("Id"))


def _pull(box: ContainerEngine, name: str, *, folder: Path, on_log: OnLog) -> None:
    """Under a supervisor, so that nothing goes on loading when the arena is gone. As long as it takes."""
    pull = start_engine((*box.argv, "pull", name), env=None, log_path=folder / PULL_LOG)
    try:
        while (code := pull.wait(LOOK_S)) is None:
            on_log(pull.log_tail(SHOWN_LINES))
    except BaseException:
        pull.stop(immediately=True)
        raise
    if code != 0:
        said = tuple(pull.log_lines())
        diagnosis = diagnose_container(said, code=code) or explain_container(said, code=code)
        raise RunFailed(from_diagnosis("launch", diagnosis))
