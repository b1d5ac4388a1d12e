"""Why a container did not come to be, told from the words and exit codes of docker and podman. Knows no engine.

Of a contained engine's own end nothing is said here, but what its exit code was: 128 + the signal that ended it.
"""

import re
from collections.abc import Sequence
from typing import Final

from inference_arena.engines.adapter import Diagnosis, last_words
from inference_arena.engines.causes import Cause, excerpt, find

# docker and podman: 125 they themselves failed, 126 the program cannot be run, 127 it is not in the image
OWN_CODES: Final = frozenset({125, 126, 127})
SIGNAL_BASE: Final = 128
LAST_SIGNAL: Final = 64
LINES: Final = 40  # where the client's words are, after all that the engine said

# words of the container engine itself, whatever it was to start
SPEAKS: Final = re.compile(
    r"^(?:docker|podman): |Error response from daemon|Docker daemon|OCI (?:runtime|permission)|Cannot connect to Podman"
    r"|CDI device|nvidia-container-|(?:initializing|copy from) source docker://|unable to upgrade to tcp"
)

CAUSES: Final[tuple[Cause, ...]] = (
    Cause(
        cause="container-engine-missing",
        words=r"(?P<program>docker|podman)\S* is not installed",
        what="{program} is not installed here",
        advice="install Docker or podman (on Debian and Ubuntu: apt install podman), or run without --container",
    ),
    Cause(
        cause="container-permission",
        words=r"permission denied while trying to connect|dial unix \S+: connect: permission denied",
        what="this user may not talk to the Docker daemon",
        advice="sudo usermod -aG docker $USER and log in again (the group is as good as root), or use podman: "
        "--container-engine podman",
        reproduced=False,
    ),
    Cause(
        cause="container-daemon-down",
        words=r"Cannot connect to the Docker daemon|Is the docker daemon running|Cannot connect to Podman"
        r"|error during connect",
        what="the container engine's daemon does not answer",
        advice="start it: sudo systemctl start docker (Docker Desktop: open it), or use podman, which needs none: "
        "--container-engine podman",
    ),
    Cause(
        cause="driver-too-old",
        words=r"unsatisfied condition: cuda ?>= ?(?P<cuda>[\d.]*\d)",
        what="the image wants CUDA {cuda}, and this machine's driver offers less",
        advice="install a newer driver, or take an image of an older release: arena fit says which this driver runs, "
        "and without --image arena run chooses one that it does",
        reproduced=False,
    ),
    Cause(
        cause="gpu-passthrough-missing",
        words=r"could not select device driver|unknown or invalid runtime name: nvidia"
        r"|nvidia-container-cli: initialization error|nvidia-container-runtime-hook\S*: (?:not found|no such file)",
        what="Docker cannot hand the card to a container: NVIDIA's container toolkit is missing or not set up",
        advice="install nvidia-container-toolkit; then: sudo nvidia-ctk runtime configure --runtime=docker "
        "&& sudo systemctl restart docker",
        reproduced=False,
    ),
    Cause(
        cause="gpu-passthrough-missing",
        words=r"unresolvable CDI devices|CDI device injection failed|failed to inject CDI devices|"
        r"stat nvidia\.com/gpu=all|failed to discover GPU vendor from CDI",
        what="podman does not know how to hand the card to a container: there is no description of it (CDI)",
        advice="install nvidia-container-toolkit; then: sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
    ),
    Cause(
        cause="port-taken",
        words=r"port is already allocated|address already in use|ports are not available",
        what="the port is taken by another program",
        advice="leave out --port and a free one is chosen",
    ),
    Cause(
        cause="registry-limit",
        words=r"toomanyrequests|pull rate limit",
        what="the registry gives no more images to this address for now",
        advice="log in to it (docker login), or wait",
        reproduced=False,
    ),
    Cause(
        cause="disk-full",
        words=r"no space left on device",
        what="there is no room for the image",
        advice="docker system df shows what holds the room; docker image prune gives back what no tag names",
        reproduced=False,
    ),
    Cause(
        cause="image-wrong-platform",
        words=r"no matching manifest for|exec format error|no image found in (?:manifest|image index)",
        what="the image is not made for this kind of processor",
        advice="name another with --image, or run without --container",
        reproduced=False,
    ),
    Cause(
        cause="registry-unreachable",
        words=r"no such host|Temporary failure in name resolution|dial tcp|i/o timeout|network is unreachable"
        r"|TLS handshake|Client\.Timeout exceeded",
        what="the image is not on this machine, and its registry cannot be reached",
        advice="fetch it where there is a network (docker pull, docker save) and bring it here (docker load)",
    ),
    Cause(
        cause="image-missing",
        words=r"manifest unknown|manifest for \S+ not found|pull access denied|repository does not exist|name unknown"
        r"|No such image|image not known|did not resolve to an alias|requested access to the resource is denied"
        r"|\S+: not found$|invalid reference format|unauthorized",
        what="there is no such image, or it is not given to everybody",
        advice="correct --image NAME:TAG; a private one wants docker login; podman wants the registry's name before it",
    ),
    Cause(
        cause="model-unreadable",
        words=r"statfs (?P<path>\S+): permission denied|bind source path does not exist: (?P<missing>\S+)",
        what="the container engine cannot read the model's files",
        advice="put the model in a folder that the daemon's user may read, or use podman as yourself",
        reproduced=False,
    ),
    Cause(
        cause="image-without-engine",
        words=r"executable file not found|attempted to invoke a command that was not found"
        r"|exec:? \S+ (?:stat \S+ )?no such file or directory|stat \S+: no such file or directory",
        what="the image does not hold the engine's program",
        advice="name an image of that engine with --image, or leave it out",
    ),
    Cause(
        cause="image-without-engine",
        words=r"exec: \S+ permission denied|attempted to invoke a command that was denied|: is a directory",
        what="what the image holds in the program's place cannot be run",
        advice="name an image of that engine with --image, or leave it out",
        reproduced=False,
    ),
    Cause(
        cause="container-refused",
        words=r"OCI runtime|OCI permission denied|runc|crun|unable to upgrade to tcp|Error response from daemon",
        what="the container engine could not start the container",
        advice="read its words above, and try by hand: docker run --rm IMAGE",
    ),
)


def signal_of(code: int | None) -> int | None:
    """A contained program's exit code as that of a process: 137 is a signal, -9."""
    is_signal = code is not None and SIGNAL_BASE < code <= SIGNAL_BASE + LAST_SIGNAL
    return SIGNAL_BASE - code if code is not None and is_signal else code


def diagnose_container(said: Sequence[str], *, code: int | None) -> Diagnosis | None:
    """Why the container engine did not do what it was asked; None: it did, and what ended was the engine inside.

    `code` None: the container engine gave no answer in time.
    """
    lines = list(said)[-LINES:]
    refused = any("unable to upgrade to tcp" in line for line in lines)
    if code is not None and code not in OWN_CODES and not refused:
        return None
    return explain_container(lines, code=code)


def explain_container(said: Sequence[str], *, code: int | None) -> Diagnosis:
    """The words of a failed docker or podman command."""
    found = find(CAUSES, said, facts={}, reached=[None] * len(said))
    if found is not None:
        return found
    words = tuple(excerpt(line) for line in last_words(said))
    ended = "it gave no answer in time" if code is None else f"it ended with exit code {code}"
    return Diagnosis(
        cause="container-silent" if code is None else "container-refused",
        what="the container engine could not start the container",
        why=words[-1] if words else ended,
        advice="see whether it works by hand: docker ps, or podman ps",
        evidence=words,
    )
