"""`arena ps`: the servers that are kept running here, and those that ended by themselves."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inference_arena import units
from inference_arena.printable import plain

if TYPE_CHECKING:
    from inference_arena.run import Look
    from inference_arena.store import Serving

PIPE_WIDTH = 240  # a pipe has no width to wrap to, and grep wants one line a server


def command(
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Also those that were stopped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the servers that `arena up` keeps running, and those that ended by themselves.

    For example: `arena ps`, or `arena ps --all --json`.
    """
    from inference_arena.run import all_standing, ask_server  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    known = [one for one in all_standing(open_home()) if everything or not _was_stopped(one)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        looks = list(pool.map(lambda one: ask_server(one) if one.state == "ready" else None, known))
    if as_json:
        documents = [_document(one, look) for one, look in zip(known, looks, strict=True)]
        print(json.dumps({"servers": documents}, ensure_ascii=False, indent=2))
        return
    if not known:
        print("no server is kept running; `arena up MODEL` starts one", file=sys.stderr)
        return
    _print(known, looks)


def _was_stopped(serving: "Serving") -> bool:
    return serving.ending is not None and serving.ending.kind == "stopped"


def _document(serving: "Serving", look: "Look | None") -> dict[str, Any]:
    asked = {"answers": None, "requests_running": None, "requests_waiting": None} if look is None else look.model_dump()
    return {**serving.model_dump(mode="json"), **asked}


def _print(known: "list[Serving]", looks: "list[Look | None]") -> None:
    from rich.console import Console  # noqa: PLC0415 - start-up stays quick
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", overflow="fold", min_width=12)
    table.add_column("engine", overflow="fold")
    table.add_column("address", no_wrap=True)  # to be copied
    table.add_column("state")
    table.add_column("since", no_wrap=True)
    table.add_column("requests", justify="right")
    for serving, look in zip(known, looks, strict=True):
        table.add_row(*(Text(plain(cell)) for cell in _cells(serving, look)))
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False).print(table)
    for serving in known:
        if serving.ending is not None:
            print(plain(f"{serving.name} {_ended(serving)}"))


def _cells(serving: "Serving", look: "Look | None") -> tuple[str, ...]:
    name = serving.name if serving.name == serving.model else f"{serving.name} ({serving.model})"
    return (
        name,
        f"{serving.engine} {serving.release or ''}".strip(),
        units.DASH if serving.url is None or serving.ending is not None else serving.url,
        _state(serving, look),
        f"{datetime.fromisoformat(serving.since).astimezone():%m-%d %H:%M}",
        units.DASH if look is None or look.requests_running is None else str(look.requests_running),
    )


def _state(serving: "Serving", look: "Look | None") -> str:
    if serving.ending is not None:
        return serving.ending.kind
    return "ready, but does not answer" if look is not None and not look.answers else serving.state


def _ended(serving: "Serving") -> str:
    """One sentence: how, when, why, and what to do."""
    ending = serving.ending
    assert ending is not None
    at = "" if ending.at is None else f" at {local_time(ending.at)}"
    why = f": {ending.why}" if ending.why else ""
    if ending.kind == "stopped":
        return f"was stopped{at}"
    return (
        f"{ending.kind}{at}: {ending.what}{why}. Look: arena logs {serving.name}; arena down {serving.name} forgets it"
    )


def local_time(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
