"""A report of another tool as CSV and Markdown: one row a figure, in the tool's own words and units. Pure."""

import csv
import io
from typing import Final

from inference_arena import units
from inference_arena.exchange.markdown import plain
from inference_arena.exchange.tables import harmless
from inference_arena.record import Figure, Reported

_PLACES: Final = ("n", "mean", "std", "min", "p50", "p90", "p95", "p99", "max")
_SHOWN: Final = ("mean", "p50", "p90", "p99")


def report_csv(report: Reported) -> str:
    """Doubts are in every row, so that no row can be copied without them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("report", "tool", "tool_version", "model", "engine", "hardware", "load", "ok", "failed",
                     "metric", "unit", *_PLACES, "ours", "differs", "doubts"))  # fmt: skip
    codes = " ".join(doubt.code for doubt in report.doubts)
    run = (report.id, report.tool, report.tool_version, report.model, report.engine, report.hardware)
    for point in report.points:
        for figure in point.figures:
            row = (*run, point.label, point.ok, point.failed, figure.name, figure.unit, *_values(figure))
            writer.writerow([harmless(cell) for cell in (*row, figure.ours, figure.differs, codes)])
    return text.getvalue()


def _values(figure: Figure) -> tuple[float | int | None, ...]:
    return tuple(getattr(figure, place) for place in _PLACES)


def report_markdown(report: Reported) -> str:
    """Heading, what it is, one row a figure, doubts. Texts are escaped: they are a stranger's."""
    version = f" {report.tool_version}" if report.tool_version else ""
    lines = [
        f"### {plain(report.model or 'an unnamed model')}: reported by {plain(report.tool + version)}",
        "",
        f"- report: {report.id}, {plain(report.tool_format)}",
        f"- engine: {plain(report.engine or units.DASH)}, hardware: {plain(report.hardware or units.DASH)}",
        "- not measured by this arena",
        "",
        f"| load | metric | unit | {' | '.join(_SHOWN)} |",
        f"| --- | --- | --- |{' ---: |' * len(_SHOWN)}",
    ]
    for point in report.points:
        for figure in point.figures:
            cells = [plain(point.label), plain(figure.name), plain(figure.unit)]
            cells += [units.number(getattr(figure, place)) for place in _SHOWN]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"- {doubt.weight} **{doubt.code}**: {plain(doubt.evidence)}" for doubt in report.doubts)]
    return "\n".join(lines) + "\n"
