"""`arena down`: end servers that are kept running."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from inference_arena.cli.ps import local_time
from inference_arena.errors import UsageError
from inference_arena.printable import plain

if TYPE_CHECKING:
    from inference_arena.store import Home, Serving


def command(
    name: Annotated[str | None, typer.Argument(help="The server; the only one if not named.", metavar="[NAME]")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """End a server that `arena up` keeps running: its engine, and all that this started.

    Requests under way are given a few seconds. One that had ended by itself is forgotten. For example: `arena down`, or
    `arena down --all`.
    """
    from inference_arena.run import all_standing, choose_serving  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    if everything and name is not None:
        raise UsageError("a name and --all cannot both be meant", try_="arena down --all")
    home = open_home()
    chosen = (
        [one for one in all_standing(home) if one.ending is None or one.ending.kind != "stopped"]
        if everything
        else [choose_serving(home, name, what="down")]
    )
    said = [(one.name, _end(home, one)) for one in chosen]
    if as_json:
        print(json.dumps({"servers": [{"name": name, "what": what} for name, what in said]}, ensure_ascii=False))
    elif not said:
        print("no server is kept running")
    else:
        print("\n".join(plain(f"{name} {what}") for name, what in said))


def _end(home: "Home", serving: "Serving") -> str:
    """What was done, as the rest of a sentence about it."""
    from inference_arena.run import is_alive, stop  # noqa: PLC0415
    from inference_arena.store import forget_serving  # noqa: PLC0415

    ending = serving.ending
    if ending is not None and ending.kind == "stopped":
        return f"is not running: it was stopped{'' if ending.at is None else f' at {local_time(ending.at)}'}"
    if ending is None or is_alive(serving.engine_process):
        serving = stop(home, serving)
    ended = serving.ending
    if ended is not None and ended.kind == "stopped":
        return "is stopped"
    forget_serving(home, serving.name)
    how = "" if ended is None else f": {ended.what}" + (f": {ended.why}" if ended.why else "")
    return f"had ended by itself{how}. It is forgotten now"
