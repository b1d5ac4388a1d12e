"""The best record of this machine for this model, and the settings that come of it."""

from types import ModuleType

import pytest

from inference_arena.record import Doubt, Record
from inference_arena.run.best import best_measured

MACHINE = "0" * 32


@pytest.fixture
def measured(sample_record: Record) -> Record:
    model = sample_record.model.model_copy(update={"weights": "real", "file_sha256": "a" * 64})
    return sample_record.model_copy(update={"machine": MACHINE, "purpose": "measurement", "model": model})


def with_goodput(record: Record, value: float | None, **changes: object) -> Record:
    assert record.summary is not None
    points = tuple(
        point.model_copy(update={"slo": point.slo.model_copy(update={"goodput_per_s": value})})
        for point in record.summary.points
    )
    summary = record.summary.model_copy(update={"points": points, "doubts": changes.pop("doubts", ())})
    return record.model_copy(update={"summary": summary, **changes})


def best(*records: Record, model: Record, engine: str | None = None):
    return best_measured(records, model=model.model, machine=MACHINE, engine=engine)


def test_the_record_with_the_most_goodput_wins_and_says_its_numbers(measured: Record):
    slow, fast = with_goodput(measured, 1.0, id="slow"), with_goodput(measured, 2.5, id="fast")
    found = best(slow, fast, model=measured)
    assert found is not None
    assert (found.record, found.goodput_per_s) == ("fast", 2.5)
    assert found.words.startswith("measured here, record fast: 2.50 requests/s within the chat goal at load ")
    assert found.words.endswith("; no doubts")


def test_a_serious_doubt_loses_against_a_slower_record_without_and_is_said(measured: Record, builders: ModuleType):
    doubt = Doubt(code="client-bound", weight="serious", evidence="seen", advice="look")
    fast = with_goodput(measured, 9.0, id="fast", doubts=(doubt,))
    slow = with_goodput(measured, 1.0, id="slow")
    chosen = best(fast, slow, model=measured)
    assert chosen is not None
    assert chosen.record == "slow"
    alone = best(fast, model=measured)
    assert alone is not None
    assert "doubts: client-bound" in alone.words


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": "1" * 32},
        {"machine": None},
        {"purpose": "self-test"},
        {"summary": None},
    ],
)
def test_what_is_no_measurement_of_this_machine_is_not_chosen(measured: Record, changes: dict[str, object]):
    assert best(measured.model_copy(update=changes), model=measured) is None


def test_other_weights_dummy_ones_and_attached_servers_are_not_chosen(measured: Record):
    good = with_goodput(measured, 3.0)
    assert best(good, model=good) is not None
    other = good.model.model_copy(update={"file_sha256": "f" * 64})
    dummy = good.model.model_copy(update={"weights": "dummy"})
    attached = good.engine.model_copy(update={"form": "attached"})
    assert best(good.model_copy(update={"model": other}), model=good) is None
    assert best(good.model_copy(update={"model": dummy}), model=good) is None
    assert best(good.model_copy(update={"engine": attached}), model=good) is None
    reduced = good.engine.model_copy(update={"reduced": ("no attention kernels of its own",)})
    assert best(good.model_copy(update={"engine": reduced}), model=good) is None
    assert best(good, model=good, engine="another") is None


def test_a_record_whose_flags_hide_a_key_cannot_be_started_again(measured: Record):
    good = with_goodput(measured, 3.0)
    settings = good.trial.settings.model_copy(update={"flags": ("--api-key=***",)})
    hidden = good.model_copy(update={"trial": good.trial.model_copy(update={"settings": settings})})
    assert best(hidden, model=good) is None


def test_no_request_within_the_goal_is_no_best(measured: Record):
    assert best(with_goodput(measured, 0.0), with_goodput(measured, None), model=measured) is None
