"""A small valid record with its raw files, for the tests of store, exchange and the verbs that read records."""

import gzip
from pathlib import Path

from inference_arena import facts
from inference_arena.facts import Host
from inference_arena.plan import Lengths, Load, Settings, Trial
from inference_arena.record import (
    Arena,
    ClientSummary,
    Distribution,
    Doubt,
    EngineUsed,
    Estimate,
    Evidence,
    Failed,
    Finished,
    HostSample,
    HostSummary,
    LoadSummary,
    ModelUsed,
    Point,
    PointSummary,
    Record,
    RequestTrace,
    SloResult,
    Startup,
    Summary,
)
from inference_arena.store import Home, save_record, sha256_of, write_jsonl_gz

IDS = ("20261123-120101-aaaaaa", "20261123-120102-bbbbbb", "20261124-080000-cccccc")
LOAD = Load(kind="closed", concurrency=2, duration_s=10.0)
FAILED = Failed(stage="launch", cause="driver-too-old", what="it did not start", why="CUDA 12.8", advice="arena fit")
TRACES = tuple(
    RequestTrace(
        request=number,
        point=0,
        scheduled_s=float(number),
        sent_s=number + 0.001,
        read_s=(number + 0.1, number + 0.2),
        read_tokens=(1, 1),
        ended_s=number + 0.25,
        result="ok",
        status=200,
        asked_input_tokens=8,
        asked_output_tokens=2,
        output_tokens=2,
        output_tokens_source="usage",
        token_times="per-delta",
        prompt_sha256="ab" * 32,
    )
    for number in range(3)
)
SAMPLES = (HostSample(t_s=0.5, cpu_share=0.25), HostSample(t_s=1.5, cpu_share=0.75))


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 1, high=value + 1, n=3, method="bootstrap")


def spread(value: float) -> Distribution:
    return Distribution(n=3, mean=value, min=value, p50=estimate(value), p90=value, p95=value, max=value)


def point_summary() -> PointSummary:
    return PointSummary(
        point=0,
        repeat=0,
        load=LOAD,
        window_s=10.0,
        sent=3,
        ok=3,
        failed=0,
        cancelled=0,
        unfinished=0,
        failures={},
        outside_window=0,
        concurrency_mean=2.0,
        requests_per_s=0.3,
        output_tokens_per_s=estimate(44.5),
        input_tokens_per_s=2.4,
        output_tokens_per_s_per_user=10.0,
        ttft_s=spread(0.099),
        scheduled_ttft_s=None,
        tpot_s=spread(0.1),
        itl_s=None,
        chunk_gap_s=None,
        longest_gap_s=None,
        e2e_s=None,
        scheduled_e2e_s=None,
        tokens_per_chunk=1.0,
        input_tokens=None,
        output_tokens=None,
        short_answers=0,
        cached_input_share=None,
        token_times={"per-delta": 3},
        output_tokens_source={"usage": 3},
        slo=SloResult(name="chat", attainment=estimate(1.0), goodput_per_s=0.3, met=True),
        client=ClientSummary(loop_lag_p99_s=None, schedule_lag_p99_s=None, cpu_share=None, prompts_made_late=0),
        host=HostSummary(
            cpu_share_mean=None,
            engine_cpu_share_mean=None,
            engine_rss_max_bytes=None,
            ram_available_min_bytes=None,
            swap_growth_bytes=None,
        ),
    )


def load_summary() -> LoadSummary:
    return LoadSummary(
        load=LOAD,
        points=(0,),
        requests=3,
        failed=0,
        output_tokens_per_s=estimate(44.5),
        output_tokens_per_s_per_user=10.0,
        ttft_s=estimate(0.099),
        ttft_p90_s=0.12,
        tpot_s=estimate(0.1),
        longest_gap_max_s=0.3,
        attainment=1.0,
        slo_met=True,
    )


def summary() -> Summary:
    return Summary(
        metrics_version=1,
        points=(point_summary(),),
        loads=(load_summary(),),
        peak_output_tokens_per_s=44.5,
        peak_at=LOAD,
        self_test=None,
        doubts=(Doubt(code="few-samples", weight="note", evidence="3 requests", advice="arena run --repeat 3"),),
    )


HOST = Host(
    hw_class="cpu",
    cpu_model="Some CPU",
    cpu_cores=2,
    cpu_physical_cores=2,
    cpu_features=(),
    ram_bytes=8 * 1024**3,
    ram_available_bytes=4 * 1024**3,
    swap_bytes=0,
    swap_used_bytes=0,
    load_average_1m=None,
    os="Some OS",
    kernel="6",
    architecture="x86_64",
    virtualization=None,
)
TRIAL = Trial(
    engine="embedded",
    model="small",
    endpoint="chat",
    settings=Settings(),
    workload="self-test",
    lengths=Lengths(input_tokens=8, output_tokens=2, output_jitter=0.0),
    loads=(LOAD,),
    repeats=1,
    seed=1,
    slo=facts.slo("chat"),
)
EVIDENCE = Evidence(requests_sha256="0" * 64, requests_lines=3, samples_sha256="0" * 64, samples_lines=2)
ENGINE = EngineUsed(
    name="embedded",
    version="b1",
    form="process",
    location="same-host",
    effective={"threads": 1, "flash": True, "scale": 1.0, "cache": "f16"},
    choices={},
)
POINT = Point(
    index=0,
    repeat=0,
    load=LOAD,
    seed=1,
    started_s=0.0,
    steady_from_s=1.0,
    steady_to_s=9.0,
    ended_s=10.0,
    stopped_by="plan",
)


def a_record(record_id: str = IDS[0], **fields: object) -> Record:
    """A finished measurement; its evidence is that of no file, unless given."""
    record = Record(
        id=record_id,
        purpose="measurement",
        started_at="2026-11-23T12:01:01+00:00",
        finished_at="2026-11-23T12:01:11+00:00",
        clock_zero_unix_s=1_795_435_261.0,
        arena=Arena(version="0.1.0", python="3.11"),
        trial=TRIAL,
        host=HOST,
        engine=ENGINE,
        model=ModelUsed(name="Small Model", quantization="q4_1", weights="real"),
        startup=Startup(facts={}),
        points=(POINT,),
        outcome=Finished(),
        summary=summary(),
        evidence=EVIDENCE,
        configuration="c0ffee",
    )
    return record.model_copy(update=fields)


def a_failed_record(record_id: str) -> Record:
    return a_record(record_id, outcome=FAILED, summary=None, points=())


def raw_files(folder: Path, *, log: str | None = None) -> dict[str, Path | None]:
    """The arguments of `save_record` that name files."""
    folder.mkdir(parents=True, exist_ok=True)
    requests, samples, packed = folder / "requests.gz", folder / "samples.gz", folder / "log.gz"
    write_jsonl_gz(requests, TRACES)
    write_jsonl_gz(samples, SAMPLES)
    if log is not None:
        packed.write_bytes(gzip.compress(log.encode(), mtime=0))
    return {"requests_gz": requests, "samples_gz": samples, "log_gz": packed if log is not None else None}


def with_evidence(record: Record, files: dict[str, Path | None]) -> Record:
    """The record with the hashes of these files."""
    sha256 = {name: sha256_of(path) for name, path in files.items() if path}
    evidence = Evidence(
        requests_sha256=sha256["requests_gz"],
        requests_lines=len(TRACES),
        samples_sha256=sha256["samples_gz"],
        samples_lines=len(SAMPLES),
        log_sha256=sha256.get("log_gz"),
    )
    return record.model_copy(update={"evidence": evidence})


def keep(home: Home, record: Record, *, raw: Path, log: str | None = None) -> Path:
    """Saves the record with raw files that fit it."""
    files = raw_files(raw, log=log)
    return save_record(home, with_evidence(record, files), **files)
