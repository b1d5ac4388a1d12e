"""`arena logs`: what the engine of a kept server says."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inference_arena.printable import passage

if TYPE_CHECKING:
    from inference_arena.store import Home, Serving

LOOK_S = 0.2


def command(
    name: Annotated[str | None, typer.Argument(help="The server; the only one if not named.", metavar="[NAME]")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the server ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="So many of its newest lines.", min=0)] = 100,
) -> None:
    """Print the newest lines of a kept server's engine.

    For example: `arena logs`, `arena logs NAME -n 20`, or `arena logs -f` to go on until it ends.
    """
    from inference_arena.run import choose_serving  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    home = open_home()
    serving = choose_serving(home, name, what="logs")
    position = _show_last(serving, lines)
    if follow:
        _follow(home, serving, position)


def _show_last(serving: "Serving", lines: int) -> int:
    from inference_arena.run import log_since  # noqa: PLC0415

    said, position = log_since(Path(serving.log_path), 0)
    kept = said.decode(errors="replace").splitlines()
    for line in kept[max(0, len(kept) - lines) :]:
        print(passage(line))
    if not said:
        print(f"{serving.name} has said nothing yet", file=sys.stderr)
    return position


def _follow(home: "Home", serving: "Serving", position: int) -> None:
    from inference_arena.run import as_it_stands, log_since  # noqa: PLC0415
    from inference_arena.store import read_serving  # noqa: PLC0415

    while True:
        now = as_it_stands(read_serving(home, serving.name) or serving)
        said, position = log_since(Path(serving.log_path), position)
        if said:
            print(passage(said.decode(errors="replace")), end="", flush=True)
        if now.ending is not None:
            print(f"{now.name} ended: {now.ending.what}", file=sys.stderr)
            return
        time.sleep(LOOK_S)
