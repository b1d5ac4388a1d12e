"""Digits and escapes."""

import pytest

from inference_arena.record import Estimate, Record
from inference_arena.report import words


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (95.2, 4.2, "95 ± 4"),
        (44.13, 0.42, "44.1 ± 0.4"),
        (2487.0, 132.0, "2,490 ± 130"),
        (2487.0, 2.0, "2,487 ± 2"),
        (95.2, 1.26, "95.2 ± 1.3"),
        (0.512, 0.03, "0.51 ± 0.03"),
        (44.123, 0.0, "44.1 ± 0.1"),
        (99.96, 3.0, "100 ± 3"),
        (95.2, None, "95"),
        (0.0, 1.0, "0"),
    ],
)
def test_a_number_has_no_more_digits_than_its_interval_deserves(value: float, half: float | None, said: str):
    low, high = (None, None) if half is None else (value - half, value + half)
    assert words.measured(Estimate(value=value, low=low, high=high, n=60, method="bootstrap")) == said


def test_a_lopsided_interval_is_as_wide_as_its_longer_side():
    assert words.measured(Estimate(value=10.0, low=9.0, high=14.0, n=5, method="range")) == "10 ± 4"


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "–"), (2.53, "2.5 s"), (0.0842, "84 ms"), (0.00002, "20 us"), (130.0, "2 min 10 s")]
)
def test_a_latency_has_two_digits(seconds: float | None, said: str):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two\\nlines"),
        ("\u202egnp", "\\u202egnp"),
        ("\x9b2J", "\\x9b2J"),
        ("[red]markup[/red]", "[red]markup[/red]"),
        ("模型", "模型"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_instead(hostile: str, shown: str):
    assert words.plain(hostile) == shown


def test_ascii_terminals_get_ascii():
    assert words.plain("95 ± 4 – 模", ascii_only=True) == "95 +/- 4 - \\u6a21"


def test_an_unquantized_model_is_told_by_its_name_alone(measurement: Record):
    model = measurement.model.model_copy(update={"checkpoint": None, "name": "tiny-bf16", "quantization": "none"})
    assert words.model_name(measurement.model_copy(update={"model": model})) == "tiny-bf16"
    model = model.model_copy(update={"name": "tiny", "quantization": "awq"})
    assert words.model_name(measurement.model_copy(update={"model": model})) == "tiny awq"
