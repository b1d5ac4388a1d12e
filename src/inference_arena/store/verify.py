"""Does a record say what the raw files beside it say? Reads, recomputes, compares; changes nothing."""

from pathlib import Path

from inference_arena.errors import ArenaError
from inference_arena.facts import Fact
from inference_arena.metrics import METRICS_VERSION, Difference, count_numbers, differences, standing, summarise
from inference_arena.record import Record
from inference_arena.store.files import sha256_of
from inference_arena.store.records import LOG_FILE, load_record
from inference_arena.store.traces import REQUESTS_FILE, SAMPLES_FILE, iter_samples, iter_traces


class Verified(Fact):
    """What was found. `numbers` were compared; `broken_files` are not the files that the record was made with."""

    record: str
    numbers: int
    traces: int
    metrics_version: int
    recorded_metrics_version: int | None
    broken_files: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def true(self) -> bool:
        return not self.broken_files and not self.differences


def verify(path: Path) -> Verified:
    """Recompute a record's summary with today's formulas. Raises BadFileError for a record that cannot be read."""
    record = load_record(path)
    broken = broken_files(record, path)
    traces = [] if REQUESTS_FILE in " ".join(broken) else list(iter_traces(path))
    found: tuple[Difference, ...] = ()
    if record.summary is not None and not broken:
        again = summarise(
            trial=record.trial,
            points=record.points,
            traces=traces,
            samples=list(iter_samples(path)),
            cpu_cores=record.host.cpu_cores,
            standing=standing(record.engine, record.model),
        )
        found = differences(record.summary, again)
    return Verified(
        record=record.id,
        numbers=0 if record.summary is None else count_numbers(record.summary),
        traces=len(traces),
        metrics_version=METRICS_VERSION,
        recorded_metrics_version=None if record.summary is None else record.summary.metrics_version,
        broken_files=broken,
        differences=found,
    )


def broken_files(record: Record, path: Path) -> tuple[str, ...]:
    """Files beside the record that are missing or whose hash is not the one that it names."""
    named = {REQUESTS_FILE: record.evidence.requests_sha256, SAMPLES_FILE: record.evidence.samples_sha256}
    if (path / LOG_FILE).exists():  # an export may leave it out: no number hangs on it
        named[LOG_FILE] = record.evidence.log_sha256 or ""
    return tuple(problem for name, sha256 in named.items() if (problem := _problem(path / name, sha256)) is not None)


def _problem(file: Path, sha256: str) -> str | None:
    try:
        found = sha256_of(file)
    except (OSError, ArenaError) as error:
        return f"{file.name} cannot be read ({error})"
    return None if found == sha256 else f"{file.name} has sha256 {found[:12]}..., the record names {sha256[:12]}..."
