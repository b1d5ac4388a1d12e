"""A realistic record: a small model on a laptop's processor, four loads. Numbers are made up, their shape is not."""

from collections.abc import Callable

import pytest

from inference_arena import facts
from inference_arena.facts import Device, Host
from inference_arena.plan import Lengths, Load, Settings, Trial
from inference_arena.record import (
    Arena,
    ClientSummary,
    Distribution,
    Doubt,
    EngineUsed,
    Estimate,
    Evidence,
    Finished,
    HostSummary,
    LoadSummary,
    ModelUsed,
    Point,
    PointSummary,
    Record,
    SelfTestSummary,
    SloResult,
    Startup,
    Summary,
)

RTX_3090 = Device(
    index=0, vendor="nvidia", name="NVIDIA GeForce RTX 3090", memory_bytes=25_769_803_776, free_bytes=None
)
HOST = Host(
    hw_class="cpu",
    cpu_model="AMD Ryzen 5 PRO 4650U",
    cpu_cores=4,
    cpu_physical_cores=4,
    cpu_features=("avx2",),
    ram_bytes=16_642_998_272,
    ram_available_bytes=9_000_000_000,
    swap_bytes=0,
    swap_used_bytes=0,
    load_average_1m=0.4,
    os="Ubuntu 24.04",
    kernel="6.8.0",
    architecture="x86_64",
    virtualization="none",
)
LEVELS = (1, 2, 4, 8)
RATES = ((44.1, 2.1), (71.3, 6.4), (88.7, 4.3), (95.2, 4.2))
TTFT = ((0.112, 0.131), (0.31, 0.52), (0.84, 1.71), (2.53, 4.12))
TPOT = (0.0226, 0.0267, 0.0402, 0.0748)
FREEZES = (0.061, 0.12, 0.39, 1.21)
ATTAINMENT = (1.0, 1.0, 0.94, 0.31)


def closed(concurrency: int) -> Load:
    return Load(kind="closed", concurrency=concurrency, duration_s=20.0)


def opened(rate_per_s: float) -> Load:
    return Load(kind="open", rate_per_s=rate_per_s, arrivals="poisson", duration_s=20.0)


def estimate(value: float, half: float | None = None, *, n: int = 60) -> Estimate:
    low, high = (None, None) if half is None else (value - half, value + half)
    return Estimate(value=value, low=low, high=high, n=n, method="bootstrap")


def spread(p50: float, p90: float) -> Distribution:
    return Distribution(n=60, mean=p50, min=p50 / 2, p50=estimate(p50, p50 / 20), p90=p90, p95=p90, max=p90 * 1.2)


def load_summary(i: int, load: Load | None = None) -> LoadSummary:
    return LoadSummary(
        load=load or closed(LEVELS[i]),
        points=(i,),
        requests=60,
        failed=0,
        output_tokens_per_s=estimate(*RATES[i]),
        output_tokens_per_s_per_user=1 / TPOT[i],
        ttft_s=estimate(TTFT[i][0], TTFT[i][0] / 20),
        ttft_p90_s=TTFT[i][1],
        tpot_s=estimate(TPOT[i], TPOT[i] / 30),
        longest_gap_max_s=FREEZES[i],
        attainment=ATTAINMENT[i],
        slo_met=ATTAINMENT[i] >= 0.9,
    )


def point_summary(i: int) -> PointSummary:
    ttft, tpot = spread(*TTFT[i]), spread(TPOT[i], TPOT[i] * 1.1)
    return PointSummary(
        point=i,
        repeat=0,
        load=closed(LEVELS[i]),
        window_s=20.0,
        sent=62,
        ok=60,
        failed=0,
        cancelled=0,
        unfinished=2,
        failures={},
        outside_window=LEVELS[i],
        concurrency_mean=float(LEVELS[i]),
        requests_per_s=3.0,
        output_tokens_per_s=estimate(*RATES[i]),
        input_tokens_per_s=190.0,
        output_tokens_per_s_per_user=1 / TPOT[i],
        ttft_s=ttft,
        scheduled_ttft_s=ttft,
        tpot_s=tpot,
        itl_s=tpot,
        chunk_gap_s=tpot,
        longest_gap_s=tpot,
        e2e_s=ttft,
        scheduled_e2e_s=ttft,
        tokens_per_chunk=1.0,
        input_tokens=None,
        output_tokens=None,
        short_answers=0,
        cached_input_share=0.0,
        token_times={"per-delta": 60},
        output_tokens_source={"usage": 60},
        slo=SloResult(name="chat", attainment=estimate(ATTAINMENT[i]), goodput_per_s=2.0, met=ATTAINMENT[i] >= 0.9),
        client=ClientSummary(loop_lag_p99_s=0.0012, schedule_lag_p99_s=0.0009, cpu_share=0.034, prompts_made_late=0),
        host=HostSummary(
            cpu_share_mean=0.78,
            engine_cpu_share_mean=2.9,
            engine_rss_max_bytes=310_000_000,
            ram_available_min_bytes=8_000_000_000,
            swap_growth_bytes=0,
        ),
    )


SUMMARY = Summary(
    metrics_version=1,
    points=tuple(point_summary(i) for i in range(4)),
    loads=tuple(load_summary(i) for i in range(4)),
    peak_output_tokens_per_s=95.2,
    peak_at=closed(8),
    self_test=SelfTestSummary(
        streams=8, n=64, ttft_error_p50_s=0.0001, ttft_error_p99_s=0.0008, tpot_error_share=0.002, tokens_lost=0
    ),
    doubts=(
        Doubt(
            code="few-samples",
            weight="note",
            evidence="60 requests at 8 at once: p90 rests on 6 of them",
            advice="arena run --repeat 3",
        ),
        Doubt(
            code="client-bound",
            weight="caution",
            evidence="all cores were busy 96 % of the time, the client's among them",
            advice="run the client on another machine",
        ),
    ),
)

SAMPLE = Record(
    id="20261123-121604-smollm2",
    purpose="measurement",
    started_at="2026-11-23T12:16:04Z",
    finished_at="2026-11-23T12:18:01Z",
    clock_zero_unix_s=1_795_436_164.0,
    arena=Arena(version="0.1.0", python="3.11.9", event_loop="uvloop"),
    trial=Trial(
        engine="embedded",
        model="smollm2-135m-instruct-q4_1",
        endpoint="chat",
        settings=Settings(threads=3, parallel=8),
        workload="chat",
        lengths=Lengths(input_tokens=256, output_tokens=128, output_jitter=0.25),
        loads=tuple(closed(level) for level in LEVELS),
        repeats=1,
        seed=7,
        slo=facts.slo("chat"),
    ),
    host=HOST,
    engine=EngineUsed(
        name="embedded",
        version="b11549",
        program="llama.cpp",
        form="process",
        location="same-host",
        effective={"threads": 3, "parallel": 8, "context_tokens": 4096},
        choices={
            "threads": "4 usable cores, one core is left to the load client",
            "parallel": "the most requests at once that will be sent",
        },
        command=("llama-server", "--model", "MODEL", "--threads", "3", "--parallel", "8", "--ctx-size", "4096"),
    ),
    model=ModelUsed(
        name="SmolLM2 135M Instruct",
        checkpoint="smollm2-135m-instruct-q4_1",
        architecture="llama",
        quantization="q4_1",
        parameters=134_515_008,
        file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        file_bytes=98_362_432,
        license="apache-2.0",
        weights="real",
    ),
    startup=Startup(facts={}, ready_s=1.84, first_request_s=0.21),
    points=tuple(
        Point(
            index=i,
            repeat=0,
            load=closed(level),
            seed=i,
            started_s=i * 30.0,
            steady_from_s=i * 30.0 + 4,
            steady_to_s=i * 30.0 + 24,
            ended_s=i * 30.0 + 29,
            stopped_by="plan",
        )
        for i, level in enumerate(LEVELS)
    ),
    outcome=Finished(),
    summary=SUMMARY,
    evidence=Evidence(requests_sha256="0" * 64, requests_lines=248, samples_sha256="0" * 64, samples_lines=610),
    configuration="3f2a9c1d7e5b4a60",
)


@pytest.fixture
def measurement() -> Record:
    return SAMPLE


@pytest.fixture
def changed() -> Callable[..., Record]:
    """The sample with some of its fields replaced."""

    def change(**fields: object) -> Record:
        return SAMPLE.model_copy(update=fields)

    return change


@pytest.fixture
def summarised() -> Callable[..., Record]:
    """The sample with some fields of its summary replaced, and of itself."""

    def change(*, summary: dict[str, object], **fields: object) -> Record:
        return SAMPLE.model_copy(update={"summary": SUMMARY.model_copy(update=summary), **fields})

    return change


@pytest.fixture
def load_of() -> Callable[..., LoadSummary]:
    """A load summary with 60 requests: `load_of(8, 95.2, met=False)`; a float level makes an open load."""

    def make(level: float, tokens_per_s: float | None, *, met: bool | None = True, share: float = 0.95) -> LoadSummary:
        load = closed(level) if isinstance(level, int) else opened(level)
        rate = None if tokens_per_s is None else estimate(tokens_per_s, tokens_per_s / 20)
        fields = {"output_tokens_per_s": rate, "slo_met": met, "attainment": None if met is None else share}
        return load_summary(0, load).model_copy(update=fields)

    return make


@pytest.fixture
def rtx_3090() -> Device:
    return RTX_3090
