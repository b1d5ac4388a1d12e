"""Doubts that hold for all numbers of a record, however they came out."""

from builders import a_record
from inference_arena.metrics import standing


def doubts(*, weights: str = "real", reduced: tuple[str, ...] = ()) -> dict[str, str]:
    record = a_record()
    engine = record.engine.model_copy(update={"reduced": reduced})
    model = record.model.model_copy(update={"weights": weights})
    return {doubt.code: doubt.evidence for doubt in standing(engine, model)}


def test_a_whole_engine_with_real_weights_stands_without_a_doubt():
    assert doubts() == {}
    assert doubts(weights="unknown") == {}


def test_random_weights_are_said_to_be_no_evidence_about_the_engine():
    assert "synthetic: memory and shape, not evidence about this engine" in doubts(weights="dummy")["dummy-weights"]


def test_an_engine_without_its_own_kernels_is_said_to_be_reduced_and_by_what():
    said = doubts(reduced=("attention by triton, not by its own kernels", "no recorded graphs"))["reduced-build"]

    assert "synthetic" in said
    assert "attention by triton" in said
    assert "no recorded graphs" in said
