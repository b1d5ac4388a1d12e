"""The load process: reads plans of load points from its standard input, drives them, and says how it goes.

It runs by itself so that nothing else (drawing, parsing, sampling) delays a clock reading. One JSON line in: a plan,
or "stop". JSON lines out: tick, done, error. When its input ends, it leaves: nothing outlives the arena.
"""

import asyncio
import contextlib
import gc
import json
import resource
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from time import monotonic, process_time
from typing import IO, Any, Final

from inference_arena.load.ahead import Ahead
from inference_arena.load.core import going_first, keep_to_core
from inference_arena.load.course import Course
from inference_arena.load.decode import first_token_at
from inference_arena.load.drive import drive
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.raw import write_raw
from inference_arena.load.wire import Call

TICK_EVERY_S: Final = 0.5
START: Final = "start "
# a write of a megabyte holds the loop up for three milliseconds, one of this size for a tenth
WRITE_BYTES: Final = 32 * 1024
Lines = asyncio.Queue[str | None]


def say(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def read_lines(lines: Lines, loop: asyncio.AbstractEventLoop) -> None:
    """In a thread of its own, since a pipe's end is noticed by a blocked read at no cost."""
    with contextlib.suppress(RuntimeError):
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, None)


def since(plan: PointPlan, reading: float | None) -> float | None:
    """A monotonic reading on the run's clock."""
    return None if reading is None else round(reading - plan.clock_zero_s, 6)


def first_token_s(call: Call | None) -> float | None:
    """TTFT of one ended answer, for the live view only."""
    first = None if call is None else first_token_at(call)
    return None if first is None or call is None or call.sent is None else first - call.sent


async def tell_ticks(course: Course) -> None:
    """Twice a second; the steady window is told too, since a killed run's record is made from these."""
    seen, at = 0, monotonic()
    while True:
        await asyncio.sleep(TICK_EVERY_S)
        reads, now = course.reads, monotonic()
        say(
            "tick",
            point=course.plan.point,
            phase=course.phase,
            elapsed_s=round(now - course.started, 3),
            reads_per_s=round((reads - seen) / (now - at), 1),
            ttft_s=first_token_s(course.last_ok),
            in_flight=len(course.open),
            done=course.done,
            failed=course.failed,
            steady_from_s=since(course.plan, course.steady_from),
            steady_to_s=since(course.plan, course.steady_to),
        )
        course.last_ok, seen, at = None, reads, now


async def listen_while_driving(course: Course, lines: Lines) -> None:
    line = await lines.get()
    course.stop("interrupted")
    if line is None:
        lines.put_nowait(None)


def make_ahead(plan: PointPlan) -> Ahead:
    """Many long prompts take a minute, and silence would be taken for a death."""
    ahead, said = Ahead(plan), monotonic()

    def tell(made: int) -> None:
        nonlocal said
        if monotonic() - said > TICK_EVERY_S:
            say("preparing", point=plan.point, made=made)
            said = monotonic()

    ahead.fill(tell)
    return ahead


async def agreed_start(lines: Lines) -> float | None:
    """When to start, once every load process has made its prompts; anything else is for who listens while driving."""
    say("prepared")
    line = await lines.get()
    if line is not None and line.startswith(START):
        return float(line.removeprefix(START))
    lines.put_nowait(line)
    return None


async def drive_point(plan: PointPlan, lines: Lines, file: IO[bytes], *, own_core: bool) -> None:
    ahead = make_ahead(plan)
    keep = partial(write_raw, file, point=plan.point, clock_zero_s=plan.clock_zero_s)
    start_at = await agreed_start(lines) if plan.processes > 1 else None
    course = Course(plan=plan, ahead=ahead, keep=keep, start_at=start_at)
    gc.collect()
    gc.freeze()
    gc.disable()
    began, cpu_began = monotonic(), process_time()
    with going_first(own_core):
        await _with_helpers(course, lines, file)
    cpu_s, ended = process_time() - cpu_began, monotonic()
    gc.enable()
    gc.unfreeze()
    write_out(file, course)
    tell_done(course, began=began, ended=ended, cpu_s=cpu_s)


async def _with_helpers(course: Course, lines: Lines, file: IO[bytes]) -> None:
    helpers = [
        asyncio.create_task(tell_ticks(course)),
        asyncio.create_task(listen_while_driving(course, lines)),
        asyncio.create_task(flush_now_and_then(file, course)),
    ]
    try:
        await drive(course)
    finally:
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


async def flush_now_and_then(file: IO[bytes], course: Course) -> None:
    """So that a killed run loses at most a moment."""
    while True:
        await asyncio.sleep(1.0)
        flush(file, course)


def flush(file: IO[bytes], course: Course) -> None:
    """What has ended is on disk, or the point says that it is not."""
    try:
        file.flush()
    except OSError as error:
        course.storage_error = error
        course.stop("storage")


def write_out(file: IO[bytes], course: Course) -> None:
    """Before anybody is told that the point is over, since they read the file then."""
    try:
        file.close()
    except OSError as error:
        course.storage_error = course.storage_error or error
        course.stopped_by = "storage"


def tell_done(course: Course, *, began: float, ended: float, cpu_s: float) -> None:
    plan = course.plan
    say(
        "done",
        point=course.plan.point,
        started_s=since(plan, course.started),
        steady_from_s=since(plan, course.steady_from),
        steady_to_s=since(plan, course.steady_to),
        ended_s=since(plan, ended),
        stopped_by=course.stopped_by,
        storage_error=None if course.storage_error is None else str(course.storage_error),
        client={
            "point": course.plan.point,
            "from_s": since(plan, began),
            "to_s": since(plan, ended),
            "cpu_s": round(cpu_s, 6),
            "event_loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
            "prompts_made_late": course.ahead.made_late,
            "loop_lag_s": course.loop_lag_s,
        },
    )


async def serve(*, own_core: bool) -> None:
    lines: Lines = asyncio.Queue()
    reader = threading.Thread(target=read_lines, args=(lines, asyncio.get_running_loop()), daemon=True)
    reader.start()
    say("ready")
    while (line := await lines.get()) is not None:
        if line.strip() == "stop":
            continue
        try:
            plan = PointPlan.model_validate_json(line)
            file = Path(plan.raw_path).open("ab", buffering=WRITE_BYTES)  # noqa: ASYNC230, SIM115  # nothing is under way
        except OSError as error:
            say("error", kind="storage", message=str(error))
            continue
        try:
            await drive_point(plan, lines, file, own_core=own_core)
        finally:
            with contextlib.suppress(OSError):  # a full disk was told with the point
                file.close()


def allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own_core = keep_to_core(sys.argv)
    allow_many_connections()
    try:
        import uvloop  # noqa: PLC0415  # not on every platform
    except ImportError:
        asyncio.run(serve(own_core=own_core))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(own_core=own_core))


if __name__ == "__main__":
    main()
