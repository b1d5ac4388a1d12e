"""`arena engines`: which engines are here, which could be; `install` and `remove` bring and take releases away."""

import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from inference_arena import units
from inference_arena.cli.output import complain
from inference_arena.errors import ArenaError, NotFoundError, UsageError

if TYPE_CHECKING:
    from inference_arena.plan import Offer, Target
    from inference_arena.run import Here, Installed
    from inference_arena.store import Home

WIDE: Final = 120
EngineArgument = Annotated[
    str, typer.Argument(metavar="ENGINE[==RELEASE]", help="vllm, sglang, llamacpp or transformers, or vllm==0.32.0.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def command(ctx: typer.Context, *, as_json: JsonOption = False) -> None:
    """List engines: what is here, the newest release for this driver and card, and why not a newer one.

    For example: `arena engines`, `arena engines install vllm`, or `arena engines remove vllm==0.32.0`.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise UsageError("--json goes behind the verb", try_=f"arena engines {ctx.invoked_subcommand} --json ...")
        return
    from inference_arena.facts import packages  # noqa: PLC0415
    from inference_arena.plan import offer  # noqa: PLC0415
    from inference_arena.run import here  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    home, target = open_home(), _target()
    known = [(offer(name, target=target, platform=_platform()), here(name, home=home)) for name in packages()]
    if as_json:
        _print_json(known, home, target)
    else:
        _print_page(known, home, target)


def install(
    *,
    engine: EngineArgument,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on a terminal.")] = False,
) -> None:
    """Bring a release of an engine into an environment of its own: the newest for this machine, or the one named.

    Interrupted, the same command goes on where it stopped. For example: `arena engines install vllm`, or
    `arena engines install vllm==0.24.0`.
    """
    from inference_arena.plan import offer, offer_of  # noqa: PLC0415
    from inference_arena.report import Progress  # noqa: PLC0415
    from inference_arena.run import install as bring  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    name, release = _parted(engine)
    target = _target()
    usual = offer(name, target=target, platform=_platform())
    asked = usual if release is None else offer_of(name, release, target=target, platform=_platform())
    for line in _said_before(asked):
        complain(line)
    try:
        with Progress(plain=as_json or quiet) as progress:
            made = bring(asked, home=open_home(), view=progress)
    except KeyboardInterrupt:
        complain(f"what was fetched is kept: `arena engines install {engine}` goes on from there")
        raise
    _show(made, as_json=as_json)


def remove(
    *,
    engine: EngineArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a release away that the arena has installed, or what an interrupted install left; asks first.

    For example: `arena engines remove vllm==0.32.0`. Other engines on the machine are never touched.
    """
    from inference_arena.run import remove as take_away  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    home = open_home()
    name, release = _parted(engine)
    release = _there(name, release, home)
    if not yes:
        print(f"remove {name}=={release} from {home.engines}? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ArenaError("nothing was removed", why="the answer was not yes", try_="arena engines remove --yes ...")
    size = take_away(home, name, release)
    print(f"removed {name}=={release}, {units.size(size)}")


SUBVERBS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({"install": install, "remove": remove})


def _parted(text: str) -> tuple[str, str | None]:
    """The engine and the release that was named, if one was. Raises for what is neither."""
    from inference_arena.plan import package_card  # noqa: PLC0415

    name, named, release = text.strip().partition("==")
    if named and not release.strip():
        raise UsageError(f"{text!r} names no release", try_=f"{name}, or a release such as vllm==0.32.0")
    package_card(name)
    return name, release.strip() or None


def _there(name: str, release: str | None, home: "Home") -> str:
    """The release that is meant, whole or begun; the only one where none was named."""
    from inference_arena.run import installed, unfinished  # noqa: PLC0415

    known = [*(one.release for one in installed(home, name)), *unfinished(home, name)]
    names = "one of: " + ", ".join(f"{name}=={one}" for one in known)
    if not known or (release is not None and release not in known):
        asked = name if release is None else f"{name}=={release}"
        raise NotFoundError(f"the arena has installed no {asked}", try_=names if known else "arena engines")
    if release is None and len(known) > 1:
        raise UsageError(f"several releases of {name} are installed", try_=names)
    return release or known[0]


def _target() -> "Target":
    from inference_arena.facts import card_of_device  # noqa: PLC0415
    from inference_arena.hardware import read_host  # noqa: PLC0415
    from inference_arena.plan import targets_of_host  # noqa: PLC0415

    return targets_of_host(read_host(), card_of_device)[0]


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{sys.platform}-{ {'amd64': 'x86_64'}.get(machine, machine) }"


def _said_before(offer: "Offer") -> Iterator[str]:
    """What is about to be brought, and what is in doubt, before it takes minutes."""
    if offer.build is None or offer.version is None:
        return
    yield f"{offer.title} {offer.version}: {offer.build.what}"
    if offer.newer is not None:
        yield f"not {offer.newer}: {offer.why_not_newer}"
    if offer.unverified:
        yield f"it may not run here: {offer.unverified}"


def _show(made: "Installed", *, as_json: bool) -> None:
    if as_json:
        print(made.model_dump_json(indent=2))
        return
    parts = [f"Python {made.python}", *([f"torch {made.torch}"] if made.torch else []), units.size(made.bytes)]
    print(f"{made.engine}=={made.release} is installed: {', '.join(parts)}")


def _notes(offer: "Offer", home: "Home", target: "Target") -> Iterator[str]:
    from inference_arena.run import unfinished  # noqa: PLC0415

    if offer.version is None:
        yield f"not installable here: {offer.why}" + (f"; instead: {offer.instead}" if offer.instead else "")
    elif offer.build is not None:
        unused = offer.place == "processor" and target.vendor in {"amd", "intel"}
        yield f"{offer.version} is {offer.build.what}" + ("; the card of this machine is not used" if unused else "")
    if offer.newer is not None:
        yield f"not {offer.newer}: {offer.why_not_newer}"
    if offer.unverified:
        yield f"{offer.version} may not run: {offer.unverified}"
    for release in unfinished(home, offer.engine):
        yield f"the install of {release} did not end; arena engines install {offer.engine}=={release} goes on"


def _print_page(known: "list[tuple[Offer, tuple[Here, ...]]]", home: "Home", target: "Target") -> None:
    from inference_arena.report import EngineRow, engines_page  # noqa: PLC0415

    rows = [
        EngineRow(
            name=offer.engine,
            title=offer.title,
            here=tuple(f"{one.program.version or '?'} ({one.where})" for one in found),
            newest=offer.version,
            is_here=any(one.program.version == offer.version for one in found),
            notes=tuple(_notes(offer, home, target)),
        )
        for offer, found in known
    ]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    ascii_only = not (sys.stdout.encoding or "ascii").lower().startswith("utf")
    print(engines_page(rows, machine=_machine(target), width=width, ascii_only=ascii_only))


def _machine(target: "Target") -> str:
    driver = f", driver {target.driver}" if target.driver else ""
    return f"{target.title}{driver}, {_platform()}, Python {platform.python_version()}"


def _print_json(known: "list[tuple[Offer, tuple[Here, ...]]]", home: "Home", target: "Target") -> None:
    from inference_arena.run import installed, unfinished  # noqa: PLC0415

    engines = [
        {
            "offer": offer.model_dump(mode="json"),
            "here": [one.model_dump(mode="json") for one in found],
            "installed": [one.model_dump(mode="json") for one in installed(home, offer.engine)],
            "unfinished": list(unfinished(home, offer.engine)),
        }
        for offer, found in known
    ]
    document = {"platform": _platform(), "driver": target.driver, "card": target.gpu, "engines": engines}
    print(json.dumps(document, indent=2, ensure_ascii=False))
