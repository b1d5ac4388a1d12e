"""A record in other tools' words as a JSON document. Pure."""

from collections.abc import Sequence
from typing import Any

from inference_arena.metrics import View, ours_in
from inference_arena.record import Record


def view_document(record: Record, views: Sequence[View]) -> dict[str, Any]:
    """Each figure with `ours_value`: our nearest metric at its median, in the figure's unit."""
    summaries = {point.point: point for point in record.summary.points} if record.summary else {}
    points = []
    for view in views:
        ours = summaries.get(view.point)
        figures = [
            {**figure.model_dump(mode="json"), "ours_value": None if ours is None else ours_in(figure, ours)}
            for figure in view.figures
        ]
        points.append({**view.model_dump(mode="json"), "figures": figures})
    return {"record": record.id, "points": points}
