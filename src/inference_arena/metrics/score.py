"""How well a plan foretold what an engine then said of itself and what was measured. Pure: reads records.

Memory is scored only for terms that the engine itself prints. Speed is scored at closed loads, against the middle and
the range that were predicted.
"""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Final

from inference_arena.facts import Fact
from inference_arena.plan import Interval, Prediction, Speed, TermName
from inference_arena.record import Estimate, LoadSummary, Record

# what an engine prints, beside the plan's term of the same meaning
PRINTED: Final[tuple[tuple[TermName, str], ...]] = (
    ("weights", "weights_bytes"),
    ("kv_cache", "kv_cache_bytes"),
    ("activations", "activation_bytes"),
    ("graphs", "graphs_bytes"),
)
# how far a plan's weights may be off, as a share: as stored, of a mixture of experts or latent attention, packed
PLAIN, ROUTED, PACKED = 0.005, 0.01, 0.03
# of the KV cache on starts without recorded graphs: on the average of all, and at worst
POOL_MEAN, POOL_WORST = 0.03, 0.08


class TermScore(Fact):
    """One memory term of one launch, of one card. `tolerance`: None where none was promised; then it is reported."""

    record: str
    engine: str
    release: str
    model: str
    eager: bool
    term: str
    predicted_bytes: int
    reported_bytes: int
    tolerance: float | None

    @property
    def error(self) -> float:
        """Signed, as a share of what the engine reported."""
        return (self.predicted_bytes - self.reported_bytes) / self.reported_bytes

    @property
    def kept(self) -> bool | None:
        return None if self.tolerance is None else abs(self.error) <= self.tolerance


class SpeedScore(Fact):
    """One speed at one load. `ratio`: measured over the most likely value that was predicted."""

    record: str
    engine: str
    release: str
    model: str
    concurrency: int
    metric: str
    low: float
    point: float
    high: float
    basis: str
    measured: float

    @property
    def ratio(self) -> float:
        return self.measured / self.point

    @property
    def inside(self) -> bool:
        return self.low <= self.measured <= self.high


class PlanScore(Fact):
    """All of them. `without`: records that say nothing of the plan, and why."""

    terms: tuple[TermScore, ...]
    speeds: tuple[SpeedScore, ...]
    without: dict[str, str]

    @property
    def pool_mean(self) -> float | None:
        """Mean size of the KV cache's error over eager starts; None without one."""
        errors = [abs(each.error) for each in self.terms if each.term == "kv_cache" and each.eager]
        return fmean(errors) if errors else None

    @property
    def kept(self) -> bool:
        """Every tolerance that was promised, the KV cache's mean too."""
        return all(each.kept is not False for each in self.terms) and (self.pool_mean or 0.0) <= POOL_MEAN


def score(records: Sequence[Record]) -> PlanScore:
    """Every term and speed of every record that has both a prediction and its truth."""
    without = {record.id: why for record in records if (why := _why_not(record)) is not None}
    scored = [record for record in records if record.id not in without]
    return PlanScore(
        terms=tuple(each for record in scored for each in _terms(record)),
        speeds=tuple(each for record in scored for each in _speeds(record)),
        without=without,
    )


def _why_not(record: Record) -> str | None:
    if record.prediction is None:
        return "nothing was predicted"
    told = any(fact in record.startup.facts for _, fact in PRINTED)
    if not told and record.summary is None:
        return "the engine did not start, and had told nothing of its memory"
    return None


def _terms(record: Record) -> Iterator[TermScore]:
    assert record.prediction is not None
    for term, fact in PRINTED:
        reported = record.startup.facts.get(fact)
        if not isinstance(reported, int) or isinstance(reported, bool) or reported <= 0:
            continue
        yield TermScore(
            record=record.id,
            engine=record.engine.name,
            release=record.engine.version or record.prediction.release,
            model=record.model.name,
            eager=_is_eager(record),
            term=term,
            predicted_bytes=record.prediction.budget.bytes_of(term),
            reported_bytes=reported,
            tolerance=_tolerance(record, record.prediction, term),
        )


def _is_eager(record: Record) -> bool:
    return record.startup.facts.get("graphs", record.trial.settings.graphs) is False


def _tolerance(record: Record, prediction: Prediction, term: str) -> float | None:
    """What the plan promises: weights always, the KV cache on eager starts."""
    if prediction.budget.rule == "llamacpp-buffers":
        return None
    if term == "kv_cache":
        return POOL_WORST if _is_eager(record) else None
    if term != "weights":
        return None
    if record.model.quantization not in {None, "none"}:
        return PACKED
    return ROUTED if "moe_kernel" in record.startup.facts or "MLA" in str(record.startup.facts) else PLAIN


def _speeds(record: Record) -> Iterator[SpeedScore]:
    assert record.prediction is not None
    measured = {load.load.concurrency: load for load in (record.summary.loads if record.summary else ())}
    for predicted in record.prediction.speeds:
        load = measured.get(predicted.concurrency)
        if load is None:
            continue
        for metric, interval, value in _pairs(predicted.speed, load):
            if interval is not None and value is not None:
                yield SpeedScore(
                    record=record.id,
                    engine=record.engine.name,
                    release=record.engine.version or record.prediction.release,
                    model=record.model.name,
                    concurrency=predicted.concurrency,
                    metric=metric,
                    low=interval.low,
                    point=interval.point,
                    high=interval.high,
                    basis=interval.basis,
                    measured=value.value,
                )


def _pairs(speed: Speed, load: LoadSummary) -> Iterable[tuple[str, Interval | None, Estimate | None]]:
    return (
        ("output_tokens_per_s", speed.output_tokens_per_s, load.output_tokens_per_s),
        ("tpot_s", speed.tpot_s, load.tpot_s),
        ("ttft_s", speed.ttft_s, load.ttft_s),
    )
