"""What a report is headed with."""

import pytest

from inference_arena.record import Record
from inference_arena.report import words


def test_a_title_names_the_model_and_the_engine(measurement: Record):
    assert words.title(measurement) == f"{words.model_name(measurement)} on {words.engine_name(measurement)}"


@pytest.mark.parametrize(("location", "place"), [
    ("same-host", "on this machine"), ("private-network", "in your network"), ("internet", "on the internet"),
])  # fmt: skip
def test_a_server_that_never_named_its_model_is_headed_by_where_it_is(measurement: Record, location: str, place: str):
    engine = measurement.engine.model_copy(update={"form": "attached", "name": "openai", "location": location})
    model = measurement.model.model_copy(update={"name": "unknown", "checkpoint": None, "quantization": None})
    record = measurement.model_copy(update={"engine": engine, "model": model})
    assert words.title(record) == f"a server {place}"
