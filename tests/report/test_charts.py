"""The load curve as a picture: one definition, nothing fetched, doubts in it."""

import json

import pytest

from builders import a_record
from inference_arena.errors import ArenaError
from inference_arena.report import load_curve, load_curve_png, load_curve_svg

pytest.importorskip("altair")
pytest.importorskip("vl_convert")


def test_the_definition_holds_the_records_numbers_and_doubts():
    document = load_curve(a_record())
    rows = [row for rows in document["datasets"].values() for row in rows] if "datasets" in document else []
    text = json.dumps(document)

    assert {"load": 2.0, "value": 44.5, "low": 43.5, "high": 45.5} in rows or '"value": 44.5' in text
    assert "few-samples" in text
    assert "http" not in text.replace(document["$schema"], "")


def test_a_picture_is_an_svg_or_a_png():
    svg, png = load_curve_svg(a_record()), load_curve_png(a_record())

    assert svg.startswith("<svg")
    assert "few-samples" in svg
    assert png.startswith(b"\x89PNG")


def test_names_of_strangers_are_text_in_a_picture():
    record = a_record()
    named = record.model_copy(update={"model": record.model.model_copy(update={"name": "<script>alert(1)</script>"})})

    assert "<script>" not in load_curve_svg(named)


def test_a_record_without_throughput_has_no_curve():
    with pytest.raises(ArenaError, match="no load curve"):
        load_curve(a_record(summary=None))
