"""Launches of a comparison, made anew and in turn: what was asked for a record, asked again."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from inference_arena import units
from inference_arena.cli import run as run_verb
from inference_arena.cli.output import complain
from inference_arena.compare import belongs
from inference_arena.errors import ArenaError, NotFoundError, UsageError
from inference_arena.record import Record
from inference_arena.store import (
    Home,
    Turns,
    load_turns,
    read_command,
    record_ids,
    save_turns,
    turns_path,
)

if TYPE_CHECKING:
    from inference_arena.run import Asked

LIKE_C: Final = 5.0  # half of what a comparison minds
LONGEST_COOLING_S: Final = 300.0
LOOK_EVERY_S: Final = 2.0


class Interrupted(Exception):  # noqa: N818  # named for what happened
    """Ctrl-C; what was launched by then is kept."""


def launch_in_turn(home: Home, sides: Sequence[Sequence[Record]], *, times: int) -> list[list[str]]:
    """The ids of `times` new launches of each side, taken in turn. Raises Interrupted, or UsageError before the first.

    After an interruption the same call goes on where it was.
    """
    commands = [command_of(home, side) for side in sides]
    groups = [[record.configuration, record.machine or ""] for record in (side[0] for side in sides)]
    path = turns_path(home, groups, times=times)
    turns = _those_still_there(load_turns(path), home)
    if turns.done:
        complain(f"going on: {len(turns.done)} of {times * len(sides)} launches are there from before")
    warmth = _Warmth()
    for number, side in enumerate(order(len(sides), times), start=1):
        if sum(which == side for which, _ in turns.done) >= _so_far(len(sides), number, side):
            continue
        warmth.wait()
        complain(
            f"\n[{number} of {times * len(sides)}] {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[side]}: {sides[side][0].model.name}"
        )
        record = _launch(commands[side])
        _must_belong(record, sides[side][0])
        turns = Turns(done=(*turns.done, (side, record.id)))
        save_turns(path, turns)
    path.unlink(missing_ok=True)
    return [[one for which, one in turns.done if which == side] for side in range(len(sides))]


def order(sides: int, times: int) -> Iterator[int]:
    """A B, B A, A B ...: what drifts meanwhile meets both alike."""
    for turn in range(times):
        yield from range(sides) if turn % 2 == 0 else reversed(range(sides))


def _so_far(sides: int, number: int, side: int) -> int:
    """How many launches of a side there are once so many of all have been made."""
    taken = list(order(sides, -(-number // sides)))[:number]
    return taken.count(side)


def _those_still_there(turns: Turns, home: Home) -> Turns:
    known = frozenset(record_ids(home))
    return Turns(done=tuple((side, one) for side, one in turns.done if one in known))


def command_of(home: Home, side: Sequence[Record]) -> "tuple[Asked, float]":
    """What was asked for the first of the records that can be launched again; raises with a way out."""
    from inference_arena.run import Asked  # noqa: PLC0415

    first = side[0]
    if first.engine.form == "attached":
        raise UsageError(
            f"{first.id} cannot be launched again",
            why="it measured a server that was running already, which is not ours to start",
            try_="start it anew yourself, measure it again, and compare with --restarted",
        )
    kept = [command for record in side if (command := read_command(home, record.id)) is not None]
    if not kept:
        raise NotFoundError(
            f"how {first.id} was launched is not known here",
            why="commands are kept by the machine that ran them, and not shared",
            try_="arena run with the same options makes a launch of its configuration, which can then be repeated",
        )
    usable = next((command for command in kept if not command.held_a_key), None)
    if usable is None:
        raise UsageError(
            f"{first.id} cannot be launched again by itself",
            why="its command held a key, and keys are never kept",
            try_="arena run with the same options, as often as it takes, in turn with the others",
        )
    return Asked.model_validate_json(json.dumps(usable.asked)), usable.sample_every_s


def _launch(command: "tuple[Asked, float]") -> Record:
    asked, sample_every_s = command
    made: list[Record] = []
    code = run_verb.measure(
        asked,
        api_key=None,
        sample_every_s=sample_every_s,
        together=False,
        as_json=False,
        plain=False,
        shown=lambda record, _path, as_json: made.append(record),  # noqa: ARG005  # named as it is called
    )
    if code == run_verb.EXIT_CODES["interrupted"]:
        raise Interrupted
    return made[0]


def _must_belong(record: Record, like: Record) -> None:
    if not belongs(record, like=like):
        raise ArenaError(
            f"{record.id} is no launch of the same configuration as {like.id}",
            why="something changed since: the engine's release, its settings, the model's file or the machine",
            try_=f"compare the new ones with each other: arena compare {record.id} ...",
        )


class _Warmth:
    """Where the hottest card stood before the first launch, and waiting until it is there again."""

    def __init__(self, read_c: Callable[[], float | None] | None = None) -> None:
        from inference_arena.telemetry import hottest_c  # noqa: PLC0415

        self._read_c = read_c or hottest_c
        self._first: float | None = None
        self._seen = False

    def wait(self) -> None:
        now_c = self._read_c()
        if not self._seen:
            self._seen, self._first = True, now_c
            if now_c is None:
                complain("no card is watched here, so launches do not wait for a like temperature")
            return
        if self._first is not None:
            wait_until_like(self._first, read_c=self._read_c, pause=time.sleep, tell=complain)


def wait_until_like(
    first_c: float, *, read_c: Callable[[], float | None], pause: Callable[[float], None], tell: Callable[[str], None]
) -> bool:
    """Until the hottest card is within some degrees of where it began; False where that took too long."""
    waited_s = 0.0
    while (now_c := read_c()) is not None and now_c > first_c + LIKE_C:
        if waited_s == 0:
            most = units.roughly(LONGEST_COOLING_S)
            tell(f"waiting until the card has cooled from {now_c:.0f} to {first_c + LIKE_C:.0f} °C, {most} at most")
        if waited_s >= LONGEST_COOLING_S:
            tell(f"it is still at {now_c:.0f} °C: this launch begins warmer, and the comparison will say so")
            return False
        pause(LOOK_EVERY_S)
        waited_s += LOOK_EVERY_S
    return True
