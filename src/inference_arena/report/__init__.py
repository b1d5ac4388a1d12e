"""How it is shown: verdict, curves, the report at the end of a run, and the view while it goes on.

Rich is loaded when a name that needs it is first asked for, so that other verbs start without it.
"""

from typing import TYPE_CHECKING, Any

from inference_arena.report.charts import has_load_curve, load_curve, load_curve_png, load_curve_svg
from inference_arena.report.compare_page import ComparePage, compare_blocks
from inference_arena.report.crosscheck_page import crosscheck_blocks
from inference_arena.report.curve import CurvePoint, Panel, curve, curves
from inference_arena.report.engines_page import EngineRow, engines_page
from inference_arena.report.figures_page import TOOLS, ViewPage, reported_blocks, view_blocks
from inference_arena.report.fit_page import FitPage, fit_blocks
from inference_arena.report.machine import machine_markdown, machine_page, readers_said
from inference_arena.report.plan_page import PlanPage, plan_blocks
from inference_arena.report.score_page import score_blocks
from inference_arena.report.suite_page import suite_blocks
from inference_arena.report.verdict import verdict

if TYPE_CHECKING:
    from inference_arena.report.progress import Progress
    from inference_arena.report.terminal import Draft, Page, render
    from inference_arena.report.watch_view import JsonView, LiveView, PlainView, Watched, redraws

__all__ = [
    "TOOLS",
    "ComparePage",
    "CurvePoint",
    "Draft",
    "EngineRow",
    "FitPage",
    "JsonView",
    "LiveView",
    "Page",
    "Panel",
    "PlainView",
    "PlanPage",
    "Progress",
    "ViewPage",
    "Watched",
    "compare_blocks",
    "crosscheck_blocks",
    "curve",
    "curves",
    "engines_page",
    "fit_blocks",
    "has_load_curve",
    "load_curve",
    "load_curve_png",
    "load_curve_svg",
    "machine_markdown",
    "machine_page",
    "plan_blocks",
    "readers_said",
    "redraws",
    "render",
    "reported_blocks",
    "score_blocks",
    "suite_blocks",
    "verdict",
    "view_blocks",
]

_LATE = {
    "Draft": "terminal",
    "JsonView": "watch_view",
    "LiveView": "watch_view",
    "Page": "terminal",
    "PlainView": "watch_view",
    "Progress": "progress",
    "Watched": "watch_view",
    "redraws": "watch_view",
    "render": "terminal",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(name)
    import importlib  # noqa: PLC0415 - only the late names need it

    return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
