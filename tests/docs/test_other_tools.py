"""The page about other tools says what the code says: every figure of every tool, every doubt of a report."""

import ast
from pathlib import Path

import pytest

from inference_arena.exchange import report_doubts
from inference_arena.metrics.definitions import METRICS, SOURCES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "other-tools.md").read_text("utf-8")


@pytest.mark.parametrize("tool", METRICS)
def test_every_figure_of_a_tool_is_in_the_page_with_what_differs(tool):
    rows = [
        f"| `{m.name}` | {m.unit} | {f'`{m.ours}`' if m.ours else 'none'} | {m.differs or 'nothing'} |"
        for m in METRICS[tool]
    ]

    assert [row for row in rows if row not in PAGE] == []
    assert SOURCES[tool] in PAGE


def test_every_doubt_of_a_report_is_in_the_page_with_its_weight():
    tree = ast.parse(Path(report_doubts.__file__).read_text("utf-8"))
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Doubt"]
    told = [{k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)} for node in made]

    assert len(told) > 10
    assert [one["code"] for one in told if f"| `{one['code']}` | {one['weight']} |" not in PAGE] == []
