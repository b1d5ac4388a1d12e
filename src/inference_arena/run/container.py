"""An engine in a container: what its `run` command says, what ends it, and what a killed arena left of it.

The client's process is supervised like any engine and gives the log; what it started goes on elsewhere, so the
supervisor also stops and removes the container by its name, whichever of the client, the arena or both is killed.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference_arena.engines import DIALECTS, Command
from inference_arena.facts import engines
from inference_arena.run.container_engine import ContainerEngine, Image, call, look_at, obtain
from inference_arena.run.mounts import HUB_INSIDE, Mount, Shown, show_hub_cache, show_model
from inference_arena.run.process import Ending, EngineProcess, start_engine
from inference_arena.run.scrub import spoken_environment

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  # inside the container; its port is published on loopback alone
LABEL: Final = "inference-arena"
NOTE: Final = "container.json"  # in the run's journal, from before the container is there
GRACE_S: Final = 5
HUB_VARIABLES: Final = ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HTTPS_PROXY", "https_proxy")
OnLog = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Contained:
    """A container of ours, by its name."""

    box: ContainerEngine
    image: Image
    name: str

    def pid(self) -> int | None:
        """The first process in it as this machine numbers it; None where it runs in another (a virtual machine)."""
        words = call(self.box.argv, "inspect", "--format", "{{.State.Pid}} {{.Id}}", self.name).stdout.split()
        if len(words) != 2 or not words[0].isdigit():
            return None
        with suppress(OSError):
            if words[1] in Path(f"/proc/{words[0]}/cgroup").read_text():
                return int(words[0])
        return None


@dataclass(frozen=True, slots=True)
class Ready:
    """All that is needed before the engine's own command can be spelt."""

    box: ContainerEngine
    image: Image
    shown: Shown


def prepare(argv: Sequence[str], *, image: str, model: str, folder: Path, on_log: OnLog) -> Ready:
    """Container engine, image and files. Raises RunFailed."""
    box = look_at(argv)
    shown = show_model(Path(model)) if Path(model).exists() else show_hub_cache(model)
    return Ready(box=box, image=obtain(box, image, folder=folder, on_log=on_log), shown=shown)


def start(
    ready: Ready, command: Command, *, record_id: str, port: int, gpus: bool, cpus: Sequence[int] | None, log_path: Path
) -> tuple[EngineProcess, Contained, tuple[str, ...]]:
    """The container's process, the container, and the command that started it."""
    name = name_of(record_id)
    argv = run_command(ready, command, name=name, record_id=record_id, port=port, gpus=gpus, cpus=cpus)
    write_note(log_path.parent, ready.box, record_id)
    process = start_engine(
        argv,
        env={**os.environ, **command.env},
        log_path=log_path,
        grace_s=GRACE_S + 5.0,  # its own `stop` kills after GRACE_S and needs a moment for it
        ending=ending_of(ready.box, name),
    )
    return process, Contained(ready.box, ready.image, name), argv


def name_of(record_id: str) -> str:
    return f"arena-{record_id}"


def entry_of(engine: str) -> tuple[str, ...]:
    """The words that start the engine's server in its own image."""
    card = engines()[engine]
    assert card.entrypoint is not None, f"{engine}'s card names no entry point"
    return (card.entrypoint, *DIALECTS[engine].PROGRAM[1:])


def run_command(
    ready: Ready,
    command: Command,
    *,
    name: str,
    record_id: str,
    port: int,
    gpus: bool,
    cpus: Sequence[int] | None,
) -> tuple[str, ...]:
    """`docker run` in podman's words too. Values of the environment stay out of it, where all could read them."""
    box = ready.box
    program, *arguments = command.argv
    return (
        *(*box.argv, "run", "--name", name, "--label", f"{LABEL}={record_id}"),
        *("--pull=never", "--log-driver=none", "--ipc=host", "--publish", f"127.0.0.1:{port}:{port}"),
        *(_gpu_words(box) if gpus else ()),
        *(("--cpuset-cpus", ",".join(map(str, cpus))) if cpus and box.pins_cores else ()),
        *(("--security-opt", "label=disable") if box.labels else ()),
        *(word for variable in sorted(command.env) for word in ("--env", variable)),
        *(word for mount in ready.shown.mounts for word in ("--mount", mount_words(mount))),
        *("--entrypoint", program, ready.image.name, *arguments),
    )


def _gpu_words(box: ContainerEngine) -> tuple[str, ...]:
    """Older podmans take --gpus and do nothing about it."""
    return ("--device", "nvidia.com/gpu=all") if box.is_podman else ("--gpus", "all")


def mount_words(mount: Mount) -> str:
    """A row of comma-separated values, since a path may hold commas; -v would break at its colons."""
    row = io.StringIO()
    fields = ("type=bind", f"source={mount.source}", f"target={mount.target}")
    csv.writer(row, lineterminator="").writerow(fields if mount.writable else (*fields, "readonly"))
    return row.getvalue()


def ending_of(box: ContainerEngine, name: str) -> Ending:
    """Podman's `rm --force` waits ten seconds for an orderly end unless it is told not to."""
    at_once = ("--time", "0") if Path(box.argv[0]).name == "podman" else ()
    return Ending(
        stop=(*box.argv, "stop", "-t", str(GRACE_S), name),
        remove=(*box.argv, "rm", "--force", "--volumes", *at_once, name),
    )


def write_note(folder: Path, box: ContainerEngine, record_id: str) -> None:
    (folder / NOTE).write_text(json.dumps({"command": box.argv, "label": f"{LABEL}={record_id}"}), "utf-8")


def handed_on(model: str) -> dict[str, str]:
    """What of our environment is meant for the engine, and for a model on the hub, how to get it."""
    to_hub = () if Path(model).exists() else HUB_VARIABLES
    meant = {name: os.environ[name] for name in (*spoken_environment(os.environ), *to_hub) if name in os.environ}
    return meant if Path(model).exists() else {**meant, "HF_HOME": HUB_INSIDE}


def remove_left(folder: Path) -> str:
    """Remove what a killed run's journal says it may have left; a sentence about it, empty where nothing was left."""
    try:
        note = json.loads((folder / NOTE).read_text("utf-8"))
        argv, label = tuple(map(str, note["command"])), str(note["label"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    listed = call(argv, "ps", "--all", "--quiet", "--filter", f"label={label}")
    by_hand = f"see {Path(argv[0]).name} ps --all --filter label={label}"
    if listed.returncode != 0:
        return f"whether its container is still there could not be asked; {by_hand}"
    found = listed.stdout.split()
    if not found:
        return ""
    removed = call(argv, "rm", "--force", "--volumes", *found)
    return "its container was removed" if removed.returncode == 0 else f"its container could not be removed; {by_hand}"
