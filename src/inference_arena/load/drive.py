"""One load point: warm-up at the target load, the steady window, and the load kept up until the last measured
request has ended.

A request is measured when it was scheduled inside the steady window. The load does not let up at the window's end:
further requests are sent, and cut off once every measured one is done, so the last measured requests meet the same
load as the first.
"""

import asyncio
import contextlib
from time import monotonic
from typing import Final

from inference_arena.load.arrivals import constant_arrivals, poisson_arrivals
from inference_arena.load.course import Course, succeeded
from inference_arena.load.point_plan import PointPlan
from inference_arena.load.timer import Timer
from inference_arena.load.wire import Call, Connection, connect, connect_failure, tls_context

WATCH_EVERY_S: Final = 0.25
LAG_EVERY_S: Final = 0.05
FIRST_PAUSE_AFTER_FAILURE_S: Final = 0.05
LONGEST_PAUSE_AFTER_FAILURE_S: Final = 1.0
# for an open load; idle ones may each hold a thread of the server: 41 made llama.cpp keep a request for 15 s
WARM_CONNECTIONS: Final = 2


async def ask(course: Course, *, scheduled: float) -> Call:
    """One request from its schedule to its end, whatever that is. Never raises but for being cancelled."""
    call = Call(course.next_request(), scheduled, asyncio.get_running_loop().create_future(), course.gate)
    course.scheduled(call)
    connection: Connection | None = None
    try:
        while (connection := await _connection(course, call)) is not None:
            course.open[call] = connection
            connection.send(call)
            await call.done
            if not call.stale:
                break
            course.server_closes = True
            call.renew(asyncio.get_running_loop().create_future())
        if connection is not None and connection.usable and not course.server_closes:
            course.idle.append(connection)
        elif connection is not None:
            connection.close()
    except asyncio.CancelledError:
        _cut(call, connection, measured=call in course.measured)
        raise
    finally:
        course.ended(call)
    return call


def _cut(call: Call, connection: Connection | None, *, measured: bool) -> None:
    """The point is over: leave like a user who closes the page."""
    if connection is not None:
        connection.abandon()
    if call.ended is None:
        call.result = "unfinished" if measured else "cancelled"
        call.ended = monotonic()


async def _connection(course: Course, call: Call) -> Connection | None:
    while course.idle:
        if (connection := course.idle.popleft()).usable:
            return connection
    began = monotonic()
    try:
        async with asyncio.timeout(course.plan.request_timeout_s):
            connection = await connect(course.plan.target, tls=course.tls)
    except (OSError, TimeoutError) as error:
        call.fail(*connect_failure(error))
        call.end()
        return None
    call.connect = round(monotonic() - began, 6)
    return connection


async def drive_closed(course: Course) -> None:
    """`concurrency` streams, each sending its next request as soon as its last one ended."""
    loop, load = asyncio.get_running_loop(), course.plan.load
    loop.call_later(course.plan.warmup_limit_s if load.warmup_s is None else load.warmup_s, course.begin_steady)
    await asyncio.gather(*(_stream(course, stream) for stream in range(load.concurrency or 1)))


async def _stream(course: Course, stream: int) -> None:
    pause_s = FIRST_PAUSE_AFTER_FAILURE_S
    while not course.over.is_set():
        call = await ask(course, scheduled=monotonic())
        if course.plan.load.warmup_s is None:
            course.warm(stream)
        if succeeded(call):
            pause_s = FIRST_PAUSE_AFTER_FAILURE_S
            continue
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_AFTER_FAILURE_S, pause_s * 2)


def arrivals(plan: PointPlan) -> tuple[float, ...]:
    """Every arrival of an open load from the start of its warm-up to the last moment it may still run."""
    load = plan.load
    assert load.rate_per_s is not None
    counted_s = 0.0 if load.requests is None else (2 * load.requests + 20) / load.rate_per_s
    seconds = (load.warmup_s or 0.0) + (load.duration_s or counted_s) + plan.drain_limit_s
    if load.arrivals == "constant":
        return constant_arrivals(rate_per_s=load.rate_per_s, seconds=seconds)
    return poisson_arrivals(rate_per_s=load.rate_per_s, seconds=seconds, seed=plan.seed)


def steady_window(plan: PointPlan, times: tuple[float, ...]) -> tuple[float, float]:
    """From the end of warm-up to the end of the duration or just before the arrival after the last wanted one."""
    load = plan.load
    begin = load.warmup_s or 0.0
    end = begin + load.duration_s if load.duration_s is not None else float("inf")
    if load.requests is not None:
        inside = [at for at in times if at >= begin]
        if load.requests < len(inside):
            end = min(end, inside[load.requests])
        elif load.duration_s is None:
            end = (inside or [begin])[-1] + 1e-6
    return begin, end


async def drive_open(course: Course) -> None:
    """Requests at their scheduled times, whether or not earlier ones have been answered."""
    loop, start, times = asyncio.get_running_loop(), course.started, arrivals(course.plan)
    begin, end = steady_window(course.plan, times)
    course.steady_from, course.steady_to = start + begin, start + end
    # a loop timer may fire a millisecond early, when the window would not yet be over
    loop.call_later(end + 0.005, course.stop_when_measured)
    loop.call_later(end + course.plan.drain_limit_s, course.stop, "drain-limit")
    timer = Timer()
    try:
        async with asyncio.TaskGroup() as tasks:
            for at in times:
                await timer.until(start + at)
                tasks.create_task(ask(course, scheduled=start + at))
        await course.over.wait()  # the last arrival may be answered before the window ends
    finally:
        timer.close()


async def warm_connections(course: Course) -> None:
    """Open connections before the clock starts; failing to is left for the requests to find out."""
    load, plan = course.plan.load, course.plan
    wanted = load.concurrency or WARM_CONNECTIONS
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(plan.request_timeout_s):
            for _ in range(wanted):
                course.idle.append(await connect(plan.target, tls=course.tls))


async def watch(course: Course) -> None:
    """Give up requests that take too long."""
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        latest = monotonic() - course.plan.request_timeout_s
        for call, connection in list(course.open.items()):
            if connection is not None and call.sent is not None and call.sent < latest:
                connection.abandon()  # else its end would be told too, and rename the failure or send it again
                call.fail("timeout", f"no end within {course.plan.request_timeout_s:g} s")
                call.end()


async def feel_lag(course: Course) -> None:
    """How late this loop notices a timer: the least error any of its clock readings can have."""
    timer = Timer()
    due = monotonic()
    try:
        while True:
            due += LAG_EVERY_S
            await timer.until(due)
            course.loop_lag_s.append(max(0.0, round(monotonic() - due, 6)))
    finally:
        timer.close()


async def drive(course: Course) -> None:
    """Run one point to its end; `course` says how it went. The raw requests went to `course.keep`."""
    course.tls = tls_context(course.plan.target)
    await warm_connections(course)
    course.started = monotonic()
    main = asyncio.create_task(drive_closed(course) if course.plan.load.kind == "closed" else drive_open(course))
    helpers = [asyncio.create_task(watch(course)), asyncio.create_task(feel_lag(course))]
    over = asyncio.create_task(course.over.wait())
    try:
        await asyncio.wait({main, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (main, over, *helpers):
            task.cancel()
        results = await asyncio.gather(main, over, *helpers, return_exceptions=True)
        for connection in course.idle:
            connection.close()
        course.gate.finish_chores()
    for result in results:
        if isinstance(result, Exception):
            raise result
