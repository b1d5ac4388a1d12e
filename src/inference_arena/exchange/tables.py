"""A record as CSV and JSON text. Pure: the same record gives the same text. Unknown is an empty cell."""

import csv
import io
from collections.abc import Callable

from inference_arena.record import Distribution, PointSummary, Record
from inference_arena.store import record_json

Cell = str | int | float | bool | None

_RUN: dict[str, Callable[[Record], Cell]] = {
    "record": lambda record: record.id,
    "started_at": lambda record: record.started_at,
    "purpose": lambda record: record.purpose,
    "outcome": lambda record: record.outcome.kind,
    "engine": lambda record: record.engine.name,
    "engine_version": lambda record: record.engine.version,
    "model": lambda record: record.model.name,
    "checkpoint": lambda record: record.model.checkpoint,
    "quantization": lambda record: record.model.quantization,
    "weights": lambda record: record.model.weights,
    "hw_class": lambda record: record.host.hw_class,
    "cpu": lambda record: record.host.cpu_model,
    "devices": lambda record: ", ".join(device.name or device.vendor for device in record.host.devices) or None,
    "workload": lambda record: record.trial.workload,
    "metrics_version": lambda record: record.summary.metrics_version if record.summary else None,
    "doubts": lambda record: " ".join(doubt.code for doubt in record.summary.doubts) if record.summary else None,
}
_POINT: dict[str, Callable[[PointSummary], Cell]] = {
    "point": lambda point: point.point,
    "repeat": lambda point: point.repeat,
    "load_kind": lambda point: point.load.kind,
    "concurrency": lambda point: point.load.concurrency,
    "rate_per_s": lambda point: point.load.rate_per_s,
    "window_s": lambda point: point.window_s,
    "sent": lambda point: point.sent,
    "ok": lambda point: point.ok,
    "failed": lambda point: point.failed,
    "cancelled": lambda point: point.cancelled,
    "unfinished": lambda point: point.unfinished,
    "outside_window": lambda point: point.outside_window,
    "concurrency_mean": lambda point: point.concurrency_mean,
    "requests_per_s": lambda point: point.requests_per_s,
    "output_tokens_per_s": lambda point: point.output_tokens_per_s.value if point.output_tokens_per_s else None,
    "output_tokens_per_s_low": lambda point: point.output_tokens_per_s.low if point.output_tokens_per_s else None,
    "output_tokens_per_s_high": lambda point: point.output_tokens_per_s.high if point.output_tokens_per_s else None,
    "input_tokens_per_s": lambda point: point.input_tokens_per_s,
    "output_tokens_per_s_per_user": lambda point: point.output_tokens_per_s_per_user,
    "slo": lambda point: point.slo.name,
    "slo_met": lambda point: point.slo.met,
    "slo_attainment": lambda point: point.slo.attainment.value if point.slo.attainment else None,
    "goodput_per_s": lambda point: point.slo.goodput_per_s,
}
_SPREADS: dict[str, Callable[[PointSummary], Distribution | None]] = {
    "ttft": lambda point: point.ttft_s,
    "scheduled_ttft": lambda point: point.scheduled_ttft_s,
    "tpot": lambda point: point.tpot_s,
    "itl": lambda point: point.itl_s,
    "chunk_gap": lambda point: point.chunk_gap_s,
    "longest_gap": lambda point: point.longest_gap_s,
    "e2e": lambda point: point.e2e_s,
    "scheduled_e2e": lambda point: point.scheduled_e2e_s,
}
_PLACES: dict[str, Callable[[Distribution], Cell]] = {
    "n": lambda spread: spread.n,
    "mean_s": lambda spread: spread.mean,
    "p50_s": lambda spread: spread.p50.value,
    "p90_s": lambda spread: spread.p90,
    "p95_s": lambda spread: spread.p95,
    "p99_s": lambda spread: spread.p99,
    "max_s": lambda spread: spread.max,
}
_COLUMNS = (*_RUN, *_POINT, *(f"{name}_{place}" for name in _SPREADS for place in _PLACES))


def json_document(record: Record) -> str:
    return record_json(record).decode()


def csv_table(record: Record) -> str:
    """One row a load point; units are in the column names. A record without points has the heading alone."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for point in record.summary.points if record.summary else ():
        writer.writerow([harmless(cell) for cell in _cells(record, point)])
    return text.getvalue()


def _cells(record: Record, point: PointSummary) -> list[Cell]:
    spreads = [spread(point) for spread in _SPREADS.values()]
    return [
        *(read(record) for read in _RUN.values()),
        *(read(point) for read in _POINT.values()),
        *(read(spread) if spread else None for spread in spreads for read in _PLACES.values()),
    ]


def harmless(cell: Cell) -> Cell:
    """Spreadsheets run a text that begins like a formula; an apostrophe keeps it a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
