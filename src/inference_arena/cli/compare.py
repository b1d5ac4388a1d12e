"""`arena compare`: is one really better than the other, or is it noise?"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from inference_arena import units
from inference_arena.cli.output import complain
from inference_arena.cli.paper import show
from inference_arena.compare import (
    JUDGED,
    MEASURES,
    Comparison,
    Launch,
    Side,
    belongs,
    compare,
    make_side,
    same_launch_group,
)
from inference_arena.errors import NotFoundError, UsageError
from inference_arena.record import DeviceSample, Record
from inference_arena.store import Home, find_record, iter_samples, load_record, open_home

_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIRST_SAMPLES_S = 5.0
INTERRUPTED = 130
Found = tuple[Record, Path]


def command(
    *,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RECORD",
            help="One of each side: an id, its beginning or end, last, or a folder; or several, with commas.",
        ),
    ],
    only: Annotated[
        bool, typer.Option("--only", help="Just the named records, not all launches of their configurations.")
    ] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option(help=f"Judge this instead of {', '.join(JUDGED)}; may be repeated. Of: {', '.join(MEASURES)}."),
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="1,8", help="Only these loads; all that both sides have.")] = None,
    times: Annotated[
        int | None,
        typer.Option(
            "--run",
            metavar="N",
            help="First launch each side N times more, in turn, from a like temperature.",
            min=1,
            max=100,
        ),
    ] = None,
    restarted: Annotated[
        bool, typer.Option("--restarted", help="A server that ran already was started anew for each of its records.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say whether B really differs from A: what may be compared, how much, how sure, and how many launches it takes.

    A side is all launches of one configuration on one machine. Exit code 1 when something forbids the comparison, or
    launches are too few. For example: `arena compare 20261123-1201 last`, or `arena compare a1b2c3 d4e5f6 --at 8`.
    """
    judged = _judged(metric)
    levels = units.parse_numbers(at, whole=False, name="--at") if at else ()
    home = open_home()
    launched = names if times is None else _with_new_launches(home, names, times=times, only=only)
    if launched is None:
        return INTERRUPTED
    sides = _sides(home, launched, only=only, restarted=restarted)
    _refuse_unknown(levels, sides)
    comparison = compare(sides, metrics=judged, levels=levels)
    if as_json:
        print(comparison.model_dump_json(indent=2))
    else:
        _print(comparison, sides)
    return 0 if comparison.done else 1


def _with_new_launches(home: Home, names: Sequence[str], *, times: int, only: bool) -> list[str] | None:
    """The sides with what was launched for them; None where that was interrupted."""
    from inference_arena.cli.relaunch import Interrupted, launch_in_turn  # noqa: PLC0415 - heavy

    _refuse_number(names)
    found = [_side(home, name, only=only) for name in names]
    if not only:
        _refuse_the_same(found, names)
    records = [[record for record, _ in side] for side in found]
    try:
        new = launch_in_turn(home, records, times=times)
    except Interrupted:
        complain(f"interrupted; the launches so far are kept: `arena compare {' '.join(names)} --run {times}` goes on")
        return None
    kept = [[record.id for record in side] if only else [side[0].id] for side in records]
    return [",".join((*old, *ids)) for old, ids in zip(kept, new, strict=True)]


def _judged(metrics: Sequence[str] | None) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(metrics or JUDGED))
    for name in asked:
        if name not in MEASURES:
            raise UsageError(f"no metric is called {name!r}", try_="--metric " + ", ".join(MEASURES))
    return asked


def _refuse_unknown(levels: Sequence[float], sides: Sequence[Side]) -> None:
    loads = {point.load.level for side in sides for launch in side.launches for point in launch.points}
    for level in levels:
        if level not in loads:
            have = ", ".join(f"{each:g}" for each in sorted(loads))
            raise UsageError(f"nothing was measured at {level:g}", try_=f"--at {have}" if have else "")


def _sides(home: Home, names: Sequence[str], *, only: bool, restarted: bool) -> list[Side]:
    _refuse_number(names)
    sides = [_side(home, name, only=only) for name in names]
    if not only:
        _refuse_the_same(sides, names)
        _say_unreadable(home)
    return [
        make_side(label, launches(records), restarted=restarted) for label, records in zip(_LABELS, sides, strict=False)
    ]


def _refuse_number(names: Sequence[str]) -> None:
    if not 2 <= len(names) <= len(_LABELS):
        why = f"{len(names)} {'was' if len(names) == 1 else 'were'} named"
        raise UsageError("a comparison takes two sides or more", why=why, try_="arena list shows what there is")


def _say_unreadable(home: Home) -> None:
    from inference_arena.store import refresh_index  # noqa: PLC0415 - brings SQLAlchemy

    for path, reason in refresh_index(home):
        print(f"not looked at: {path}: {reason}", file=sys.stderr)


def _side(home: Home, name: str, *, only: bool) -> list[Found]:
    """The records of one side: those named, with all others of their configuration unless `only`."""
    paths = dict.fromkeys(find_record(home, part.strip()) for part in name.split(",") if part.strip())
    if not paths:
        raise NotFoundError(f"no record is called {name!r}", try_="arena list")
    named = [(load_record(path), path) for path in paths]
    group = same_launch_group(named[0][0])
    for record, _ in named:
        if same_launch_group(record) != group:
            raise UsageError(
                f"{record.id} is no launch of the same configuration as {named[0][0].id}",
                why="the records of one side must have measured the same thing on the same machine",
                try_="a side of its own: arena compare A B C",
            )
    known = {record.id for record, _ in named}
    others = () if only else (found for found in _of_configuration(home, named[0][0]) if found[0].id not in known)
    return [*named, *others]


def _of_configuration(home: Home, like: Record) -> Iterator[Found]:
    from inference_arena.store import list_records  # noqa: PLC0415 - brings SQLAlchemy

    for row in list_records(home):
        if row.configuration == like.configuration or row.outcome != "finished":
            path = home.records / row.id
            record = load_record(path)
            if belongs(record, like=like):
                yield record, path


def _refuse_the_same(sides: Sequence[Sequence[Found]], names: Sequence[str]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for records, name in zip(sides, names, strict=True):
        group = same_launch_group(records[0][0])
        if group in seen:
            raise UsageError(
                f"{seen[group]} and {name} are launches of the same configuration",
                why="they stand on one side; nothing that the arena knows of differs between them",
                try_="--only compares the named records, for instance those of before and after a change",
            )
        seen[group] = name


def launches(records: Iterable[Found]) -> list[Launch]:
    return [Launch(record=record, start_c=_start_c(record, path)) for record, path in records]


def _start_c(record: Record, path: Path) -> float | None:
    """The hottest card in the first seconds; None where no card was watched."""
    if not record.host.devices:
        return None
    hottest: float | None = None
    for sample in iter_samples(path):
        if isinstance(sample, DeviceSample) and sample.temperature_c is not None:
            if sample.t_s > _FIRST_SAMPLES_S and hottest is not None:
                return hottest
            hottest = max(hottest or sample.temperature_c, sample.temperature_c)
    return hottest


def _print(comparison: Comparison, sides: Sequence[Side]) -> None:
    from inference_arena.report import ComparePage, compare_blocks  # noqa: PLC0415

    page = ComparePage(comparison=comparison, named={side.label: side.any for side in sides})
    show(partial(compare_blocks, page))
