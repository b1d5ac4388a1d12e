"""Starting a keeper, asking how its server stands, and ending it. What it keeps is keeper's affair."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import psutil

from inference_arena.engines import READERS
from inference_arena.errors import ArenaError, NotFoundError, UsageError
from inference_arena.facts import Fact
from inference_arena.run.address import Address, locate, parse_address
from inference_arena.run.alive import is_alive, tell, wait_for_end
from inference_arena.run.http import get
from inference_arena.run.keeper import OTHER_KEEPER, Order
from inference_arena.run.process import read_log
from inference_arena.store import (
    Ending,
    Home,
    Serving,
    keeper_log,
    measuring_lock,
    open_keeper_log,
    read_serving,
    serving_log,
    servings,
)
from inference_arena.telemetry import Counters, read_counters

LOOK_S: Final = 0.05
ASK_S: Final = 1.0
SHOWN_LINES: Final = 3
# first the engine's own time to end, then ours to kill it, then the supervisor's without its keeper
ORDERLY_S: Final = 12.0
HURRIED_S: Final = 20.0
KILLED_S: Final = 20.0
OnLog = Callable[[Sequence[str]], None]


class Look(Fact):
    """What a running server answers when asked right now; None: it does not tell."""

    answers: bool
    requests_running: int | None = None
    requests_waiting: int | None = None


def as_it_stands(serving: Serving) -> Serving:
    """As its keeper wrote it, or, where the keeper was killed and could write nothing, what that means."""
    if serving.state == "ended" or is_alive(serving.keeper):
        return serving
    return serving.model_copy(update={"state": "ended", "ending": _silent_end(serving)})


def _silent_end(serving: Serving) -> Ending:
    if datetime.fromisoformat(serving.since).timestamp() < psutil.boot_time():
        what, why = "it ended with the machine", "the machine was started anew since"
        return Ending(kind="died", at=None, cause="machine-restarted", what=what, why=why, advice=_again(serving))
    engine = "the engine is still ending" if is_alive(serving.engine_process) else "the engine ended with it"
    return Ending(
        kind="died",
        at=None,
        cause="keeper-killed",
        what="the arena's process that kept it was killed",
        why=f"kill -9, or the system ran out of memory; {engine}",
        advice=_again(serving),
    )


def _again(serving: Serving) -> str:
    return f"arena up {serving.model}"


def all_standing(home: Home) -> tuple[Serving, ...]:
    return tuple(as_it_stands(one) for one in servings(home))


def running(home: Home) -> tuple[Serving, ...]:
    return tuple(one for one in all_standing(home) if one.state != "ended")


def refuse_beside_servers(home: Home, *, url: str | None = None) -> None:
    """For a run: a kept server takes memory and time that the run would measure as its own. Not the one it measures."""
    target = None if url is None else parse_address(url)
    beside = [one for one in running(home) if target is None or not _is_at(one, target)]
    if beside:
        names = " ".join(one.name for one in beside)
        raise ArenaError(
            f"{beside[0].name} is kept running on this machine",
            why=f"{_brief(beside[0])}; it would share memory and time with the run",
            try_=f"arena down {names}, or --together to measure beside it, which moves the numbers",
        )


def _is_at(serving: Serving, target: Address) -> bool:
    """By its port: a kept server listens on loopback, whichever way that is written."""
    return (
        serving.url is not None
        and target.port == parse_address(serving.url).port
        and locate(target.host) == "same-host"
    )


def refuse_second(home: Home, name: str, *, together: bool) -> None:
    """Before anything is started: who has this name, and who holds the machine."""
    alive = running(home)
    same = next((one for one in alive if one.name == name), None)
    if same is not None:
        raise ArenaError(
            f"{name} is {'running' if same.state == 'ready' else 'starting'} already",
            why=_brief(same),
            try_=f"arena chat {name}, or arena down {name} first, or --name OTHER --together for a second one",
        )
    if alive and not together:
        raise ArenaError(
            f"{alive[0].name} is kept running on this machine",
            why=f"{_brief(alive[0])}; two engines share memory and time",
            try_=f"arena down {alive[0].name}, or --together to run both",
        )


def _brief(serving: Serving) -> str:
    place = serving.url or "its engine is starting"
    return f"{serving.model} on {serving.engine}, {place}, since {serving.since}, pid {serving.keeper.pid}"


def start_keeper(order: Order, home: Home, *, together: bool) -> "subprocess.Popen[bytes]":
    """The keeper, detached from this terminal. Raises ArenaError when the name, or the machine, is taken."""
    with nullcontext() if together else measuring_lock(home):  # a run that begins now sees the server, or we the run
        refuse_second(home, order.name, together=together)
        keeper = _spawn(order, home)
        try:
            wait_until(home, order.name, keeper, true=lambda _: True)
        except BaseException:
            keeper.terminate()
            keeper.wait()
            raise
    return keeper


def _spawn(order: Order, home: Home) -> "subprocess.Popen[bytes]":
    with open_keeper_log(home, order.name) as log:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "inference_arena.run.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    assert keeper.stdin is not None
    with keeper.stdin as pipe:
        pipe.write(order.model_dump_json().encode())
    return keeper


def wait_until(
    home: Home,
    name: str,
    keeper: "subprocess.Popen[bytes]",
    *,
    true: Callable[[Serving], bool],
    on_log: OnLog = lambda _: None,
) -> Serving:
    """The server once that is true of it; raises ArenaError in the words of its ending. The keeper bounds the wait."""
    while True:
        ended = keeper.poll() is not None
        serving = read_serving(home, name)
        mine = serving is not None and serving.keeper.pid == keeper.pid
        if serving is not None and mine and serving.state == "ended":
            keeper.wait()
            raise failure(serving)
        if serving is not None and mine and true(serving):
            return serving
        if ended:
            raise _keeper_failed(home, name, keeper)
        on_log(log_end(home, name))
        sleep(LOOK_S)


def await_ready(home: Home, serving: Serving) -> Serving:
    """One that somebody else is starting, once it is ready; raises ArenaError in the words of its ending."""
    while True:
        now = as_it_stands(read_serving(home, serving.name) or serving)
        if now.state == "ended":
            raise failure(now)
        if now.state == "ready":
            return now
        sleep(LOOK_S)


def log_end(home: Home, name: str) -> tuple[str, ...]:
    return tuple(line for line in read_log(serving_log(home, name)) if line.strip())[-SHOWN_LINES:]


def failure(serving: Serving) -> ArenaError:
    ending = serving.ending
    assert ending is not None
    return ArenaError(ending.what, why=ending.why, try_=f"{ending.advice}; all it said: arena logs {serving.name}")


def _keeper_failed(home: Home, name: str, keeper: "subprocess.Popen[bytes]") -> ArenaError:
    if keeper.returncode == OTHER_KEEPER:
        return ArenaError(f"{name} is being started already", why="by another arena", try_="arena ps")
    said = [line for line in _text(keeper_log(home, name)).splitlines() if line.strip()]
    return ArenaError(
        "the server could not be kept",
        why=said[-1].strip() if said else f"the keeper ended with {keeper.returncode}",
        try_=f"look at {keeper_log(home, name)}",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def ask_server(serving: Serving) -> Look:
    """One quick look: does it answer, and how many requests does it work on."""
    engine = READERS.get(serving.engine)
    if serving.url is None:
        return Look(answers=False)
    answers = get(f"{serving.url}/models", headers={}, timeout_s=ASK_S).status is not None
    if not answers or engine is None or engine.METRICS_PATH is None:
        return Look(answers=answers)
    counters = Counters(url=serving.url.removesuffix("/v1") + engine.METRICS_PATH, names=engine.COUNTERS)
    values = next((sample.values for sample in read_counters(counters, now_s=monotonic, timeout_s=ASK_S)), {})
    busy, waiting = values.get("requests_running"), values.get("requests_waiting")
    return Look(
        answers=True,
        requests_running=None if busy is None else int(busy),
        requests_waiting=None if waiting is None else int(waiting),
    )


def stop(home: Home, serving: Serving) -> Serving:
    """Ends it, at first in good order, then less so, within bounds; how it ended. Raises ArenaError if it does not."""
    for number, limit_s in ((signal.SIGTERM, ORDERLY_S), (signal.SIGTERM, HURRIED_S), (signal.SIGKILL, KILLED_S)):
        tell(serving.keeper, number)
        if wait_for_end(serving.keeper, timeout_s=limit_s):
            break
    engine = (read_serving(home, serving.name) or serving).engine_process
    if engine is not None and not wait_for_end(engine, timeout_s=KILLED_S):
        tell(engine, signal.SIGKILL)
        if not wait_for_end(engine, timeout_s=KILLED_S):
            raise ArenaError(
                f"{serving.name} could not be ended",
                why=f"its engine, pid {engine.pid}, survives being killed, as one does that hangs in a driver",
                try_="look at the system's log; starting the machine anew ends it",
            )
    return as_it_stands(read_serving(home, serving.name) or serving)


def choose_serving(home: Home, name: str | None, *, what: str) -> Serving:
    """The one that was named, by its own name or its model's; else the only one. Ended ones count where none runs."""
    known = all_standing(home)
    if name is not None:
        return _named(known, name)
    candidates = [one for one in known if one.state != "ended"] or list(known)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise NotFoundError("no server is kept running", try_="arena up MODEL starts one")
    names = ", ".join(one.name for one in candidates)
    raise UsageError(f"{len(candidates)} servers are known: {names}", try_=f"arena {what} {candidates[0].name}")


def _named(known: Sequence[Serving], name: str) -> Serving:
    fitting = [one for one in known if one.name == name]
    fitting += [one for one in known if name in {one.model, one.checkpoint} and one.state != "ended"]
    if fitting:
        return fitting[0]
    names = ", ".join(one.name for one in known)
    advice = f"one of: {names}" if names else "arena up MODEL starts one"
    raise NotFoundError(f"no server is called {name!r}", try_=advice)
