"""Which release of an engine the package index can bring to a machine, and why not a newer one.

Knows what packages there are and what drivers and cards they need; asks no index.
"""

from inference_arena.errors import NotFoundError
from inference_arena.facts import Build, EngineRelease, Fact, Lack, Packages, Place, packages, releases
from inference_arena.plan.drivers import wheel_door
from inference_arena.plan.newest import newest_release
from inference_arena.plan.support import capability_obstacles
from inference_arena.plan.target import Target


class Offer(Fact):
    """`version` is None where nothing can be brought; `why` then says why, and `instead` what to do.

    `newer`: the newest of all, where it is not the one that is offered, for the reason `why_not_newer`.
    `unverified`: why it may not run, where nobody has checked that it does.
    """

    engine: str
    title: str
    place: Place
    build: Build | None = None
    version: str | None = None
    why: str = ""
    instead: str = ""
    newer: str | None = None
    why_not_newer: str = ""
    unverified: str = ""


def offer(engine: str, *, target: Target, platform: str) -> Offer:
    """The newest release for this machine. Raises NotFoundError for an engine that no package brings."""
    card, place = package_card(engine), place_of(target)
    builds = [one for one in card.builds if place in one.places]
    build = next((one for one in builds if platform in one.platforms), builds[0] if builds else None)
    nothing = Offer(engine=engine, title=card.title, place=place)
    if build is None:
        lack = next((one for one in card.lacks if one.place == place), None)
        return nothing.model_copy(update=_lacking(lack))
    if platform not in build.platforms:
        return nothing.model_copy(update=_elsewhere(build, platform))
    if build.cuda:
        return nothing.model_copy(update=_by_driver(engine, build, target))
    return nothing.model_copy(update={"build": build, **_newest_of(engine, build, place)})


def offer_of(engine: str, version: str, *, target: Target, platform: str) -> Offer:
    """A release that was asked for by its number, whatever the tables say of it; they may not know it."""
    usual = offer(engine, target=target, platform=platform)
    if usual.build is None:
        return usual
    row = next((one for one in releases(engine) if one.version == version), None) if usual.build.cuda else None
    doubt = _why_not(row, target) if row is not None else ""
    if version not in versions_of(engine, usual.build):
        doubt = "nobody has read this release: whether it runs here is not known"
    return usual.model_copy(
        update={"version": version, "unverified": doubt, "newer": None, "why_not_newer": "", "why": "", "instead": ""}
    )


def package_card(engine: str) -> Packages:
    """Raises NotFoundError with the engines that packages bring."""
    if engine not in packages():
        raise NotFoundError(f"no engine is called {engine!r}", try_="one of: " + ", ".join(packages()))
    return packages()[engine]


def versions_of(engine: str, build: Build) -> tuple[str, ...]:
    """The releases that this build is known to have, oldest first."""
    return build.versions or tuple(row.version for row in releases(engine))


def place_of(target: Target) -> Place:
    return "nvidia" if target.vendor == "nvidia" else "processor"


def _lacking(lack: Lack | None) -> dict[str, str]:
    if lack is None:
        return {"why": "no package of the index has it for this machine"}
    return {"why": lack.why, "instead": lack.instead}


def _elsewhere(build: Build, platform: str) -> dict[str, str]:
    names = ", ".join(build.platforms)
    return {"why": f"{build.package} has wheels for {names}; this machine is {platform}"}


def _newest_of(engine: str, build: Build, place: Place) -> dict[str, str | None]:
    """The newest that the package has, and whether the engine's own releases went further."""
    chosen = versions_of(engine, build)[-1]
    doubt = "which driver its torch needs is not in the tables" if place == "nvidia" and "torch" in build.what else ""
    cuda = next((one for one in package_card(engine).builds if one.cuda), None)
    newest = chosen if cuda is None else versions_of(engine, cuda)[-1]
    if newest == chosen:
        return {"version": chosen, "unverified": doubt}
    return {
        "version": chosen,
        "unverified": doubt,
        "newer": newest,
        "why_not_newer": f"{build.package} has no {newest} that was read",
    }


def _by_driver(engine: str, build: Build, target: Target) -> dict[str, object]:
    """By the rules for wheels: what the driver and the card let in."""
    today = releases(engine)[-1]
    if target.driver is None:
        return {"build": build, "version": today.version, "unverified": "this machine's driver is not known"}
    found = newest_release(engine, target=target)
    if found.wheels is None:
        needs = f"update the driver to >= {found.driver_needed}" if found.driver_needed else ""
        return {"build": build, "why": _why_not(today, target), "instead": needs}
    chosen = found.wheels
    doubt = wheel_door(chosen, driver=target.driver).why if found.wheels_unverified else ""
    if chosen.version == today.version:
        return {"build": build, "version": chosen.version, "unverified": doubt}
    return {
        "build": build,
        "version": chosen.version,
        "unverified": doubt,
        "newer": today.version,
        "why_not_newer": _why_not(today, target),
    }


def _why_not(release: EngineRelease, target: Target) -> str:
    """What keeps its wheels from running here, in a sentence; empty where nothing surely does."""
    obstacle = next(capability_obstacles(release, target), None)
    if obstacle is not None:
        return f"{obstacle.what} ({obstacle.evidence})"
    door = wheel_door(release, driver=target.driver)
    return "" if door.verdict in {"accepts", "unknown"} else door.why
