"""`arena watch`: the heartbeat of this machine, also while a run is going on."""

import sys
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Final

import typer

from inference_arena.cli.run_words import sampling_interval_s

if TYPE_CHECKING:
    from inference_arena.record import Sample
    from inference_arena.report import JsonView, LiveView, PlainView
    from inference_arena.run import Watching

EVERY: Final = "100ms"
EVERY_LINES: Final = "1s"
LOOKS_PER_S: Final = 4
# a share of the processor needs two readings, a second apart
ONCE_S: Final = 2.5


def command(
    *,
    every: Annotated[
        str | None,
        typer.Option(
            help=f"Time between two readings of each GPU; {EVERY} if not told, {EVERY_LINES} for plain lines.",
            metavar=EVERY,
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show the machine as it is now, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print samples as they come, one JSON object a line.")
    ] = False,
) -> int:
    """Watch GPUs, processor and memory; and the run that is going on, if there is one.

    On a terminal the view is redrawn in place; elsewhere it is plain lines. Ctrl-C ends it, with exit code 0.

    \b
    arena watch                   live, also in a second terminal while `arena run` measures
    arena watch --once            the machine as it is now
    arena watch --json --every 1s > samples.jsonl
    """  # noqa: D301
    from inference_arena.report import JsonView, LiveView, PlainView, Watched, redraws  # noqa: PLC0415
    from inference_arena.run import Ended, Interrupts, Watching  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    is_lines = not as_json and not once and not redraws(sys.stdout)
    every_s = sampling_interval_s(every or (EVERY_LINES if is_lines else EVERY), name="--every")
    home = open_home()
    watched = Watched(names=() if as_json or is_lines else card_names())
    view: JsonView | LiveView | PlainView
    if as_json:
        view = JsonView(sys.stdout)
    elif is_lines:
        view = PlainView(watched, sys.stdout, every_s=every_s)
    else:
        view = LiveView(watched, sys.stdout)
    with Interrupts() as interrupts, suppress(Ended), Watching(home=home, every_s=every_s) as watching:
        if once:
            _once(watching, view, as_json=as_json)
        else:
            _forever(watching, view)
    return 0 if interrupts.by in {None, "ctrl-c"} else 130


def card_names() -> tuple[str | None, ...]:
    from inference_arena.hardware import read_host  # noqa: PLC0415

    return tuple(device.name for device in read_host().devices)


def _forever(watching: "Watching", view: "JsonView | LiveView | PlainView") -> None:
    with view:
        while True:
            view.show(watching.look())
            watching.wait(1 / LOOKS_PER_S)


def _once(watching: "Watching", view: "JsonView | LiveView | PlainView", *, as_json: bool) -> None:
    """Looks until the processor's share is told, or for a while; then shows what there is."""
    give_up_s = monotonic() + ONCE_S
    newest: dict[tuple[str, int | None], Sample] = {}
    while True:
        seen = watching.look()
        newest |= {(sample.kind, getattr(sample, "device", None)): sample for sample in seen.samples}
        if not as_json:
            view.show(seen)
        host = newest.get(("host", None))
        if getattr(host, "cpu_share", None) is not None or monotonic() > give_up_s:
            break
        watching.wait(1 / LOOKS_PER_S)
    if as_json:
        view.show(replace(seen, samples=tuple(newest.values()), events=seen.events[-1:]))
    else:
        view.print_once()
