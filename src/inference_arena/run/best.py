"""Which configuration measured here served a model best. Pure: records in, one choice out."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Final

from inference_arena import units
from inference_arena.facts import Fact
from inference_arena.plan import Load, Settings
from inference_arena.record import Finished, ModelUsed, PointSummary, Record
from inference_arena.run.scrub import HIDDEN

GOAL: Final = "chat"


class Measured(Fact):
    """The best load point of the best record, for one model on one machine."""

    record: str
    engine: str
    release: str | None
    program: str | None
    settings: Settings
    load: Load
    goodput_per_s: float
    ttft_p50_s: float | None
    tokens_per_s_per_user: float | None
    doubts: tuple[str, ...]
    is_serious: bool

    @property
    def words(self) -> str:
        """The record and its numbers, with what speaks against them."""
        numbers = f"{units.number(self.goodput_per_s)} requests/s within the chat goal at load {self.load.label}"
        parts = [numbers, f"TTFT {units.seconds(self.ttft_p50_s)}"]
        parts.append(f"{units.number(self.tokens_per_s_per_user)} tok/s per user")
        doubts = f"; doubts: {', '.join(self.doubts)}" if self.doubts else "; no doubts"
        return f"measured here, record {self.record}: {', '.join(parts)}{doubts}"


def best_measured(records: Iterable[Record], *, model: ModelUsed, machine: str, engine: str | None) -> Measured | None:
    """Most goodput at the chat goal; a record with a serious doubt only where there is no other. None: none fits."""
    fitting = (one for one in records if _fits(one, model=model, machine=machine, engine=engine))
    found = [best for record in fitting if (best := _best_point(record)) is not None]
    return max(found, key=lambda one: (not one.is_serious, one.goodput_per_s, one.record), default=None)


def _fits(record: Record, *, model: ModelUsed, machine: str, engine: str | None) -> bool:
    """A measurement of these weights on this machine by an engine that the arena started and can start again."""
    return (
        isinstance(record.outcome, Finished)
        and record.purpose == "measurement"
        and record.machine == machine
        and record.engine.form != "attached"
        and not record.engine.reduced
        and record.trial.slo.name == GOAL
        and engine in {None, record.trial.engine}
        and not any(HIDDEN in flag for flag in record.trial.settings.flags)
        and _same_weights(record.model, model)
    )


def _same_weights(one: ModelUsed, other: ModelUsed) -> bool:
    """The same file, where both files are known; else the same name in the same quantization."""
    if one.weights != "real" or other.weights != "real":
        return False
    if one.file_sha256 is not None and other.file_sha256 is not None:
        return one.file_sha256 == other.file_sha256
    if one.config_sha256 is not None and other.config_sha256 is not None and one.config_sha256 != other.config_sha256:
        return False
    return (one.name, one.quantization) == (other.name, other.quantization)


def _best_point(record: Record) -> Measured | None:
    """The load with the most goodput, over its repeats; None where no request met the goal."""
    if record.summary is None:
        return None
    by_load: defaultdict[Load, list[PointSummary]] = defaultdict(list)
    for point in record.summary.points:
        if point.slo.goodput_per_s is not None:
            by_load[point.load].append(point)
    goodputs = {load: median(point.slo.goodput_per_s or 0.0 for point in points) for load, points in by_load.items()}
    load = max(goodputs, key=lambda one: goodputs[one], default=None)
    if load is None or goodputs[load] <= 0:
        return None
    point = by_load[load][0]
    return Measured(
        record=record.id,
        engine=record.trial.engine,
        release=record.engine.version,
        program=record.engine.program,
        settings=record.trial.settings,
        load=load,
        goodput_per_s=goodputs[load],
        ttft_p50_s=point.ttft_s.p50.value if point.ttft_s else None,
        tokens_per_s_per_user=point.output_tokens_per_s_per_user,
        doubts=tuple(doubt.code for doubt in record.summary.doubts),
        is_serious=any(doubt.weight == "serious" for doubt in record.summary.doubts),
    )
