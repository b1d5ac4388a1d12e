"""Numbers derived from raw traces. Only `metrics` makes them; a record keeps them with their version."""

from typing import Literal

from pydantic import Field

from inference_arena.facts import Fact
from inference_arena.plan import Load


class Estimate(Fact):
    """A number with its 95 % interval; the bounds are None where too little was seen to tell."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    method: str


class Distribution(Fact):
    """Percentiles by linear interpolation on raw samples. No p99 under 100 samples."""

    n: int
    mean: float
    min: float
    p50: Estimate
    p90: float
    p95: float
    p99: float | None = None
    max: float


class ClientSummary(Fact):
    """The load client's own error budget at one point."""

    loop_lag_p99_s: float | None
    schedule_lag_p99_s: float | None
    cpu_share: float | None
    prompts_made_late: int


class HostSummary(Fact):
    """The machine during one steady window."""

    cpu_share_mean: float | None
    engine_cpu_share_mean: float | None
    engine_rss_max_bytes: int | None
    ram_available_min_bytes: int | None
    swap_growth_bytes: int | None


class DeviceSummary(Fact):
    """One accelerator during one steady window. `reasons` say what is missing and why; empty where all is well.

    `slowed_s` is time by the driver's reason for lower clocks. `energy_from`: the driver's counter, or its readings of
    power added up. `used_by_engine`: by its processes on the card, else by the card's work.
    """

    device: int
    samples: int
    longest_gap_s: float | None = None
    memory_mean_bytes: int | None = None
    memory_max_bytes: int | None = None
    memory_total_bytes: int | None = None
    others_max_bytes: int | None = None
    utilization_mean_share: float | None = None
    power_mean_w: float | None = None
    power_max_w: float | None = None
    temperature_mean_c: float | None = None
    temperature_max_c: float | None = None
    sm_clock_mean_hz: float | None = None
    sm_clock_min_hz: float | None = None
    memory_clock_mean_hz: float | None = None
    slowed_s: dict[str, float] = Field(default_factory=dict)
    pcie_rx_mean_bytes_per_s: float | None = None
    pcie_tx_mean_bytes_per_s: float | None = None
    energy_j: float | None = None
    energy_from: Literal["counter", "power"] | None = None
    used_by_engine: bool | None = None
    reasons: tuple[str, ...] = ()


class EnergySummary(Fact):
    """What the engine's accelerators drew during one steady window, whole cards; `reason` says why a number is absent.

    `devices_from`: how it is known which cards the engine used.
    """

    devices: tuple[int, ...] = ()
    devices_from: Literal["processes", "work", "only-one"] | None = None
    energy_j: float | None = None
    joule_per_output_token: float | None = None
    mean_power_w: float | None = None
    reason: str | None = None


class StallDevice(Fact):
    """One accelerator while an answer stood still; `usual_sm_clock_hz` is its mean over the window."""

    device: int
    samples: int
    sm_clock_min_hz: float | None = None
    usual_sm_clock_hz: float | None = None
    power_mean_w: float | None = None
    utilization_mean_share: float | None = None
    memory_max_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_max_c: float | None = None
    slowed_by: tuple[str, ...] | None = None


class Stall(Fact):
    """One of the longest pauses within an answer, and what the machine did meanwhile.

    `times_usual`: over the median pause. `streams` answers stood still at once, of `in_flight`; `arrived` requests
    were sent in that time, whose prompts an engine may have worked on instead.
    """

    request: int
    from_s: float
    gap_s: float
    times_usual: float | None
    streams: int
    in_flight: int
    arrived: int
    swap_growth_bytes: int | None = None
    cpu_share: float | None = None
    requests_waiting: float | None = None
    devices: tuple[StallDevice, ...] = ()


class SloResult(Fact):
    """Share of measured requests that met every bound (failures are misses), and how many per second did."""

    name: str
    attainment: Estimate | None
    goodput_per_s: float | None
    met: bool | None


class PointSummary(Fact):
    """One load point. Latencies are over ok requests sent inside the steady window; the others are counted beside."""

    point: int
    repeat: int
    load: Load
    window_s: float | None
    sent: int
    ok: int
    failed: int
    cancelled: int
    unfinished: int
    failures: dict[str, int]
    outside_window: int
    concurrency_mean: float | None
    requests_per_s: float | None
    output_tokens_per_s: Estimate | None
    input_tokens_per_s: float | None
    output_tokens_per_s_per_user: float | None
    ttft_s: Distribution | None
    scheduled_ttft_s: Distribution | None
    tpot_s: Distribution | None
    itl_s: Distribution | None
    chunk_gap_s: Distribution | None
    longest_gap_s: Distribution | None
    e2e_s: Distribution | None
    scheduled_e2e_s: Distribution | None
    tokens_per_chunk: float | None
    input_tokens: Distribution | None
    output_tokens: Distribution | None
    short_answers: int
    cached_input_share: float | None
    token_times: dict[str, int]
    output_tokens_source: dict[str, int]
    slo: SloResult
    client: ClientSummary
    host: HostSummary
    devices: tuple[DeviceSummary, ...] = ()
    energy: EnergySummary | None = None
    stalls: tuple[Stall, ...] = ()


class LoadSummary(Fact):
    """One load over its repeats: the median of the points' values. With repeats the interval is their range."""

    load: Load
    points: tuple[int, ...]
    requests: int
    failed: int
    output_tokens_per_s: Estimate | None
    output_tokens_per_s_per_user: float | None
    ttft_s: Estimate | None
    ttft_p90_s: float | None
    tpot_s: Estimate | None
    longest_gap_max_s: float | None
    attainment: float | None
    slo_met: bool | None
    joule_per_output_token: Estimate | None = None


class SelfTestSummary(Fact):
    """What the client adds on this machine at `streams` streams: seen minus true."""

    streams: int
    n: int
    ttft_error_p50_s: float
    ttft_error_p99_s: float
    tpot_error_share: float | None
    tokens_lost: int


class Doubt(Fact):
    """A reason to distrust the record: what was seen, and what would settle it."""

    code: str
    weight: Literal["note", "caution", "serious"]
    evidence: str
    advice: str


class Summary(Fact):
    """Everything derived. `metrics_version` rises with every change that can move a number."""

    metrics_version: int
    points: tuple[PointSummary, ...]
    loads: tuple[LoadSummary, ...]
    peak_output_tokens_per_s: float | None
    peak_at: Load | None
    self_test: SelfTestSummary | None
    doubts: tuple[Doubt, ...]
