"""The container form of a launch: an image, the cards, the models' folder, one port on this machine alone."""

from typing import Final

from inference_arena.engines.adapter import Command
from inference_arena.facts import EngineRelease, engines

INSIDE: Final = "/models"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  # inside the container; its port is published on loopback alone


def image_of(release: EngineRelease, *, processor: bool = False) -> str | None:
    """The image's name with its tag; None: no image of this engine is known. `processor`: one that needs no card."""
    card = engines()[release.engine]
    image = card.processor_image if processor else card.image
    named = release.version
    if release.engine == "llamacpp" and not named.startswith("b"):
        named = f"v{named}"
    return None if image is None else image.format(version=named)


def contained(
    *, release: EngineRelease, arguments: tuple[str, ...], models_folder: str, port: int, image: str | None = None
) -> Command:
    """`docker run` with the program's own arguments; podman takes the same ones."""
    card = engines()[release.engine]
    entry = ("--entrypoint", card.entrypoint) if card.entrypoint is not None else ()
    argv = (
        *("docker", "run", "--rm", "--gpus", "all", "--ipc=host"),
        *("-p", f"127.0.0.1:{port}:{port}", "-v", f"{models_folder}:{INSIDE}:ro"),
        *entry,
        image or image_of(release) or release.engine,
        *arguments,
    )
    return Command(argv=argv, env={})
