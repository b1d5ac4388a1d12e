"""Whether a driver is new enough for a release's image and for its wheels. Knows drivers and toolkits, no models.

An image asks, when it starts, that the driver offer its toolkit's CUDA version, or that card and driver be on its list
of exceptions. Wheels ask nothing: their toolkit needs its own driver or, by minor-version compatibility, one of the
same major version, which nobody tests for an engine.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

from inference_arena.facts import (
    EngineRelease,
    Fact,
    Form,
    at_least,
    driver_cuda,
    image_builds,
    image_check,
    releases,
    toolkits,
)

Verdict = Literal["accepts", "unverified", "refuses", "unknown"]

# the brand that NVML tells of a card, by how its maker sells it; the names are those of image checks
BRANDS: Final[Mapping[Form, frozenset[str]]] = MappingProxyType(
    {
        "desktop": frozenset({"geforce", "geforcertx", "titan", "titanrtx"}),
        "laptop": frozenset({"geforce", "geforcertx"}),
        "workstation": frozenset({"quadro", "quadrortx", "nvidiartx"}),
        "data-centre": frozenset({"tesla", "nvidia"}),
        "unified": frozenset(),
    }
)


class Door(Fact):
    """One way to run a release: what its check or toolkit makes of the driver, and why."""

    verdict: Verdict
    why: str
    needs: str | None = None


def image_door(release: EngineRelease, *, driver: str | None, form: Form | None) -> Door:
    """The image's own check. Unverified where it starts although its toolkit is documented for a newer driver."""
    return _image(release.image_cuda, needs=release.image_driver, driver=driver, form=form)


@lru_cache(maxsize=1024)
def _image(cuda: str | None, *, needs: str | None, driver: str | None, form: Form | None) -> Door:
    if cuda is None or driver is None:
        return Door(verdict="unknown", why="image or driver are unknown")
    offered, minor = driver_cuda(driver), ".".join(cuda.split(".")[:2])
    says = f"the image asks for CUDA {minor}; driver {driver} offers {offered or 'less than any that is known'}"
    if offered is not None and at_least(offered, minor):
        enough = needs is None or at_least(driver, needs)
        exact = "" if enough else f", though CUDA {cuda} is documented for driver {needs} and newer"
        return Door(verdict="accepts" if enough else "unverified", why=says + exact, needs=needs)
    check = image_check(cuda)
    if check is not None and driver.split(".")[0] in check.branches and _brands(form) & set(check.brands):
        listed = f"{says}, but its list of exceptions has this kind of card with this branch of drivers"
        return Door(verdict="unverified", why=listed, needs=needs)
    return Door(verdict="refuses", why=says, needs=needs)


def _brands(form: Form | None) -> frozenset[str]:
    return frozenset() if form is None else BRANDS[form]


def wheel_door(release: EngineRelease, *, driver: str | None) -> Door:
    """Wheels in an environment of one's own. Unverified where only minor-version compatibility makes them run."""
    cuda, least = release.wheel_cuda, release.compat_driver
    if cuda is None or driver is None:
        return Door(verdict="unknown", why="wheels or driver are unknown")
    offered = driver_cuda(driver)
    needs = toolkit_driver(cuda)
    says = f"the wheels hold CUDA {cuda}; driver {driver} offers {offered or 'less than any that is known'}"
    if offered is not None and at_least(offered, cuda):
        return Door(verdict="accepts", why=says, needs=needs)
    if least is not None and at_least(driver, least):
        compat = f"{says}; minor-version compatibility lets CUDA {cuda.split('.')[0]} run on driver {least} and newer"
        return Door(verdict="unverified", why=compat, needs=needs)
    return Door(verdict="refuses", why=says, needs=least or needs)


def toolkit_driver(cuda: str) -> str | None:
    """The first Linux driver that offers a CUDA version (12.8); None: not in the table."""
    kits = [kit for kit in toolkits() if kit.version.split(".")[:2] == cuda.split(".")[:2]]
    return kits[0].linux_driver if kits else None


def other_image(release: EngineRelease, *, driver: str | None, form: Form | None) -> str | None:
    """Another published image of exactly this release whose check accepts the driver; None: none is known."""
    builds = (build for build in image_builds(release.engine) if build.version == release.version)
    fitting = (
        build for build in builds if _image(build.cuda, needs=None, driver=driver, form=form).verdict == "accepts"
    )
    return next((build.image for build in fitting), None)


def best(image: Door, wheels: Door) -> Verdict:
    """The better of both ways to run a release; unknown only where neither is known."""
    order: tuple[Verdict, ...] = ("accepts", "unverified", "unknown", "refuses")
    known = [door.verdict for door in (image, wheels) if door.verdict != "unknown"]
    return min(known, key=order.index, default="unknown")


@lru_cache(maxsize=256)
def let_in(
    engine: str, way: Literal["image", "wheels"], *, driver: str | None, form: Form | None
) -> tuple[tuple[EngineRelease, Door], ...]:
    """The releases that this way lets in on a driver, checked or not, newest first."""
    known = reversed(releases(engine))
    doors = (
        (one, image_door(one, driver=driver, form=form) if way == "image" else wheel_door(one, driver=driver))
        for one in known
    )
    return tuple((one, door) for one, door in doors if door.verdict in {"accepts", "unverified"})
