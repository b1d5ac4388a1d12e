"""Which numbers of a load point are compared: how each is read, on which scale, and which way is better. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from inference_arena.metrics import headline_ttft
from inference_arena.record import Distribution, PointSummary

Scale = Literal["ratio", "points"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number. `more` and `less` finish the sentence "B ..." around the size of the difference."""

    name: str
    title: str
    unit: Literal["tok/s", "s", "req/s", "share"]
    better: Literal["more", "less"]
    more: str
    less: str
    read: Callable[[PointSummary], float | None]
    scale: Scale = "ratio"
    needs_slo: bool = False


def _ttft_p50_s(point: PointSummary) -> float | None:
    return _p50(headline_ttft(point))


def _ttft_p90_s(point: PointSummary) -> float | None:
    ttft = headline_ttft(point)
    return ttft.p90 if ttft else None


def _e2e_p50_s(point: PointSummary) -> float | None:
    return _p50(point.e2e_s if point.load.kind == "closed" else point.scheduled_e2e_s)


def _p50(distribution: Distribution | None) -> float | None:
    return distribution.p50.value if distribution else None


_ALL: Final = (
    Measure(
        name="output_tokens_per_s",
        title="output tokens/s",
        unit="tok/s",
        better="more",
        more="writes {} more tokens/s",
        less="writes {} fewer tokens/s",
        read=lambda point: point.output_tokens_per_s.value if point.output_tokens_per_s else None,
    ),
    Measure(
        name="ttft_p50_s",
        title="TTFT p50",
        unit="s",
        better="less",
        more="takes {} longer to the first token",
        less="takes {} less time to the first token",
        read=_ttft_p50_s,
    ),
    Measure(
        name="tpot_p50_s",
        title="TPOT p50",
        unit="s",
        better="less",
        more="takes {} longer for each token",
        less="takes {} less time for each token",
        read=lambda point: _p50(point.tpot_s),
    ),
    Measure(
        name="ttft_p90_s",
        title="TTFT p90",
        unit="s",
        better="less",
        more="takes {} longer to the first token at p90",
        less="takes {} less time to the first token at p90",
        read=_ttft_p90_s,
    ),
    Measure(
        name="e2e_p50_s",
        title="whole answer p50",
        unit="s",
        better="less",
        more="takes {} longer for a whole answer",
        less="takes {} less time for a whole answer",
        read=_e2e_p50_s,
    ),
    Measure(
        name="longest_gap_s",
        title="longest freeze",
        unit="s",
        better="less",
        more="freezes {} longer at worst",
        less="freezes {} shorter at worst",
        read=lambda point: point.longest_gap_s.max if point.longest_gap_s else None,
    ),
    Measure(
        name="goodput_per_s",
        title="goodput",
        unit="req/s",
        better="more",
        more="answers {} more requests/s within the goal",
        less="answers {} fewer requests/s within the goal",
        read=lambda point: point.slo.goodput_per_s,
        needs_slo=True,
    ),
    Measure(
        name="attainment",
        title="goal met by",
        unit="share",
        better="more",
        more="meets the goal for {} more of the requests",
        less="meets the goal for {} fewer of the requests",
        read=lambda point: point.slo.attainment.value if point.slo.attainment else None,
        scale="points",
        needs_slo=True,
    ),
)
MEASURES: Final = MappingProxyType({measure.name: measure for measure in _ALL})
JUDGED: Final = ("output_tokens_per_s", "ttft_p50_s", "tpot_p50_s")
