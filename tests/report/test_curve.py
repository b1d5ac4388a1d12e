"""Drawings checked by hand, once, and then held."""

import pytest

from inference_arena import units
from inference_arena.report import CurvePoint, Panel, curve, curves
from inference_arena.report.scale import scale

FOUR = (
    CurvePoint(label="1", value=44.1, low=42.0, high=46.0),
    CurvePoint(label="2", value=71.0, low=60.0, high=79.0),
    CurvePoint(label="4", value=88.3, low=84.0, high=92.0),
    CurvePoint(label="8", value=95.0, low=91.0, high=99.0),
)
RATES = Panel(title="Output tok/s", points=FOUR)

BRAILLE = """\
Output tok/s
                          88       95
100 ┤             71      ┬ ⢀⣀⣀⣀⣀⠤⠤●
    │             ┬  ⢀⣀⠤⠔⠊●⠉⠁
    │            ⣀●⠒⠉⠁
    │    44  ⢀⠤⠒⠉ ┴
 50 ┤    ┬⡠⠔⠊⠁
    │    ●
    │
    │
  0 ┤
    └────┬────────┬───────┬────────┬────
         1        2       4        8"""

IN_ASCII = """\
Output tok/s
                                   95
100 +                     88       -
    |             71     .o........o
 80 +             - ..... -
    |            .o.
 60 +    44   ... -
    |    - ...
 40 +    o.
    |
 20 +
    |
  0 +
    +----+--------+-------+--------+----
         1        2       4        8"""


def drawn(panel: Panel, *, width: int = 40, height: int = 9, ascii_only: bool = False) -> str:
    return "\n".join(curve(panel, width=width, height=height, ascii_only=ascii_only))


def test_a_curve_rises_through_its_points_with_a_number_above_each():
    assert drawn(RATES) == BRAILLE
    assert drawn(RATES, height=11, ascii_only=True) == IN_ASCII


def test_points_stand_above_their_labels_and_ticks_are_round():
    lines = drawn(RATES).splitlines()
    at = [column for column, character in enumerate(lines[-1]) if character in "1248"]
    marks = {line.index("●"): line for line in lines if "●" in line}
    assert sorted(marks) == at
    assert [line.split()[0] for line in lines if "┤" in line] == ["100", "50", "0"]


def test_a_single_point_is_a_bar_with_a_whisker():
    one = Panel(title="Output tok/s", points=(CurvePoint(label="1", value=40.0, low=30.0, high=50.0),))
    assert drawn(one, width=30).splitlines() == [
        "Output tok/s",
        " 1 ┤███████████████████───┤ 40",
        "   └┬─────────────────────┬",
        "    0                    50",
    ]


def test_no_point_is_a_sentence():
    assert drawn(Panel(title="Output tok/s", points=()), width=80) == (
        "Output tok/s: nothing was measured, so there is nothing to draw."
    )


def test_a_missing_value_is_a_gap_that_keeps_its_label():
    hole = Panel(title="Output tok/s", points=(FOUR[0], CurvePoint(label="2", value=None), FOUR[2]))
    text = drawn(hole)
    assert text.count("●") == 2
    assert not any("\u2801" <= character <= "\u28ff" for character in text)
    assert text.splitlines()[-1].split() == ["1", "2", "4"]


def test_latencies_that_differ_over_twentyfold_get_a_logarithmic_axis():
    points = tuple(CurvePoint(label=str(i), value=0.01 * 10**i) for i in range(4))
    panel = Panel(title="TTFT", points=points, show=lambda v: units.number(v, digits=1), log_allowed=True)
    ticks = [line.split()[0] for line in drawn(panel, height=10).splitlines() if "┤" in line]
    assert ticks == ["10", "1", "0.1", "0.01"]


@pytest.mark.parametrize("values", [(0.0, 0.0), (0.0, 5.0), (1e-9, 1e9), (3.0, 3.0), (1e300, 1e-300)])
@pytest.mark.parametrize("log_allowed", [True, False])
def test_an_axis_holds_every_value_whatever_it_is(values: tuple[float, float], log_allowed: bool):
    axis = scale(values, most=5, log_allowed=log_allowed)
    assert axis.bottom <= min(values) * 1.001
    assert max(values) <= axis.top * 1.001
    assert all(0 <= axis.place(value) <= 1 for value in (*values, *axis.ticks))


@pytest.mark.parametrize("width", [12, 20, 60, 80, 120])
@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_line_is_longer_than_the_width(width: int, count: int, ascii_only: bool):
    points = tuple(CurvePoint(label=f"{2**i % 4099}", value=float(i * 37 % 11), high=12.0) for i in range(count))
    lines = curves(((Panel(title="Output tok/s", points=points), 9),), width=width, ascii_only=ascii_only)
    assert all(len(line) <= width for line in lines)
    assert not ascii_only or all(line.isascii() for line in lines)


def test_labels_that_would_touch_are_put_on_rows_of_their_own():
    points = tuple(CurvePoint(label=f"{i}000", value=1.0) for i in range(1, 9))
    lines = drawn(Panel(title="x", points=points), width=30).splitlines()
    labels = " ".join(lines[lines.index(next(line for line in lines if "└" in line)) + 1 :]).split()
    assert sorted(labels) == sorted(point.label for point in points)


def test_two_panels_share_one_left_edge():
    slow = Panel(title="TTFT", points=FOUR, show=units.seconds)
    lines = curves(((RATES, 8), (slow, 5)), width=60)
    assert len({line.index("└") for line in lines if "└" in line}) == 1
