"""The same prompts, lengths and load once more, sent by a tool of others; the comparison is `metrics.crosscheck`."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from inference_arena.errors import UsageError
from inference_arena.metrics import Crosscheck, as_seen, crosscheck, measured
from inference_arena.record import Point, Record, Reported, RequestTrace
from inference_arena.run.address import Address
from inference_arena.run.drivers import Driver, Task, drive
from inference_arena.run.first import key_headers
from inference_arena.run.prompts_again import Counts, prompts_again
from inference_arena.run.tokenizer import counter, word_tokens
from inference_arena.run.untellable import refuse_to_repeat
from inference_arena.store import iter_traces, load_record

MOST_REQUESTS: Final = 200
_CONNECTING: Final = frozenset({"vllm"})


class Progress(Protocol):
    def stage(self, name: str, detail: str = "") -> None: ...


class Checked(NamedTuple):
    """One load point, and what the tool reported of it."""

    result: Crosscheck
    report: Reported


def crosscheck_record(
    path: Path,
    *,
    driver: Driver,
    program: str,
    address: Address,
    model: str,
    levels: Sequence[float] = (),
    most_requests: int = MOST_REQUESTS,
    api_key: str | None = None,
    tokenizer: str | None = None,
    progress: Progress,
) -> list[Checked]:
    """Every load of the record once (its first repeat), or those named. Raises ArenaError with a way out."""
    record = load_record(path)
    refuse_to_repeat(record)
    counts = cache(lambda: _counts(address, model=model, api_key=api_key))
    traces: dict[int, list[RequestTrace]] = {}
    for trace in iter_traces(path):
        traces.setdefault(trace.point, []).append(trace)
    found = []
    for point in _points(record, levels):
        seen = measured(point, traces.get(point.index, ()))
        good = sorted((t for t in seen if t.result == "ok"), key=lambda t: t.request)[:most_requests]
        task = _task(record, point, good, address=address, model=model, tokenizer=tokenizer, counts=counts)
        progress.stage(f"{driver.title} at {point.load.label}", f"{len(task.prompts)} requests")
        report = drive(driver, task, program=program, api_key=api_key).report
        found.append(Checked(_compared(record, point, good, report, driver), report))
    return found


def _points(record: Record, levels: Sequence[float]) -> list[Point]:
    points = [point for point in record.points if point.repeat == 0 and (not levels or point.load.level in levels)]
    if not points:
        have = ", ".join(f"{point.load.level:g}" for point in record.points)
        raise UsageError(f"{record.id} has no such load point", try_=f"--at {have}" if have else "another record")
    return points


def _task(
    record: Record,
    point: Point,
    traces: Sequence[RequestTrace],
    *,
    address: Address,
    model: str,
    tokenizer: str | None,
    counts: Callable[[], Counts],
) -> Task:
    return Task(
        address=address,
        model=model,
        endpoint=record.trial.endpoint,
        prompts=prompts_again(record, point, traces, counts=counts),
        load=point.load,
        ignore_eos=record.trial.lengths.ignore_eos,
        dropped=record.engine.dropped_parameters,
        tokenizer=tokenizer,
    )


def _counts(address: Address, *, model: str, api_key: str | None) -> Counts:
    """The engine's own count of each of our words: the same today as on the day of the record."""
    root = address.url.removesuffix("/v1")
    return word_tokens(counter(root, headers=dict(key_headers(api_key)), model=model))


def _compared(
    record: Record, point: Point, traces: Sequence[RequestTrace], report: Reported, driver: Driver
) -> Crosscheck:
    assert record.summary is not None, "a record with load points has a summary"
    summary = next(each for each in record.summary.points if each.point == point.index)
    return crosscheck(
        driver.name,
        point=summary,
        ours=[as_seen(trace, connecting=driver.name in _CONNECTING) for trace in traces],
        theirs=report.requests,
        self_test=record.summary.self_test,
    )
