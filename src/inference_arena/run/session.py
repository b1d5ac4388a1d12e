"""One run, from launch to the last load point. The order of things is here; what they do comes in as tools.

Whatever happens, the engine is stopped, the journal holds what was seen, and the answer is an outcome.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from inference_arena.errors import ArenaError, StorageError
from inference_arena.load import Driven, LoadProcessDied, PointPlan, decode, read_raw
from inference_arena.metrics import headline_ttft, summarise
from inference_arena.record import (
    Failed,
    Finished,
    Interrupted,
    Outcome,
    Point,
    PointSummary,
    RequestTrace,
    Sample,
    Stage,
    Startup,
)
from inference_arena.run.failure import RunFailed, request_failed
from inference_arena.run.first import Acquainted
from inference_arena.run.interrupts import Ended
from inference_arena.run.job import Job, Program
from inference_arena.run.pace import expected_s, point_plan
from inference_arena.run.points import points_in_words, points_to_drive
from inference_arena.run.server import Server, died, failed_first_answer, first_that_works
from inference_arena.run.tools import Tick, Tools

ENDING_S: Final = 15.0  # an engine of several processes that lost one refuses all, and then takes a while to end


@dataclass(slots=True)
class _Where:
    """How far the run has come, for the outcome's sake."""

    stage: Stage = "prepare"
    summaries: list[PointSummary] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    noted: set[str] = field(default_factory=set)


def run(job: Job, tools: Tools) -> Outcome:
    """Measure; the outcome says how it ended and is the journal's last word."""
    where = _Where()
    outcome = _outcome(job, tools, where)
    with suppress(StorageError):  # a full disk: the record will be made from what is there
        tools.journal.event("outcome", outcome=outcome.model_dump(mode="json"), t_s=tools.now_s())
    return outcome


def _outcome(job: Job, tools: Tools, where: _Where) -> Outcome:
    try:
        with tools.heard():
            _measure(job, tools, where)
    except RunFailed as error:
        return error.failed
    except Ended as ended:
        return Interrupted(stage=where.stage, by=ended.by)
    except KeyboardInterrupt:
        return Interrupted(stage=where.stage, by="ctrl-c")
    except LoadProcessDied as error:
        return _failed(where.stage, "client-died", error)
    except StorageError as error:
        return _failed(where.stage, "storage", error)
    return Finished()


def _failed(stage: Stage, cause: str, error: ArenaError) -> Failed:
    return Failed(stage=stage, cause=cause, what=error.what, why=error.why, advice=error.try_ or "run it again")


def _enter(tools: Tools, where: _Where, stage: Stage, *, title: str, detail: str = "") -> None:
    where.stage = stage
    tools.journal.event("stage", stage=stage, t_s=tools.now_s())
    tools.progress.stage(title, detail)


def _measure(job: Job, tools: Tools, where: _Where) -> None:
    server, known = start_first_that_works(job, tools, where)
    try:
        with tools.watch(server, known):
            _drive_all(job, tools, where, server=server, known=known)
    finally:
        server.stop()
    _must_have_succeeded(where)
    _enter(tools, where, "self-test", title="check the load client")
    _self_test(tools, where)


def start_first_that_works(job: Job, tools: Tools, where: _Where | None = None) -> tuple[Server, Acquainted]:
    """The job's programs in turn, or the server that runs already."""
    if not job.programs:
        return _start(tools, where or _Where(), None)
    _, started = first_that_works(
        job.programs,
        lambda program: _start(tools, where or _Where(), program),
        on_failure=lambda text: tools.journal.event("note", text=text),
    )
    return started


def _start(tools: Tools, where: _Where, program: Program | None) -> tuple[Server, Acquainted]:
    title, detail = ("find server", "") if program is None else ("start engine", program.name)
    _enter(tools, where, "launch", title=title, detail=detail)
    server = tools.start(program)
    try:
        where.stage = "ready"
        ready_s = tools.wait_ready(server)
        _enter(tools, where, "probe", title="first requests")
        known = tools.acquaint(server)
        startup = Startup(
            facts=dict(server.engine.startup(server.log())),
            ready_s=None if server.process is None else round(ready_s, 3),
            first_request_s=known.first_request_s,
        )
        tools.journal.event("startup", startup=startup.model_dump(mode="json"))
        tools.describe(server, program, known)
    except RunFailed as error:
        told = failed_first_answer(server, error) if where.stage == "probe" else error
        server.stop()
        if told is error:
            raise
        raise told from error
    except BaseException:
        server.stop()
        raise
    return server, known


def _drive_all(job: Job, tools: Tools, where: _Where, *, server: Server, known: Acquainted) -> None:
    _enter(tools, where, "load", title="measure", detail=points_in_words(job.trial))
    beyond: float | None = None  # a rate that the server could not keep up with
    for index, (repeat, load, later) in enumerate(points_to_drive(job.trial, where.summaries)):
        if beyond is not None and load.kind == "open" and load.level >= beyond:
            tools.journal.event("note", text=f"not driven: {load.label}, as the server fell behind at {beyond:g}/s")
            continue
        _note_once(tools, tools.empty_cache(server, known), where)
        left_s = sum(expected_s(each, known.answer_s) for each in (load, *later))
        tools.progress.time_left(left_s + 4.0)
        total = index + 1 + len(later)
        tools.progress.point(index, total, label=load.label, expected_s=expected_s(load, known.answer_s))
        plan = point_plan(
            job, known, load=load, index=index, folder=tools.journal.path, clock_zero_s=tools.clock_zero_s
        )
        point, stop = _drive_one(tools, plan, repeat=repeat, server=server)
        _summarise(job, tools, where, point=point, raw=Path(plan.raw_path))
        beyond = load.level if point.stopped_by == "saturated" else beyond
        if stop is not None:
            raise stop


def _note_once(tools: Tools, text: str | None, where: _Where) -> None:
    if text is not None and text not in where.noted:
        where.noted.add(text)
        tools.journal.event("note", text=text)


def _drive_one(tools: Tools, plan: PointPlan, *, repeat: int, server: Server) -> tuple[Point, BaseException | None]:
    """One point, kept whatever ends it; what must end the run is handed back to be raised after it is kept."""
    started = {"index": plan.point, "repeat": repeat, "seed": plan.seed, "started_s": tools.now_s()}
    tools.journal.event("point-started", load=plan.load.model_dump(mode="json"), **started)
    stop: BaseException | None = None
    driven: Driven | None
    try:
        driven = tools.drive(plan, lambda tick: _on_tick(tools, tick, server))
    except KeyboardInterrupt as ended:
        driven, stop = tools.salvage_point(), ended
        if driven is None:
            raise
    point = as_point(driven, plan, repeat=repeat)
    tools.journal.event("point", point=point.model_dump(mode="json"), t_s=tools.now_s())
    tools.journal.samples([client.model_dump_json() for client in (driven.client, *driven.others)])
    if stop is None and driven.stopped_by in {"engine-died", "errors"} and server.ends_within(ENDING_S):
        stop = died(server, stage="load")
    if stop is None and driven.storage_error is not None:
        stop = StorageError("the run could not be written down", why=driven.storage_error, try_="free some disk space")
    return point, stop


def _on_tick(tools: Tools, tick: Tick, server: Server) -> str | None:
    tools.progress.tick(
        elapsed_s=tick["elapsed_s"],
        tokens_per_s=tick["reads_per_s"],
        ttft_s=tick["ttft_s"],
        in_flight=tick["in_flight"],
        done_requests=tick["done"],
        failed_requests=tick["failed"],
        phase=tick["phase"],
    )
    fields = {key: value for key, value in tick.items() if key != "event"}
    tools.journal.event("tick", t_s=tools.now_s(), **fields)
    return "engine-died" if server.exit_code() is not None else None


def as_point(driven: Driven, plan: PointPlan, *, repeat: int) -> Point:
    """A window that was cut in its middle ends where the point ended."""
    cut_s = None if driven.steady_from_s is None else max(driven.steady_from_s, driven.ended_s)
    return Point.model_validate(
        {
            "index": plan.point,
            "repeat": repeat,
            "load": plan.load,
            "seed": plan.seed,
            "started_s": driven.started_s,
            "steady_from_s": driven.steady_from_s,
            "steady_to_s": cut_s if driven.steady_to_s is None else driven.steady_to_s,
            "ended_s": driven.ended_s,
            "stopped_by": driven.stopped_by,
            "load_processes": 1 + len(driven.others),
        }
    )


def _summarise(job: Job, tools: Tools, where: _Where, *, point: Point, raw: Path) -> None:
    """For the eye, between points; the record's summary is made at the end from the same traces."""
    traces: list[RequestTrace] = [decode(head, body) for head, body in read_raw(raw)]
    samples: tuple[Sample, ...] = ()
    summary = summarise(
        trial=job.trial, points=[point], traces=traces, samples=samples, cpu_cores=job.host.cpu_cores
    ).points[0]
    where.summaries.append(summary)
    where.failures.update(trace.failure for trace in traces if trace.failure is not None)
    speed, ttft = summary.output_tokens_per_s, headline_ttft(summary)
    tools.progress.point_done(
        point.load.label,
        tokens_per_s=speed.value if speed else None,
        ttft_p50_s=ttft.p50.value if ttft else None,
    )


def _must_have_succeeded(where: _Where) -> None:
    if any(summary.ok for summary in where.summaries):
        return
    failure = where.failures.most_common(1)[0][0] if where.failures else "no-answer"
    detail = f"{sum(where.failures.values())} requests failed and none succeeded"
    raise RunFailed(request_failed("load", failure=failure, detail=detail))


def _self_test(tools: Tools, where: _Where) -> None:
    """At the highest load that was reached, at the pace that was seen; a test that fails is a note, not a failure."""
    streams = max(round(s.concurrency_mean or 1) if s.load.kind == "open" else s.load.concurrency or 1
                  for s in where.summaries)  # fmt: skip
    paces = [s.tpot_s.p50.value for s in where.summaries if s.tpot_s]
    try:
        sample = tools.self_test(max(1, streams), min(paces, default=0.01))
    except (ArenaError, OSError, RuntimeError) as error:
        tools.journal.event("note", text=f"the load client's self-test did not work: {error}")
    else:
        tools.journal.samples([sample.model_dump_json()])
