"""The raw traces: one line a request, one line a sample. All times are seconds on the run's own clock."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from inference_arena.facts import Fact

Result = Literal["ok", "failed", "cancelled", "unfinished"]
TokenTimes = Literal["server-count", "per-delta", "apportioned"]
TokenSource = Literal["usage", "deltas"]
SlowedBy = Literal[
    "idle",
    "power-cap",
    "heat-software",
    "heat-hardware",
    "hardware",
    "power-brake",
    "clocks-set",
    "sync-boost",
    "display-clocks",
    "other",
]


class RequestTrace(Fact):
    """One request as it happened.

    `read_s[i]` is the time of the i-th read that carried generated tokens and `read_tokens[i]` how many. The list
    is empty when no token came. `scheduled_s` is when the load wanted the request sent; `sent_s` when its first
    byte was written; `headers_s` when the response's headers were complete. `first_answer_s` is the first read
    that was not reasoning, where the server tells them apart. Nothing here is text: hashes and lengths only.
    """

    request: int
    point: int
    scheduled_s: float
    sent_s: float | None = None
    connect_s: float | None = None
    headers_s: float | None = None
    read_s: tuple[float, ...] = ()
    read_tokens: tuple[int, ...] = ()
    first_answer_s: float | None = None
    ended_s: float | None = None
    result: Result
    failure: str | None = None
    detail: str | None = None
    status: int | None = None
    finish_reason: str | None = None
    asked_input_tokens: int
    asked_output_tokens: int
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_source: TokenSource | None = None
    token_times: TokenTimes | None = None
    answer_characters: int = 0
    prompt_sha256: str
    answer_sha256: str | None = None
    engine_timings: dict[str, float] | None = None


class HostSample(Fact):
    """The machine at one moment. `cpu_share` is of all cores; `engine_cpu_share` of one core."""

    kind: Literal["host"] = "host"
    t_s: float
    cpu_share: float | None = None
    ram_available_bytes: int | None = None
    ram_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    swap_total_bytes: int | None = None
    engine_cpu_share: float | None = None
    engine_rss_bytes: int | None = None


class CounterSample(Fact):
    """The engine's own counters at one moment, by our names."""

    kind: Literal["counters"] = "counters"
    t_s: float
    values: dict[str, float]


class DeviceSample(Fact):
    """One accelerator at one moment, as often as asked: ten times a second.

    `energy_j` counts up from when the driver was loaded. `slowed_by` are the driver's reasons for clocks below the
    highest, in plain names; idling is one of them. `device` is the index among the host's devices: no serial number
    and no UUID is read.
    """

    kind: Literal["device"] = "device"
    t_s: float
    device: int
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    utilization_share: float | None = None
    power_w: float | None = None
    energy_j: float | None = None
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    memory_clock_hz: float | None = None
    slowed_by: tuple[SlowedBy, ...] | None = None


class DeviceLinkSample(Fact):
    """What is slow to ask of an accelerator or changes slowly, once a second: its link, and whose it is.

    `engine_bytes` is what the engine's processes hold on it and `others_bytes` what all others do.
    """

    kind: Literal["device-link"] = "device-link"
    t_s: float
    device: int
    pcie_rx_bytes_per_s: float | None = None
    pcie_tx_bytes_per_s: float | None = None
    pcie_generation: int | None = None
    pcie_width: int | None = None
    engine_processes: int | None = None
    engine_bytes: int | None = None
    others_processes: int | None = None
    others_bytes: int | None = None


class ClientSample(Fact):
    """What the load client cost during one load point.

    `loop_lag_s` are the delays of a timer that should have fired every 50 ms: how late the client may have been
    in noticing anything. `cpu_s` is processor time of the load process between `from_s` and `to_s`.
    """

    kind: Literal["client"] = "client"
    point: int
    from_s: float
    to_s: float
    cpu_s: float
    event_loop: str
    prompts_made_late: int
    loop_lag_s: tuple[float, ...]


class SelfTestSample(Fact):
    """The load client against a server whose truth is known, at the run's highest load, after the engine stopped.

    The i-th entries belong to one request: what the server logged and what the client saw.
    """

    kind: Literal["self-test"] = "self-test"
    streams: int
    token_interval_s: float
    true_ttft_s: tuple[float, ...]
    seen_ttft_s: tuple[float, ...]
    true_tpot_s: tuple[float, ...]
    seen_tpot_s: tuple[float, ...]
    tokens_sent: int
    tokens_seen: int


Sample = Annotated[
    HostSample | CounterSample | DeviceSample | DeviceLinkSample | ClientSample | SelfTestSample,
    Field(discriminator="kind"),
]
SAMPLE: TypeAdapter[Sample] = TypeAdapter(Sample)
