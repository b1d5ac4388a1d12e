"""One load point: warm-up at the target load, the steady window, and the load kept up until the last measured
request has ended.

A request is measured when it was scheduled inside the steady window. The load does not let up at the window's end:
further requests are sent, and cut off once every measured one is done, so the last measured requests meet the same
load as the first.
"""

import asyncio
import contextlib
import random
from time import monotonic
from typing import Final

from inference_arena.load.arrivals import share_of
from inference_arena.load.behind import watch_line
from inference_arena.load.conversation import turn_request
from inference_arena.load.course import Course, succeeded
from inference_arena.load.decode import answer_text
from inference_arena.load.leaving import people_leave
from inference_arena.load.requests import Request
from inference_arena.load.schedule import arrivals, steady_window
from inference_arena.load.timer import Timer
from inference_arena.load.wire import Call, Connection, connect, connect_failure, tls_context
from inference_arena.plan import Sessions, next_wanted, streams_wanted

WATCH_EVERY_S: Final = 0.25
LAG_EVERY_S: Final = 0.05
FIRST_PAUSE_AFTER_FAILURE_S: Final = 0.05
LONGEST_PAUSE_AFTER_FAILURE_S: Final = 1.0
# for an open load; idle ones may each hold a thread of the server: 41 made llama.cpp keep a request for 15 s
WARM_CONNECTIONS: Final = 2


async def ask(course: Course, *, scheduled: float, request: Request | None = None) -> Call:
    """One request from its schedule to its end, whatever that is. Never raises but for being cancelled."""
    call = Call(request or course.next_request(), scheduled, asyncio.get_running_loop().create_future(), course.gate)
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


async def converse(course: Course, *, scheduled: float, stream: int | None = None, joins: bool = False) -> Call:
    """A conversation with a timer of its own: the loop's own timers may fire a millisecond early."""
    timer = Timer()
    try:
        return await _converse(course, timer, scheduled=scheduled, stream=stream, joins=joins)
    finally:
        timer.close()


async def _converse(course: Course, timer: Timer, *, scheduled: float, stream: int | None, joins: bool) -> Call:
    """One conversation, turn after turn, until a turn goes wrong or the point is over; the last call.

    One that `joins` is joined at a turn that its stream's number draws, so that streams do not march in step.
    """
    plan, conversation = course.plan, course.next_conversation()
    first = 0
    if joins:
        first = random.Random(f"{plan.seed}/{stream}/first").randrange(len(conversation.turns))
    said, tokens = list(conversation.opening), plan.sessions.system_tokens if plan.sessions else 0
    for turn in range(first, len(conversation.turns)):
        request = turn_request(plan, conversation, turn, before=said, before_tokens=tokens)
        call = await ask(course, scheduled=scheduled, request=request)
        if stream is not None and plan.load.warmup_s is None:
            course.warm(stream)
        if not succeeded(call) or course.over.is_set() or turn + 1 == len(conversation.turns):
            break
        said += [{"role": "user", "content": conversation.turns[turn].text}]
        said += [{"role": "assistant", "content": await answer_text(b"".join(call.body))}]
        tokens = request.asked_input_tokens + request.asked_output_tokens
        scheduled = (call.ended or monotonic()) + conversation.turns[turn + 1].think_s
        await timer.until(scheduled)
    return call


async def drive_closed(course: Course) -> None:
    """`concurrency` streams, each sending its next request as soon as its last one ended."""
    loop, load = asyncio.get_running_loop(), course.plan.load
    loop.call_later(course.plan.warmup_limit_s if load.warmup_s is None else load.warmup_s, course.begin_steady)
    streams = range(course.plan.process, load.concurrency or 1, course.plan.processes)
    await asyncio.gather(*(_stream(course, stream) for stream in streams))


async def _stream(course: Course, stream: int) -> None:
    pause_s = FIRST_PAUSE_AFTER_FAILURE_S
    sessions, pick = course.plan.sessions, random.Random(f"{course.plan.seed}/{stream}")
    if sessions is not None:
        await asyncio.sleep(_first_pause_s(course, sessions, pick))
    joins = True
    while not course.over.is_set():
        await _until_wanted(course, stream)
        if sessions is None:
            call = await ask(course, scheduled=monotonic())
        else:
            call = await converse(course, scheduled=monotonic(), stream=stream, joins=joins)
        joins = False
        if course.plan.load.warmup_s is None:
            course.warm(stream)
        if succeeded(call):
            pause_s = FIRST_PAUSE_AFTER_FAILURE_S
            await asyncio.sleep(0 if sessions is None else _pause_s(sessions, pick))
            continue
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_AFTER_FAILURE_S, pause_s * 2)


def _first_pause_s(course: Course, sessions: Sessions, pick: random.Random) -> float:
    """With a warm-up of a named length people are in the midst of a pause from the start, so that as many questions
    come in its first second as later. Else the warm-up waits for all of them, and none may keep it waiting for long.
    """
    if course.plan.load.warmup_s is None:
        return pick.uniform(0.0, sessions.think_s)
    return _pause_s(sessions, pick)


def _pause_s(sessions: Sessions, pick: random.Random) -> float:
    return pick.expovariate(1 / sessions.think_s) if sessions.think_s > 0 else 0.0


async def _until_wanted(course: Course, stream: int) -> None:
    """Wait while a ramp or a step has no place for this stream."""
    load = course.plan.load
    while stream >= streams_wanted(load, course.share):
        if course.steady_from is None:
            await course.steady.wait()
            continue
        join = next_wanted(load, stream=stream, after=course.share)
        if join is None:
            await course.over.wait()
            return
        await asyncio.sleep(max(0.001, course.steady_from + join * (load.duration_s or 0.0) - monotonic()))


async def drive_open(course: Course) -> None:
    """Requests at their scheduled times, whether or not earlier ones have been answered."""
    loop, start, plan = asyncio.get_running_loop(), course.started, course.plan
    times = arrivals(plan)
    begin, end = steady_window(plan, times)
    send = ask if plan.sessions is None else converse
    course.steady_from, course.steady_to = start + begin, start + end
    # a loop timer may fire a millisecond early, when the window would not yet be over
    loop.call_later(end + 0.005, course.stop_when_measured)
    loop.call_later(end + course.plan.drain_limit_s, course.stop, "drain-limit")
    timer = Timer()
    try:
        async with asyncio.TaskGroup() as tasks:
            for at in share_of(times, process=plan.process, processes=plan.processes):
                await timer.until(start + at)
                tasks.create_task(send(course, scheduled=start + at))
        await course.over.wait()  # the last arrival may be answered before the window ends
    finally:
        timer.close()


async def warm_connections(course: Course) -> None:
    """Open connections before the clock starts; failing to is left for the requests to find out."""
    load, plan = course.plan.load, course.plan
    streams = len(range(plan.process, load.concurrency or 0, plan.processes))
    wanted = streams or WARM_CONNECTIONS
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


async def _until_start(course: Course) -> None:
    """At once, or at the moment at which several load processes start together."""
    if course.start_at is None:
        course.started = monotonic()
        return
    await asyncio.sleep(course.start_at - monotonic())
    course.started = course.start_at


async def drive(course: Course) -> None:
    """Run one point to its end; `course` says how it went. The raw requests went to `course.keep`."""
    course.tls = tls_context(course.plan.target)
    await warm_connections(course)
    await _until_start(course)
    main = asyncio.create_task(drive_closed(course) if course.plan.load.kind == "closed" else drive_open(course))
    helpers = [asyncio.create_task(helper(course)) for helper in (watch, feel_lag, people_leave, watch_line)]
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
