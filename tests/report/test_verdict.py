"""Every way a run can end, in the sentences a newcomer reads."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inference_arena.facts import Device
from inference_arena.record import Doubt, Failed, Interrupted, LoadSummary, Record
from inference_arena.report import verdict
from inference_arena.store import load_record

Change = Callable[..., Record]
LoadOf = Callable[..., LoadSummary]

SPEED = (
    "On this machine (4-core AMD Ryzen 5 PRO 4650U) SmolLM2 135M Instruct Q4_1 on llama.cpp b11549 makes "
    "44 tok/s (± 2) for one user and at most 95 tok/s (± 4) for 8 at once."
)
FEEL = "With 8 at once the first word takes 2.5 s (p50), then each user gets 13 tok/s."
GOAL = 'The goal "chat" (first word within 2 s, at most 100 ms per token after it, for 90 % of requests)'


def failed(**fields: object) -> Failed:
    base = Failed(
        stage="launch",
        cause="driver-too-old",
        what="llama-server did not start",
        why="it needs CUDA 12.8; this driver offers 12.2",
        advice="arena run --engine embedded",
    )
    return base.model_copy(update=fields)


def test_a_measurement_says_how_fast_for_how_many_and_whether_that_is_good(measurement: Record):
    assert verdict(measurement) == (
        SPEED,
        FEEL,
        "Whether 8 at once make more tokens than 4 cannot be told from this run.",
        f"{GOAL} is met up to 4 at once; with 8 at once 31 % of requests meet it.",
    )


def test_a_self_test_is_called_one_and_draws_no_conclusions(changed: Change):
    assert verdict(changed(purpose="self-test")) == (
        "Self-test passed: machine and tool work. This is a tiny model; it says nothing about bigger ones.",
        SPEED,
        FEEL,
    )


@pytest.mark.parametrize("purpose", ["measurement", "self-test"])
def test_a_gpu_that_stood_idle_comes_first(measurement: Record, rtx_3090: Device, changed: Change, purpose: str):
    host = measurement.host.model_copy(update={"devices": (rtx_3090,)})
    choices = {"gpu": "the embedded engine has no CUDA build", "gpu_command": "arena run --engine llamacpp"}
    engine = measurement.engine.model_copy(update={"choices": choices})
    first, *others = verdict(changed(host=host, engine=engine, purpose=purpose))
    assert first == (
        "Your GPU was not used: NVIDIA GeForce RTX 3090 (24.00 GiB). Why: the embedded engine has no CUDA build. "
        "To use it: arena run --engine llamacpp"
    )
    assert SPEED in others


def test_a_gpu_that_was_used_is_the_machine(measurement: Record, rtx_3090: Device, changed: Change):
    host = measurement.host.model_copy(update={"devices": (rtx_3090,)})
    (first, *_) = verdict(changed(host=host))
    assert first.startswith("On this machine (NVIDIA GeForce RTX 3090 (24.00 GiB))")


def test_a_card_that_another_engine_used_is_not_called_idle(measurement: Record, rtx_3090: Device, changed: Change):
    """Records of vLLM once carried llama-server's reason."""
    host = measurement.host.model_copy(update={"devices": (rtx_3090,)})
    choices = {"gpu": "it was not used: llama-server put no layer of the model on it", "gpu_command": "arena run"}
    engine = measurement.engine.model_copy(update={"choices": choices})
    trial = measurement.trial.model_copy(update={"engine": "vllm"})
    (first, *_) = verdict(changed(host=host, engine=engine, trial=trial))
    assert first.startswith("On this machine (NVIDIA GeForce RTX 3090 (24.00 GiB))")


@pytest.mark.parametrize(("why", "said"), [("is it running?", "Why: is it running?"), ("no room.", "Why: no room.")])
def test_a_reason_has_one_end(changed: Change, why: str, said: str):
    outcome = failed().model_copy(update={"why": why})
    assert said in verdict(changed(outcome=outcome, summary=None))


def test_a_reason_without_a_gpu_says_nothing(measurement: Record, changed: Change):
    engine = measurement.engine.model_copy(update={"choices": {"gpu": "none was found"}})
    assert verdict(changed(engine=engine)) == verdict(measurement)


def test_a_failure_says_what_where_why_and_what_to_try(changed: Change):
    assert verdict(changed(outcome=failed(), summary=None)) == (
        "It did not work: llama-server did not start. It ended while starting the engine.",
        "Why: it needs CUDA 12.8; this driver offers 12.2.",
        "Try: arena run --engine embedded",
    )


@pytest.mark.parametrize("stage", ["prepare", "launch", "ready", "probe", "load", "stop", "self-test", "save"])
def test_every_stage_has_words(changed: Change, stage: str):
    assert "It ended " in verdict(changed(outcome=failed(stage=stage), summary=None))[0]
    assert verdict(changed(outcome=Interrupted(stage=stage, by="killed")))[0].startswith("Interrupted ")


def test_an_interruption_says_what_was_kept(measurement: Record, changed: Change):
    cut = (*measurement.points[:2], measurement.points[2].model_copy(update={"stopped_by": "interrupted"}))
    record = changed(outcome=Interrupted(stage="load", by="ctrl-c"), points=cut)
    first, second, *_ = verdict(record)
    assert first == (
        "Interrupted while measuring under load: you pressed Ctrl-C. "
        "Kept: 248 requests; 2 of 4 load points are complete."
    )
    assert second == SPEED


def test_an_early_interruption_says_that_nothing_was_measured(measurement: Record, changed: Change):
    nothing = measurement.evidence.model_copy(update={"requests_lines": 0})
    record = changed(outcome=Interrupted(stage="ready", by="terminated"), points=(), summary=None, evidence=nothing)
    (only,) = verdict(record)
    assert only == (
        "Interrupted while waiting for the engine to load the model: the system asked it to stop. "
        "Nothing had been measured yet; only the set-up is kept."
    )


def test_no_successful_request_is_said_with_the_causes(measurement: Record, summarised: Change):
    assert measurement.summary is not None
    lost = {"ok": 0, "failed": 3, "failures": {"timeout": 2, "refused": 1}}
    points = tuple(point.model_copy(update=lost) for point in measurement.summary.points[:1])
    assert verdict(summarised(summary={"points": points, "loads": ()})) == (
        "No request succeeded, so there is nothing to measure.",
        "3 of 3 requests failed: timeout 2, refused 1.",
    )


def test_some_failed_requests_are_counted_beside_the_numbers(measurement: Record, summarised: Change):
    assert measurement.summary is not None
    first, *others = measurement.summary.points
    points = (first.model_copy(update={"failed": 1, "failures": {"timeout": 1}}), *others)
    assert "1 of 241 requests failed: timeout 1." in verdict(summarised(summary={"points": points}))


def test_throughput_that_still_grows_is_said_to(load_of: LoadOf, summarised: Change):
    loads = (load_of(1, 40.0), load_of(2, 78.0), load_of(4, 150.0))
    said = verdict(summarised(summary={"loads": loads}))
    assert "Throughput still grows at 4 at once: the limit lies higher than was tried." in said


def test_growth_is_counted_per_doubling(load_of: LoadOf, summarised: Change):
    loads = (load_of(1, 100.0), load_of(8, 120.0))
    said = verdict(summarised(summary={"loads": loads}))
    assert "Throughput stops growing at 1 at once: 8 at once adds only 6 % per doubling." in said


def test_throughput_that_falls_costs(load_of: LoadOf, summarised: Change):
    loads = (load_of(4, 100.0), load_of(8, 80.0))
    assert "Throughput stops growing at 4 at once: 8 at once costs 20 %." in verdict(
        summarised(summary={"loads": loads})
    )


def test_a_dip_before_growth_is_no_end_of_growth(load_of: LoadOf, summarised: Change):
    loads = (load_of(1, 40.0), load_of(2, 41.0), load_of(4, 80.0))
    assert any(line.startswith("Throughput still grows") for line in verdict(summarised(summary={"loads": loads})))


@pytest.mark.parametrize(
    ("met", "end"),
    [
        ((True, True), "is met at every load tried, up to 8 at once."),
        ((True, False), "is met for one user; with 8 at once 95 % of requests meet it."),
        ((False, False), "is not met: with one user 95 % of requests meet it."),
        ((False, True), "is not met: with one user 95 % of requests meet it."),
        ((True, None), "is met for one user; beyond that it cannot be judged from so few requests."),
        ((None, None), "cannot be judged from so few requests."),
    ],
)
def test_the_goal_is_judged_from_the_lowest_load_up(
    load_of: LoadOf, summarised: Change, met: tuple[bool | None, bool | None], end: str
):
    loads = (load_of(1, 40.0, met=met[0]), load_of(8, 95.0, met=met[1]))
    assert verdict(summarised(summary={"loads": loads}))[-1] == f"{GOAL} {end}"


def test_a_goal_without_bounds_is_not_judged(measurement: Record, changed: Change):
    slo = measurement.trial.slo.model_copy(update={"ttft_s": None, "tpot_s": None})
    record = changed(trial=measurement.trial.model_copy(update={"slo": slo}))
    assert not any("goal" in line for line in verdict(record))


def test_arrivals_are_given_as_a_rate(load_of: LoadOf, summarised: Change):
    loads = (load_of(0.5, 40.0), load_of(2.0, 80.0, met=False, share=0.2))
    said = verdict(summarised(summary={"loads": loads}))
    assert "for 0.5" not in said[0]
    assert "at 0.5 requests/s and at most 80 tok/s (± 4) at 2 requests/s." in said[0]
    assert said[-1].endswith("is met up to 0.5 requests/s; at 2 requests/s 20 % of requests meet it.")


def test_loads_without_numbers_are_left_out(load_of: LoadOf, summarised: Change):
    said = verdict(summarised(summary={"loads": (load_of(1, None), load_of(2, 50.0))}))
    assert "makes 50 tok/s" in said[0]


def test_a_serious_doubt_is_named_with_the_numbers(summarised: Change):
    doubt = Doubt(code="swapped", weight="serious", evidence="1 GiB", advice="close programs")
    said = verdict(summarised(summary={"doubts": (doubt,)}))
    assert said[-1] == "Do not rely on these numbers yet: swapped (see the doubts below)."


def test_a_server_elsewhere_is_not_this_machine(measurement: Record, changed: Change):
    engine = measurement.engine.model_copy(update={"form": "attached", "location": "internet"})
    assert verdict(changed(engine=engine))[0].startswith("On a server reached over the internet SmolLM2")


def test_names_from_others_cannot_act(measurement: Record, changed: Change):
    model = measurement.model.model_copy(update={"name": "evil\x1b[2J\nname", "checkpoint": None})
    assert "evil\\x1b[2J\\nname" in verdict(changed(model=model))[0]


def test_random_weights_are_said_before_any_number():
    path = Path(__file__).parents[2] / "records" / "20261124-133010-c80a70"
    first, second, *_ = verdict(load_record(path))

    assert first.startswith("Synthetic: memory and shape, not evidence about this engine")
    assert "183 tok/s" in second
