"""The same prompts, lengths and load once more, sent by a tool of others; the comparison is `metrics.crosscheck`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from inference_arena.errors import ArenaError, UsageError
from inference_arena.load import find_words, prompt_again, request_seed
from inference_arena.metrics import Crosscheck, as_seen, crosscheck, measured
from inference_arena.record import Point, Record, Reported, RequestTrace
from inference_arena.run.address import Address
from inference_arena.run.drivers import Driver, Prompt, Task, drive
from inference_arena.store import iter_traces, load_record

MOST_REQUESTS: Final = 200
FEWEST_REQUESTS: Final = 6
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
    traces: dict[int, list[RequestTrace]] = {}
    for trace in iter_traces(path):
        traces.setdefault(trace.point, []).append(trace)
    found = []
    for point in _points(record, levels):
        seen = measured(point, traces.get(point.index, ()))
        good = sorted((t for t in seen if t.result == "ok"), key=lambda t: t.request)[:most_requests]
        task = _task(record, point, good, address=address, model=model, tokenizer=tokenizer)
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
) -> Task:
    return Task(
        address=address,
        model=model,
        endpoint=record.trial.endpoint,
        prompts=_prompts(record, point, traces),
        load=point.load,
        ignore_eos=record.trial.lengths.ignore_eos,
        dropped=record.engine.dropped_parameters,
        tokenizer=tokenizer,
    )


def _prompts(record: Record, point: Point, traces: Sequence[RequestTrace]) -> tuple[Prompt, ...]:
    """Made from the record's seeds, and proved to be the same by their hashes."""
    if len(traces) < FEWEST_REQUESTS:
        raise ArenaError(
            f"{record.id} has too few requests at {point.load.label} to crosscheck",
            why=f"{len(traces)} succeeded inside its window, and a median with an interval takes {FEWEST_REQUESTS}",
            try_="measure longer: arena run --duration 60s",
        )
    seeds = [request_seed(seed=point.seed, point=point.index, request=trace.request) for trace in traces]
    tokens = record.trial.lengths.input_tokens
    words = find_words(seed=seeds[0], prompt_sha256=traces[0].prompt_sha256, input_tokens=tokens)
    made = [] if words is None else [
        prompt_again(words=words, seed=seed, prompt_sha256=trace.prompt_sha256)
        for seed, trace in zip(seeds, traces, strict=True)
    ]  # fmt: skip
    if words is None or None in made:
        raise ArenaError(
            f"the prompts of {record.id} cannot be made again",
            why="their hashes are not those of prompts that this arena makes from the record's seeds",
            try_="measure anew with this arena, then crosscheck that record",
        )
    return tuple(
        Prompt(text=text, output_tokens=trace.asked_output_tokens)
        for text, trace in zip(made, traces, strict=True)
        if text is not None
    )


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
