"""What is said where a driver is too old for a release, and which releases it is new enough for."""

from collections.abc import Callable, Iterator
from typing import Literal

from inference_arena.facts import EngineRelease, engines, version_key
from inference_arena.plan.drivers import Door, best, image_door, let_in, other_image, wheel_door
from inference_arena.plan.obstacle import Obstacle
from inference_arena.plan.target import Target

Able = Callable[[EngineRelease], bool]
# a data-centre card can take a newer CUDA from the image itself; vLLM's images do so when asked
_FORWARD = "-e VLLM_ENABLE_CUDA_COMPATIBILITY=1, if its image has it (CUDA forward compatibility)"


def newest_by(
    way: Literal["image", "wheels"], engine: str, *, target: Target, is_able: Able
) -> tuple[EngineRelease, Door] | None:
    """The newest release that this way lets in, checked or not; None: none."""
    doors = let_in(engine, way, driver=target.driver, form=target.form)
    return next(((release, door) for release, door in doors if is_able(release)), None)


def driver_obstacles(release: EngineRelease, target: Target, *, is_able: Able) -> Iterator[Obstacle]:
    """Image and wheels are two ways: one that accepts the driver is enough, but it is said when it is the only one."""
    if target.vendor != "nvidia" or target.driver is None:
        return
    image = image_door(release, driver=target.driver, form=target.form)
    wheels = wheel_door(release, driver=target.driver)
    verdict = best(image, wheels)
    if verdict == "unknown" or image.verdict == "accepts" or (verdict == "accepts" and image.verdict == "unknown"):
        return
    too_old = verdict == "refuses"
    yield Obstacle(
        rule="driver-too-old" if too_old else "driver-unverified",
        severity="blocks" if too_old else "unverified",
        what=_sentence(release, target, image=image, wheels=wheels),
        evidence="; ".join(door.why for door in (image, wheels) if door.verdict != "unknown"),
        source=f"{release.source}; NVIDIA's tables of toolkits, drivers and image checks",
        way_out=tuple(_ways_out(release, target, image=image, wheels=wheels, is_able=is_able)),
    )


def _sentence(release: EngineRelease, target: Target, *, image: Door, wheels: Door) -> str:
    title, driver = f"{engines()[release.engine].title} {release.version}", f"driver {target.driver}"
    if best(image, wheels) == "refuses":
        return f"{title} needs a newer driver than {target.driver}; the card itself is not in the way"
    if image.verdict == "refuses":
        can = "run" if wheels.verdict == "accepts" else "may run, unverified,"
        return f"the image of {title} refuses {driver}; its wheels {can} on it"
    if image.verdict == "unverified":
        return f"the image of {title} starts on {driver}, for which its toolkit is not documented"
    return f"the wheels of {title} may run on {driver}; nobody has checked"


def _ways_out(release: EngineRelease, target: Target, *, image: Door, wheels: Door, is_able: Able) -> Iterator[str]:
    """Gentlest first: another way to the same release, another release, another driver."""
    title = engines()[release.engine].title
    if (other := other_image(release, driver=target.driver, form=target.form)) is not None:
        yield f"its image {other}"
    if image.verdict == "refuses" and wheels.verdict in {"accepts", "unverified"}:
        yield "its wheels in an environment of their own instead of the image"
    if image.verdict in {"refuses", "unknown"}:
        yield from _other_releases(title, release, target, is_able=is_able)
    if image.verdict == "unverified" and target.form == "data-centre" and release.engine == "vllm":
        yield _FORWARD
    needs = [door.needs for door in (image, wheels) if door.needs is not None]
    if needs:
        yield f"update the driver to >= {max(needs, key=version_key)}"


def _other_releases(title: str, release: EngineRelease, target: Target, *, is_able: Able) -> Iterator[str]:
    image = newest_by("image", release.engine, target=target, is_able=is_able)
    wheels = newest_by("wheels", release.engine, target=target, is_able=is_able)
    if image is not None:
        unsure = ", unverified" if image[1].verdict == "unverified" else ""
        yield f"{title} {image[0].version}, the newest whose image accepts this driver{unsure}"
    if wheels is not None and wheels[0].version != release.version:
        unsure = " may run, unverified" if wheels[1].verdict == "unverified" else " run"
        yield f"{title} {wheels[0].version}, the newest whose wheels{unsure}"
