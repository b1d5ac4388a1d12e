"""The newest release of an engine that a driver and a card can run, by image and by wheels, and what today's needs."""

from inference_arena.facts import Checkpoint, EngineRelease, Fact, Model, releases
from inference_arena.plan.driver_rules import newest_by
from inference_arena.plan.drivers import image_door, wheel_door
from inference_arena.plan.support import capability_obstacles, is_able
from inference_arena.plan.target import Target


class Newest(Fact):
    """`image`: the newest release whose image starts on the driver. `wheels`: the newest whose wheels run, or may.

    `*_unverified`: nobody has checked that it runs. `today`: the newest release of all, and the driver it needs; None
    where that is unknown, or where the present one will do.
    """

    engine: str
    image: EngineRelease | None
    image_unverified: bool
    wheels: EngineRelease | None
    wheels_unverified: bool
    today: EngineRelease
    driver_needed: str | None


def newest_release(
    engine: str, *, target: Target, model: Model | None = None, checkpoint: Checkpoint | None = None
) -> Newest:
    """Releases that anything but the driver blocks (card, architecture, quantization) are passed over."""

    def able(release: EngineRelease) -> bool:
        if model is None or checkpoint is None:
            return not any(capability_obstacles(release, target))
        return is_able(release, model=model, checkpoint=checkpoint, target=target)

    image = newest_by("image", engine, target=target, is_able=able)
    wheels = newest_by("wheels", engine, target=target, is_able=able)
    today = releases(engine)[-1]
    doors = (image_door(today, driver=target.driver, form=target.form), wheel_door(today, driver=target.driver))
    enough = any(door.verdict == "accepts" for door in doors)
    return Newest(
        engine=engine,
        image=image[0] if image else None,
        image_unverified=image is not None and image[1].verdict == "unverified",
        wheels=wheels[0] if wheels else None,
        wheels_unverified=wheels is not None and wheels[1].verdict == "unverified",
        today=today,
        driver_needed=None if enough else today.image_driver or doors[1].needs,
    )
