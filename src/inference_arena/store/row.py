"""One record as a row of a list: what people look for, nothing that is not in the record. Knows no SQL."""

from inference_arena.facts import Fact
from inference_arena.record import Failed, Interrupted, Record, Summary


class Row(Fact):
    """`cause` is that of a failure, or what interrupted; the TTFT is that of the lowest load.

    `retry_of`: the failed run whose advice it follows.
    """

    id: str
    started_at: str
    finished_at: str
    purpose: str
    outcome: str
    stage: str | None
    cause: str | None
    engine: str
    engine_version: str | None
    model: str
    checkpoint: str | None
    quantization: str | None
    hw_class: str
    cpu: str | None
    device: str | None
    workload: str | None
    load_kind: str | None
    peak_output_tokens_per_s: float | None
    lowest_load_ttft_p50_s: float | None
    doubts: tuple[str, ...]
    configuration: str
    machine: str | None
    format: int
    record_sha256: str
    retry_of: str | None


def row_of(record: Record, *, record_sha256: str) -> Row:
    stage, cause = _failure(record)
    loads = record.trial.loads
    return Row(
        id=record.id,
        started_at=record.started_at,
        finished_at=record.finished_at,
        purpose=record.purpose,
        outcome=record.outcome.kind,
        stage=stage,
        cause=cause,
        engine=record.engine.name,
        engine_version=record.engine.version,
        model=record.model.name,
        checkpoint=record.model.checkpoint,
        quantization=record.model.quantization,
        hw_class=record.host.hw_class,
        cpu=record.host.cpu_model,
        device=_devices(record),
        workload=record.trial.workload,
        load_kind=loads[0].kind if loads else None,
        peak_output_tokens_per_s=record.summary.peak_output_tokens_per_s if record.summary else None,
        lowest_load_ttft_p50_s=_lowest_load_ttft_s(record.summary),
        doubts=tuple(doubt.code for doubt in record.summary.doubts) if record.summary else (),
        configuration=record.configuration,
        machine=record.machine,
        format=record.format,
        record_sha256=record_sha256,
        retry_of=record.retry_of,
    )


def _failure(record: Record) -> tuple[str | None, str | None]:
    match record.outcome:
        case Failed(stage=stage, cause=cause):
            return stage, cause
        case Interrupted(stage=stage, by=by):
            return stage, by
    return None, None


def _devices(record: Record) -> str | None:
    names = [device.name or device.vendor for device in record.host.devices]
    return ", ".join(names) or None


def _lowest_load_ttft_s(summary: Summary | None) -> float | None:
    if summary is None or not summary.loads:
        return None
    lowest = min(summary.loads, key=lambda load: load.load.level)
    return lowest.ttft_s.value if lowest.ttft_s else None
