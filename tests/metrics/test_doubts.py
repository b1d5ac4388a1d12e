"""Every doubt: what raises it, and what just does not."""

import pytest

from inference_arena import metrics
from inference_arena.metrics.doubts import find_doubts
from inference_arena.plan import Trial
from inference_arena.record import (
    ClientSample,
    ClientSummary,
    DeviceSummary,
    Doubt,
    Estimate,
    HostSummary,
    PointSummary,
    RequestTrace,
    SelfTestSample,
    Summary,
)

MIB = 1024**2
CORES = 4


def self_tested(*, off_s: float = 0.0001, tpot: float = 0.01, seen: int = 40) -> tuple[SelfTestSample]:
    """A self-test of two requests with such an error in TTFT and such a seen TPOT where 10 ms are true."""
    times = {"true_ttft_s": (0.05, 0.05), "seen_ttft_s": (0.05 + off_s,) * 2, "true_tpot_s": (0.01,) * 2}
    return (
        SelfTestSample(
            streams=2, token_interval_s=0.01, **times, seen_tpot_s=(tpot,) * 2, tokens_sent=40, tokens_seen=seen
        ),
    )


EXACT = self_tested()


@pytest.fixture
def calm(trace, point, trial, closed):
    """A record of 40 good answers on an idle machine, raised doubts by code; `change` alters its point's summary."""

    def doubts(
        change=lambda it: {}, *, samples=(), tested=EXACT, traces=None, trial_fields=(), **fields
    ) -> dict[str, Doubt]:
        made = [trace(i, at_s=1.0 + 0.2 * i) for i in range(40)] if traces is None else traces
        points = [point(**fields)]
        asked = trial(**dict(trial_fields))
        summary = metrics.summarise(
            trial=asked, points=points, traces=made, samples=(*samples, *tested), cpu_cores=CORES
        )
        changed = tuple(one.model_copy(update=change(one)) for one in summary.points)
        found = find_doubts(summary.model_copy(update={"points": changed}), trial=asked, points=points, cpu_cores=CORES)
        return {doubt.code: doubt for doubt in found}

    return doubts


def test_a_calm_record_raises_no_doubt(calm):
    assert calm() == {}


@pytest.mark.parametrize(
    ("tested", "raised"),
    [
        (EXACT, None),
        ((), "no-self-test"),
        (self_tested(off_s=0.05), "client-inexact"),
        (self_tested(tpot=0.0103), "client-inexact"),
        (self_tested(seen=39), "client-lost-tokens"),
    ],
)
def test_a_client_that_was_not_exact_in_its_self_test_is_doubted(calm, tested, raised):
    assert set(calm(tested=tested)) == ({raised} if raised else set())


def test_answers_that_come_in_one_piece_are_doubted_and_give_no_speed_per_user(calm, trace):
    whole = [trace(i, at_s=1.0 + 0.2 * i, read_s=(1.2 + 0.2 * i,), read_tokens=(50,)) for i in range(40)]
    assert "buffered-stream" in calm(traces=whole)


def counted(ok: int, failed: int = 0, unfinished: int = 0):
    return lambda _: {"ok": ok, "failed": failed, "unfinished": unfinished, "sent": ok + failed + unfinished}


@pytest.mark.parametrize(("change", "raised"), [
    (counted(94, 6), True),
    (counted(94, 3, 3), True),
    (counted(95, 5), False),
])  # fmt: skip
def test_failures_over_a_twentieth_are_doubted(calm, change, raised):
    assert ("failures" in calm(change)) is raised


def test_the_failures_are_named(calm):
    doubt = calm(lambda it: {**counted(30, 10)(it), "failures": {"timeout": 9, "http-500": 1}})["failures"]

    assert doubt.weight == "serious"
    assert "10 of 40" in doubt.evidence
    assert "http-500, timeout" in doubt.evidence


@pytest.mark.parametrize("reason", ["errors", "drain-limit", "storage", "interrupted", "client-died", "engine-died"])
def test_a_point_that_ended_before_its_plan_is_doubted(calm, reason):
    assert reason in calm(stopped_by=reason)["cut-short"].evidence


def test_a_point_that_ended_by_its_plan_is_not(calm):
    assert "cut-short" not in calm(stopped_by="plan")


def client(**fields):
    given = {"loop_lag_p99_s": None, "schedule_lag_p99_s": None, "cpu_share": None, "prompts_made_late": 0}
    return lambda _: {"client": ClientSummary(**{**given, **fields})}


def test_a_loop_that_lags_by_a_twentieth_of_ttft_is_doubted(calm):
    """TTFT is 0.2 s."""
    assert "client-late" in calm(client(loop_lag_p99_s=0.0101))
    assert "client-late" not in calm(client(loop_lag_p99_s=0.0099))


def test_an_open_load_that_is_sent_late_is_doubted_and_a_closed_one_has_no_schedule_to_keep(calm, open_load):
    late = client(schedule_lag_p99_s=0.011)

    assert "client-late" in calm(late, load=open_load)
    assert "client-late" not in calm(client(schedule_lag_p99_s=0.009), load=open_load)
    assert "client-late" not in calm(late)


def test_a_busy_client_is_doubted(calm):
    assert "client-bound" in calm(client(cpu_share=0.81))
    assert "client-bound" not in calm(client(cpu_share=0.8))


def test_the_clients_share_comes_from_its_samples(calm):
    sample = ClientSample(
        point=0, from_s=0.0, to_s=10.0, cpu_s=9.0, event_loop="uvloop", prompts_made_late=0, loop_lag_s=(0.0,)
    )

    assert "90 %" in calm(samples=[sample])["client-bound"].evidence


@pytest.mark.parametrize(("seen", "raised"), [(59, True), (60, False)])
def test_a_client_that_loses_tokens_in_its_self_test_is_doubted(calm, seen, raised):
    sample = SelfTestSample(
        streams=2, token_interval_s=0.01, true_ttft_s=(0.05,), seen_ttft_s=(0.05,), true_tpot_s=(0.01,),
        seen_tpot_s=(0.01,), tokens_sent=60, tokens_seen=seen,
    )  # fmt: skip

    assert ("client-lost-tokens" in calm(samples=[sample])) is raised


def test_pieces_counted_for_want_of_usage_are_doubted(calm):
    assert "usage-missing" in calm(lambda _: {"output_tokens_source": {"usage": 39, "deltas": 1}})
    assert "usage-missing" not in calm(lambda _: {"output_tokens_source": {"usage": 40}})


def test_tokens_spread_by_characters_are_noted_over_a_twentieth(calm):
    assert calm(lambda _: {"token_times": {"apportioned": 3}})["token-times-apportioned"].weight == "note"
    assert "token-times-apportioned" not in calm(lambda _: {"token_times": {"apportioned": 2}})


def test_answers_shorter_than_asked_are_doubted_over_a_twentieth(calm):
    assert "ignore the end-of-text" in calm(lambda _: {"short_answers": 3})["short-output"].evidence
    assert "short-output" not in calm(lambda _: {"short_answers": 2})


def test_a_prefix_cache_that_served_half_of_the_prompts_is_doubted(calm):
    assert "warm-cache" in calm(lambda _: {"cached_input_share": 0.51})
    assert "warm-cache" not in calm(lambda _: {"cached_input_share": 0.5})
    assert "warm-cache" not in calm(lambda _: {"cached_input_share": None})


def host(**fields):
    names = (
        "cpu_share_mean engine_cpu_share_mean engine_rss_max_bytes ram_available_min_bytes swap_growth_bytes".split()
    )
    return lambda _: {"host": HostSummary(**{**dict.fromkeys(names), **fields})}


def test_other_programs_on_the_machine_are_doubted(calm):
    """Of four cores the engine has two, half of the machine; what is over that is somebody else's."""
    assert "other-load-on-host" in calm(host(cpu_share_mean=0.66, engine_cpu_share_mean=2.0))
    assert "other-load-on-host" not in calm(host(cpu_share_mean=0.64, engine_cpu_share_mean=2.0))
    assert "other-load-on-host" not in calm(host(cpu_share_mean=1.0))


def test_the_clients_own_work_is_not_somebody_elses(calm):
    def busy(it: PointSummary) -> dict:
        return {**host(cpu_share_mean=0.8, engine_cpu_share_mean=2.0)(it), **client(cpu_share=0.8)(it)}

    assert "other-load-on-host" not in calm(busy)


def test_growing_swap_is_doubted(calm):
    assert calm(host(swap_growth_bytes=17 * MIB))["swapped"].weight == "serious"
    assert "swapped" not in calm(host(swap_growth_bytes=16 * MIB))
    assert "swapped" not in calm(host(swap_growth_bytes=-(2**30)))


def card(**fields):
    given = {"device": 0, "samples": 100, "used_by_engine": True, **fields}
    return lambda _: {"devices": (DeviceSummary(**given),)}


def test_a_card_that_lowered_its_clocks_for_heat_is_doubted(calm):
    hot = calm(card(slowed_s={"heat-software": 0.2, "idle": 9.0}, temperature_max_c=91.0))["thermal-throttle"]
    assert hot.evidence == "the card lowered its clocks (heat-software) for 2.0 % of the time at up to 91 °C at 2"
    assert "thermal-throttle" in calm(card(slowed_s={"power-brake": 0.2}))
    assert "thermal-throttle" not in calm(card(slowed_s={"heat-hardware": 0.1, "idle": 9.0, "clocks-set": 9.0}))


def test_a_card_at_its_power_limit_is_noted(calm):
    assert calm(card(slowed_s={"power-cap": 1.1}))["power-limited"].weight == "note"
    assert "power-limited" not in calm(card(slowed_s={"power-cap": 1.0}))


def test_a_card_whose_memory_was_almost_full_is_doubted(calm):
    total = 24 * 1024 * MIB
    assert "memory-almost-full" in calm(card(memory_total_bytes=total, memory_max_bytes=total - 255 * MIB))
    assert "memory-almost-full" not in calm(card(memory_total_bytes=total, memory_max_bytes=total - 256 * MIB))
    assert "memory-almost-full" not in calm(card(memory_max_bytes=total))


def test_a_card_that_fell_silent_is_doubted(calm):
    assert calm(card(reasons=("no samples for 4.1 s of the window",)))["device-silent"].weight == "serious"
    assert "device-silent" not in calm(card(reasons=("the energy counter went backwards",)))


def test_other_programs_on_the_card_are_doubted(calm):
    assert "other-process-on-gpu" in calm(card(others_max_bytes=513 * MIB))
    assert "other-process-on-gpu" not in calm(card(others_max_bytes=512 * MIB))


def test_a_machine_whose_memory_was_almost_full_is_doubted(calm):
    assert "ram-almost-full" in calm(host(ram_available_min_bytes=511 * MIB))
    assert "ram-almost-full" not in calm(host(ram_available_min_bytes=512 * MIB))


def test_cards_that_the_engine_did_not_use_raise_no_doubt(calm):
    def two(_):
        idle = DeviceSummary(device=1, samples=100, used_by_engine=False, slowed_s={"heat-software": 9.0})
        return {"devices": (DeviceSummary(device=0, samples=100, used_by_engine=True), idle)}

    assert calm(two) == {}


def some(trace, n: int) -> list[RequestTrace]:
    return [trace(i, at_s=1.0 + 0.2 * i) for i in range(n)]


def test_few_answers_are_noted(calm, trace):
    assert "29 answers" in calm(traces=some(trace, 29))["few-samples"].evidence
    assert "few-samples" not in calm(traces=some(trace, 30))


def test_a_point_without_answers_has_no_few_samples(calm):
    assert "few-samples" not in calm(traces=[])


@pytest.fixture
def forty(trace, point, trial) -> tuple[Trial, Summary]:
    """A trial and its summary of one point with 40 answers."""
    points, asked = [point()], trial()
    return asked, metrics.summarise(trial=asked, points=points, traces=some(trace, 40), samples=(), cpu_cores=CORES)


def speeds(low: float, high: float, *, method: str = "repeats"):
    return Estimate(value=100.0, low=low, high=high, n=3, method=method)


@pytest.mark.parametrize(
    ("speed", "raised"),
    [
        (speeds(94.0, 105.0), True),
        (speeds(95.0, 105.0), False),
        (speeds(10.0, 500.0, method="ten-blocks"), False),  # one run has no repeats to differ
        (None, False),
    ],
)
def test_repeats_that_differ_by_over_a_tenth_are_doubted(forty, speed, raised):
    trial, summary = forty
    loads = (summary.loads[0].model_copy(update={"output_tokens_per_s": speed}),)

    found = find_doubts(summary.model_copy(update={"loads": loads}), trial=trial, points=[], cpu_cores=CORES)

    assert ("unstable" in {doubt.code for doubt in found}) is raised


@pytest.mark.parametrize(("levels", "values", "raised"), [
    ((1, 2), (10.0, 11.1), True),
    ((1, 2), (10.0, 11.0), False),
    ((2, 1), (11.1, 10.0), True),
    ((1, 2, 4), (10.0, 20.0, 20.0), False),
    ((4,), (10.0,), False),
])  # fmt: skip
def test_throughput_that_still_grows_at_the_last_load_is_noted(forty, closed, levels, values, raised):
    trial, summary = forty
    loads = tuple(
        summary.loads[0].model_copy(
            update={
                "load": closed.model_copy(update={"concurrency": level}),
                "output_tokens_per_s": Estimate(value=value, n=10, method="ten-blocks"),
            }
        )
        for level, value in zip(levels, values, strict=True)
    )

    found = find_doubts(summary.model_copy(update={"loads": loads}), trial=trial, points=[], cpu_cores=CORES)

    assert [doubt.advice for doubt in found if doubt.code == "not-saturated"] == (
        ["--concurrency 4,8 finds where it stops"] if raised else []
    )


def test_the_most_serious_doubt_comes_first_and_each_has_evidence_and_advice(calm):
    found = calm(
        lambda _: {"short_answers": 40, "ok": 10, "token_times": {"apportioned": 10}, "failed": 30}, stopped_by="errors"
    )
    order = ["serious", "caution", "note"]

    weights = [order.index(doubt.weight) for doubt in found.values()]
    assert weights == sorted(weights)
    assert len(set(weights)) == 3
    assert all(doubt.evidence and doubt.advice for doubt in found.values())


def test_a_window_shorter_than_an_answer_is_doubted_and_gives_no_rate(calm, trace):
    long = [trace(i, at_s=1.0 + 0.1 * i, read_s=(2.0 + 0.1 * i, 90.0), read_tokens=(1, 9)) for i in range(40)]
    assert "short-window" in calm(traces=long)
