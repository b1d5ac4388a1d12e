"""The load curve as a picture, in one definition (Vega-Lite) for files and pages. Needs the `charts` extra, late.

Data are numbers and names of the record; nothing is fetched while a picture is made.
"""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

from inference_arena.errors import ArenaError
from inference_arena.record import LoadSummary, Record
from inference_arena.report import words
from inference_arena.report.sharing import sharing

WIDTH: Final = 560
HEIGHT: Final = 220
PNG_SCALE: Final = 2.0
TITLE_WIDTH: Final = 110
_LINE: Final = "#1f6fb4"
_BAR: Final = "#7fa8cc"


def load_curve_svg(record: Record) -> str:
    """Raises ArenaError where the extra is missing, or nothing was measured that a curve could show."""
    spec = load_curve(record)
    svg: str = _converter().vegalite_to_svg(spec, allowed_base_urls=[])
    return svg


def load_curve_png(record: Record) -> bytes:
    spec = load_curve(record)
    png: bytes = _converter().vegalite_to_png(spec, scale=PNG_SCALE, allowed_base_urls=[])
    return png


def load_curve(record: Record) -> dict[str, Any]:
    """The Vega-Lite document: throughput above, time to the first token below, doubts in the title."""
    alt = _altair()
    loads = _drawable(record)
    if not loads:
        raise ArenaError(
            f"{record.id} has no load curve", why="no load point of it has a throughput", try_=f"arena show {record.id}"
        )
    panels = [panel for axis, same in _by_axis(loads).items() for panel in _panels(same, axis=axis)]
    chart = alt.vconcat(*panels).properties(title=_title(record))
    document: dict[str, Any] = chart.configure_view(stroke=None).to_dict()
    return document


def has_load_curve(record: Record) -> bool:
    return bool(_drawable(record))


def _drawable(record: Record) -> list[LoadSummary]:
    return [load for load in (record.summary.loads if record.summary else ()) if load.output_tokens_per_s]


def _by_axis(loads: Sequence[LoadSummary]) -> dict[str, list[LoadSummary]]:
    """Loads that belong on one axis; those of a search for a capacity come in the order in which they were tried."""
    found: dict[str, list[LoadSummary]] = {}
    for load in sorted(loads, key=lambda load: load.load.level):
        closed = "people" if load.load.people else "requests in flight"
        axis = closed if load.load.kind == "closed" else "requests sent per second"
        found.setdefault(axis, []).append(load)
    return found


def _panels(loads: Sequence[LoadSummary], *, axis: str) -> tuple[Any, Any]:
    return (
        _panel(_throughput(loads), x=axis, y="output tokens per second", bar="95 % interval, or range of repeats"),
        _panel(_waits(loads), x=axis, y="time to first token (ms)", bar="p50, up to p90"),
    )


def _throughput(loads: Sequence[LoadSummary]) -> list[dict[str, float | None]]:
    told = ((load.load.level, load.output_tokens_per_s) for load in loads)
    return [{"load": level, "value": e.value, "low": e.low, "high": e.high} for level, e in told if e is not None]


def _waits(loads: Sequence[LoadSummary]) -> list[dict[str, float | None]]:
    rows: list[dict[str, float | None]] = []
    for load in loads:
        if load.ttft_s is not None:
            p50, p90 = load.ttft_s.value * 1000, load.ttft_p90_s
            high = None if p90 is None else p90 * 1000
            rows.append({"load": load.load.level, "value": p50, "low": p50, "high": high})
    return rows


def _panel(rows: Sequence[dict[str, float | None]], *, x: str, y: str, bar: str) -> Any:
    """A line through the points, a bar from low to high where both are known."""
    alt = _altair()
    data = alt.Data(values=list(rows))
    across = alt.X("load:Q", title=x, scale=alt.Scale(zero=False, nice=False, padding=24), axis=alt.Axis(
        values=[row["load"] for row in rows], format="~g"))  # fmt: skip
    up = alt.Y("value:Q", title=[y, f"(bar: {bar})"], scale=alt.Scale(zero=True))
    base = alt.Chart(data).properties(width=WIDTH, height=HEIGHT)
    bars = base.transform_filter("isValid(datum.low) && isValid(datum.high)").mark_rule(color=_BAR, strokeWidth=4)
    line = base.mark_line(color=_LINE, point=alt.OverlayMarkDef(color=_LINE, size=60, filled=True))
    return bars.encode(x=across, y=alt.Y("low:Q"), y2="high:Q") + line.encode(x=across, y=up)


def _title(record: Record) -> Any:
    alt = _altair()
    doubts = " ".join(doubt.code for doubt in record.summary.doubts) if record.summary else ""
    lengths = f"{record.trial.lengths.input_tokens} tokens in, {record.trial.lengths.output_tokens} out"
    about = [
        f"{words.machine_name(record)}; {lengths}; {record.started_at[:10]}; record {record.id}",
        f"doubts: {doubts or 'none'}",
        *(line for sentence in sharing(record) for line in wrap(sentence, width=TITLE_WIDTH)),
    ]
    return alt.TitleParams(text=words.title(record), subtitle=about, anchor="start")


def _altair() -> Any:
    try:
        import altair as alt  # noqa: PLC0415 - a heavy package of an extra
    except ImportError as error:
        raise _missing() from error
    return alt


def _converter() -> Any:
    try:
        import vl_convert  # noqa: PLC0415 - a heavy package of an extra
    except ImportError as error:
        raise _missing() from error
    return vl_convert


def _missing() -> ArenaError:
    return ArenaError(
        "pictures need packages that are not installed",
        why="altair and vl-convert-python draw them, and the base install goes without",
        try_="pip install 'inference-arena[charts]'",
    )
