"""Which image holds the engine, and in which release: the one that is named, else the one that this driver can run."""

import re
from typing import Final

from inference_arena.engines import image_of
from inference_arena.errors import NotFoundError
from inference_arena.facts import EngineRelease, engines, release, releases
from inference_arena.plan import Target, image_door, newest_release, other_image
from inference_arena.run.container_engine import find_container_engine
from inference_arena.run.job import Program

_VERSION: Final = re.compile(r"(?:^|-)(?:v?(\d+\.\d+\.\d+(?:\.?(?:post|rc)\d+)?)|(b\d{4,}))(?=$|-)")


def container_program(
    engine: str, *, target: Target | None, image: str | None, release: str | None, container_engine: str | None
) -> Program:
    """The engine's image, by the rules of a plan. Raises NotFoundError where no image is known to run here."""
    chosen, version, why = _chosen(engine, target=target, image=image, version=release)
    return Program(
        name=f"{engines()[engine].title} in a container",
        argv=(find_container_engine(container_engine),),
        version=version,
        form="container",
        image=chosen,
        why=why,
    )


def _chosen(
    engine: str, *, target: Target | None, image: str | None, version: str | None
) -> tuple[str, str | None, str]:
    if image is not None:
        return image, version_of(image) or version, "the image was named with --image"
    if target is None or target.vendor != "nvidia":
        return _for_processor(engine, version, target)
    if version is not None:
        return _of_release(release(engine, version), target)
    return _newest(engine, target)


def version_of(image: str) -> str | None:
    """The release that a tag names: 0.24.0 of v0.24.0-cu129; None for a tag such as latest."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = _VERSION.search(tag)
    return None if match is None else match[1] or match[2]


def _for_processor(engine: str, version: str | None, target: Target | None) -> tuple[str, str, str]:
    wanted = releases(engine)[-1] if version is None else release(engine, version)
    name = image_of(wanted, processor=True)
    if name is None or target is not None:
        raise NotFoundError(
            f"no image of {engines()[engine].title} is known for this machine",
            why="the known ones want a card of NVIDIA",
            try_="name one with --image NAME:TAG, or run without --container",
        )
    which = "the newest release that is known" if version is None else "the release that was asked for"
    return name, wanted.version, f"{which}, for the processor: there is no card here"


def _of_release(wanted: EngineRelease, target: Target) -> tuple[str, str, str]:
    """As it was asked for, also if the driver refuses it: then with another of its images, where one is known."""
    usual, asked = image_of(wanted), "the release that was asked for"
    refused = image_door(wanted, driver=target.driver, form=target.form).verdict == "refuses"
    other = other_image(wanted, driver=target.driver, form=target.form) if refused else None
    if other is not None:
        return other, wanted.version, f"{asked}, in the image that driver {target.driver} accepts"
    if usual is None:
        raise NotFoundError(f"no image of {wanted.engine} is known", try_="name one with --image NAME:TAG")
    return usual, wanted.version, asked


def _newest(engine: str, target: Target) -> tuple[str, str, str]:
    found = newest_release(engine, target=target)
    name = None if found.image is None else image_of(found.image)
    if found.image is None or name is None:
        needs = f"driver {found.driver_needed} or newer" if found.driver_needed else "a newer driver"
        raise NotFoundError(
            f"no image of {engines()[engine].title} is known to run here",
            why=f"its images ask for more than driver {target.driver} offers on {target.title}",
            try_=f"{needs}; or name an image with --image NAME:TAG",
        )
    unsure = ", though nobody has checked" if found.image_unverified else ""
    accepts = f"whose image driver {target.driver} accepts{unsure}" if target.driver else "that is known"
    return name, found.image.version, f"{found.image.version} is the newest release {accepts}"
