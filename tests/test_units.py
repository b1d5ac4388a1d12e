"""What people type and read: units come out as they went in, and no number shows more digits than it has a right to."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import units
from inference_arena.errors import UsageError

FINITE = st.floats(-1e12, 1e12)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.0123"), (1.23, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346"), (0, "0"), (None, "–"),
     (9.999, "10.0"), (99.96, "100"), (0.99999, "1.00"), (999.7, "1,000"), (-9.999, "-10.0"), (1, "1.00")],
)  # fmt: skip
def test_a_number_has_three_digits(value, text):
    assert units.number(value) == text


@given(FINITE, st.integers(1, 6))
def test_a_number_never_shows_more_digits_than_asked_but_for_its_whole_part(value, digits):
    text = units.number(value, digits=digits)
    mantissa = text.lstrip("-").replace(",", "").partition("e")[0]
    significant = mantissa.replace(".", "").lstrip("0")
    if "." in mantissa:
        assert len(significant) <= digits
    else:
        assert len(significant) <= max(digits, len(str(round(abs(value)))))


@given(st.floats(1e-4, 1e12), st.integers(1, 6))
def test_a_number_reads_back_to_itself_within_its_digits(value, digits):
    shown = float(units.number(value, digits=digits).replace(",", ""))

    assert math.isclose(shown, value, rel_tol=0.5001 * 10 ** (1 - digits))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.000012, "12 us"), (0.0123, "12.3 ms"), (0.5, "500 ms"), (1.5, "1.50 s"), (59.0, "59.0 s"),
     (119.7, "1 min 59 s"),
     (3600.0, "60 min 00 s"), (None, "–"), (0.0, "0 us")],
)  # fmt: skip
def test_seconds_read_as_a_person_would_say_them(value, text):
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (981, "981 B"),
        (2048, "2.00 KiB"),
        (98 * units.MIB, "98.0 MiB"),
        (24 * units.GIB, "24.0 GiB"),
        (0, "0 B"),
        (None, "–"),
    ],
)
def test_bytes_read_in_the_unit_that_fits(value, text):
    assert units.size(value) == text


def test_unknown_is_a_dash_everywhere():
    for show in (units.number, units.seconds, units.gib, units.size, units.rate, units.percent):
        assert show(None) == units.DASH


def test_rates_shares_and_gibibytes_carry_their_unit():
    assert units.rate(123.4) == "123 tok/s"
    assert units.rate(2.5, "requests/s") == "2.50 requests/s"
    assert units.percent(0.123) == "12 %"
    assert units.percent(1.0) == "100 %"
    assert units.gib(25_769_803_776) == "24.00 GiB"


@pytest.mark.parametrize(
    ("text", "value"),
    [("250ms", 0.25), ("10", 10.0), ("10s", 10.0), ("1.5m", 90.0), ("2h", 7200.0), (" 3 s ", 3.0), ("0", 0.0)],
)
def test_a_duration_is_understood(text, value):
    assert units.parse_seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "s", "-1s", "1,5s", "10 parsecs", "1e3", "nan", "inf", "9" * 400, "1..5", "10s10s"]
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError, match="not a duration") as caught:
        units.parse_seconds(text)

    assert "10s" in caught.value.try_


@given(st.text(max_size=12))
def test_any_text_is_a_finite_duration_or_refused(text):
    try:
        value = units.parse_seconds(text)
    except UsageError:
        return
    assert 0 <= value < math.inf


@given(st.integers(0, 10**6), st.sampled_from([("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)]))
def test_a_duration_comes_back_from_its_text(count, unit):
    assert units.parse_seconds(f"{count}{unit[0]}") == pytest.approx(count * unit[1])


@given(st.lists(st.integers(1, 999_999), min_size=1, max_size=6))
def test_whole_numbers_come_back_from_their_list(values):
    assert units.parse_numbers(",".join(map(str, values)), whole=True, name="--n") == tuple(map(float, values))


def test_a_list_may_have_spaces_and_a_trailing_comma():
    assert units.parse_numbers(" 0.5, 1 ,2,", whole=False, name="--rate") == (0.5, 1.0, 2.0)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("text", ["", ",", "0", "-1", "one", "1;2", "nan", "inf", "1e9", "9" * 5000])
def test_what_is_no_list_of_numbers_is_refused_and_names_the_option(text, whole):
    with pytest.raises(UsageError, match="--rate takes"):
        units.parse_numbers(text, whole=whole, name="--rate")


def test_half_a_stream_is_refused():
    with pytest.raises(UsageError, match="whole numbers"):
        units.parse_numbers("1.5", whole=True, name="--concurrency")


@given(st.integers(0, 2**50))
def test_a_size_has_one_unit_and_at_most_four_digits(value):
    assert re.fullmatch(r"[\d,.]+ (B|KiB|MiB|GiB)", units.size(value))
    if value < 1000 * units.GIB:
        assert sum(c.isdigit() for c in units.size(value)) <= 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [("64GB", 64 * units.GIB), ("24 GiB", 24 * units.GIB), ("512m", 512 * units.MIB), ("1.5g", 1_610_612_736)],
)
def test_memory_is_read_in_powers_of_two(text, expected):
    assert units.parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-4GB", "0", "12PB", "1e9", "9" * 40 + "GB"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(UsageError, match="not an amount of memory"):
        units.parse_bytes(text)
