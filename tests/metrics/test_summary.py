"""From traces to the numbers of a load point, of a load and of a record."""

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena import metrics
from inference_arena.metrics.goodput import met
from inference_arena.metrics.summary import headline_ttft, summarise_point, window_of
from inference_arena.record import ClientSample, DeviceSample, HostSample, RequestTrace, SelfTestSample

LATENCIES = "ttft_s scheduled_ttft_s tpot_s itl_s chunk_gap_s longest_gap_s e2e_s scheduled_e2e_s".split()


def _load_kit() -> ModuleType:
    """The makers of conftest, for hypothesis; by their path, since with importlib mode the tests are no package."""
    spec = importlib.util.spec_from_file_location("metrics_kit", Path(__file__).with_name("conftest.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KIT = _load_kit()


@pytest.fixture
def summed(point, chat):
    def summarise(*traces: RequestTrace, samples=(), **fields):
        return summarise_point(point(**fields), traces=traces, samples=samples, slo=chat)

    return summarise


@pytest.fixture
def whole(point, trial):
    """The summary of a record of these points."""

    def summarise(points, traces, **fields):
        return metrics.summarise(
            trial=trial(**fields), points=points, traces=traces, samples=fields.pop("samples", ()), cpu_cores=4
        )

    return summarise


def test_what_was_scheduled_before_or_after_the_window_is_not_measured(trace, summed):
    slow = {"read_s": (100.0,), "read_tokens": (1,), "ended_s": 100.0}
    warm_up = trace(0, at_s=0.999, **slow)
    inside = [trace(1, at_s=1.0), trace(2, at_s=10.999)]
    filler = trace(3, at_s=11.0, result="cancelled", **slow)

    it = summed(warm_up, *inside, filler)

    assert (it.sent, it.ok, it.outside_window, it.window_s) == (2, 2, 2, 10.0)
    assert it.ttft_s.max == pytest.approx(0.2)


@pytest.mark.parametrize("result", ["failed", "cancelled", "unfinished"])
def test_what_did_not_succeed_is_counted_beside_and_never_averaged_in(trace, summed, result):
    slow = trace(1, at_s=3.0, result=result, read_s=(8.0,), read_tokens=(1,), output_tokens=1, ended_s=9.0)

    it = summed(trace(0, at_s=2.0), slow)

    assert (it.sent, it.ok, getattr(it, result)) == (2, 1, 1)
    for name in (*LATENCIES[:3], "e2e_s", "output_tokens"):
        assert getattr(it, name).n == 1
    assert it.ttft_s.max == pytest.approx(0.2)
    assert it.failures == ({"timeout": 1} if result == "failed" else {})
    assert it.slo.attainment.value == 0.5


def test_the_known_latencies_of_a_steady_answer_come_out(trace, summed):
    it = summed(trace(at_s=2.0, scheduled_s=1.5))

    assert it.ttft_s.p50.value == pytest.approx(0.2)
    assert it.scheduled_ttft_s.p50.value == pytest.approx(0.7)
    assert (it.tpot_s.p50.value, it.itl_s.p50.value) == pytest.approx((0.1, 0.1))
    assert it.e2e_s.p50.value == pytest.approx(0.6)
    assert it.output_tokens_per_s_per_user == pytest.approx(10.0)
    assert it.output_tokens_per_s.value == pytest.approx(0.5)
    assert it.input_tokens_per_s == pytest.approx(1.0)
    assert it.concurrency_mean == pytest.approx(0.06)


def test_of_a_point_without_requests_everything_is_unknown_and_nothing_is_zero(summed):
    it = summed()

    assert [getattr(it, name) for name in LATENCIES] == [None] * len(LATENCIES)
    assert (it.tokens_per_chunk, it.input_tokens, it.output_tokens_per_s_per_user, it.cached_input_share) == (None,) * 4
    assert (it.slo.attainment, it.slo.met) == (None, None)
    assert (it.client.cpu_share, it.client.loop_lag_p99_s, it.host.cpu_share_mean) == (None, None, None)


@pytest.mark.parametrize(
    "cut",
    [
        {"steady_from_s": None, "steady_to_s": None},
        {"steady_to_s": None},
        {"steady_to_s": 1.0},
        {"ended_s": 0.5, "stopped_by": "interrupted"},  # an open load's window is known before it is reached
    ],
)
def test_a_point_that_did_not_reach_its_window_has_no_rate(trace, point, summed, cut):
    it = summed(trace(at_s=0.2), **cut)

    assert window_of(point(**cut)) is None
    assert (it.window_s, it.output_tokens_per_s, it.requests_per_s, it.slo.goodput_per_s) == (None,) * 4
    assert (it.sent, it.outside_window) == (0, 1)


def test_a_point_cut_inside_its_window_has_only_what_it_saw(point):
    assert window_of(point(ended_s=5.0)) == (1.0, 5.0)
    assert window_of(point(ended_s=50.0)) == (1.0, 11.0)


def test_there_is_a_p99_from_a_hundred_requests_on(trace, summed):
    traces = [trace(i, at_s=1.0 + i * 0.05) for i in range(100)]

    assert summed(*traces[:99]).ttft_s.p99 is None
    assert summed(*traces).ttft_s.p99 == pytest.approx(0.2)


def test_short_answers_and_the_cached_share_are_counted(trace, summed):
    short = trace(0, at_s=2.0, asked_output_tokens=100, output_tokens=89, input_tokens=30, cached_input_tokens=15)
    full = trace(1, at_s=3.0, asked_output_tokens=100, output_tokens=90, input_tokens=10, cached_input_tokens=5)

    it = summed(short, full, trace(2, at_s=4.0, cached_input_tokens=None))

    assert (it.short_answers, it.cached_input_share) == (1, 0.5)


def test_samples_of_the_window_alone_describe_the_machine(trace, summed):
    host = [
        HostSample(t_s=t_s, cpu_share=share, swap_used_bytes=int(t_s * 100), engine_rss_bytes=int(share * 10))
        for t_s, share in ((0.5, 1.0), (1.0, 0.2), (10.0, 0.4), (11.0, 1.0))
    ]
    client = ClientSample(
        point=0, from_s=0.0, to_s=10.0, cpu_s=2.5, event_loop="uvloop", prompts_made_late=3, loop_lag_s=(0.001, 0.003)
    )

    it = summed(trace(at_s=2.0), samples=(*host, client, client.model_copy(update={"point": 1, "cpu_s": 9.0})))

    assert it.host.cpu_share_mean == pytest.approx(0.3)
    assert (it.host.swap_growth_bytes, it.host.engine_rss_max_bytes) == (900, 4)
    assert (it.client.cpu_share, it.client.prompts_made_late) == (0.25, 3)
    assert it.client.loop_lag_p99_s == pytest.approx(0.00298)


# goodput


@pytest.mark.parametrize(
    ("fields", "good"),
    [
        ({}, True),
        ({"sent_s": -1.8}, True),
        ({"sent_s": -1.81}, False),
        ({"read_s": (0.2, 0.3), "read_tokens": (1, 1)}, True),
        ({"read_s": (0.2, 0.301), "read_tokens": (1, 1)}, False),
        ({"read_s": (0.2,), "read_tokens": (9,)}, True),  # no second token, no TPOT to miss
        ({"read_s": (), "read_tokens": ()}, False),
        ({"result": "failed"}, False),
        ({"result": "unfinished"}, False),
    ],
)
def test_a_request_meets_the_slo_when_every_bound_holds(trace, chat, fields, good):
    """TTFT of 2 s and TPOT of 0.1 s."""
    assert met(trace(**fields), chat.model_copy(update={"tpot_s": 0.1 + 1e-9}), scheduled=False) is good


def test_an_open_load_is_judged_from_its_schedule_and_a_closed_one_from_the_send(trace, chat):
    late = trace(scheduled_s=-5.0)
    loose = chat.model_copy(update={"tpot_s": None})

    assert met(late, loose, scheduled=False)
    assert not met(late, loose, scheduled=True)
    assert met(late, loose.model_copy(update={"ttft_s": None}), scheduled=True)


def test_an_slo_is_called_met_or_missed_only_where_enough_requests_say_so(trace, summed):
    good = [trace(i, at_s=1.0 + i / 10, read_s=(1.2 + i / 10,), read_tokens=(1,)) for i in range(60)]
    bad = [trace(60 + i, at_s=1.5, result="failed") for i in range(20)]

    assert summed(*good).slo.met is True
    assert summed(*good, *bad).slo.met is False
    assert summed(*good[:9], bad[0]).slo.met is None
    assert summed(good[0]).slo.met is None


@st.composite
def many_traces(draw) -> list[RequestTrace]:
    made = []
    for number in range(draw(st.integers(0, 25))):
        scheduled = draw(st.floats(0, 14))
        sent = scheduled + draw(st.floats(0, 1))
        gaps = draw(st.lists(st.floats(0.001, 1), max_size=5))
        reads = tuple(sent + sum(gaps[: i + 1]) for i in range(len(gaps)))
        result = draw(st.sampled_from(["ok", "ok", "ok", "failed", "cancelled", "unfinished"]))
        made.append(
            RequestTrace(
                request=number,
                point=0,
                scheduled_s=scheduled,
                sent_s=sent,
                read_s=reads,
                read_tokens=tuple(draw(st.integers(1, 4)) for _ in reads),
                ended_s=(reads[-1] if reads else sent) + draw(st.floats(0, 3)),
                result=result,
                failure="timeout" if result == "failed" else None,
                asked_input_tokens=8,
                asked_output_tokens=5,
                input_tokens=draw(st.sampled_from([None, 8, 9])),
                output_tokens=draw(st.sampled_from([None, 3, 5])),
                prompt_sha256="",
            )
        )
    return made


@settings(max_examples=40)
@given(many_traces(), st.booleans())
def test_goodput_never_exceeds_throughput(traces, is_open):
    load = KIT.OPEN if is_open else KIT.CLOSED

    it = summarise_point(KIT.a_point(load=load), traces=traces, samples=(), slo=KIT.CHAT)

    assert (it.slo.goodput_per_s or 0.0) <= (it.requests_per_s or 0.0)
    assert (it.slo.goodput_per_s is None) == (it.requests_per_s is None)


@settings(max_examples=40)
@given(many_traces(), st.integers())
def test_shuffling_the_traces_changes_no_number(traces, seed):
    shuffled = traces.copy()
    random.Random(seed).shuffle(shuffled)
    one, other = (
        metrics.summarise(trial=KIT.a_trial(), points=[KIT.a_point()], traces=these, samples=(), cpu_cores=4)
        for these in (traces, shuffled)
    )

    assert one == other


@settings(max_examples=40)
@given(many_traces())
def test_every_request_is_counted_once(traces):
    it = summarise_point(KIT.a_point(), traces=traces, samples=(), slo=KIT.CHAT)

    assert it.ok + it.failed + it.cancelled + it.unfinished == it.sent
    assert it.sent + it.outside_window == len(traces)
    assert sum(it.failures.values()) == it.failed


# repeats and loads


def a_run(trace, point, speeds):
    """A point a repeat, each with so many tokens in its window of ten seconds."""
    points = [point(index=i, repeat=i) for i in range(len(speeds))]
    traces = [
        trace(0, at_s=2.0, point=i, read_s=(2.0 + 0.1 * (i + 1), 3.0 + 0.1 * (i + 1)), read_tokens=(1, speed * 10 - 1))
        for i, speed in enumerate(speeds)
    ]
    return points, traces


def test_repeats_give_their_median_with_their_range(trace, point, whole):
    it = whole(*a_run(trace, point, [30, 10, 20]))
    (load,) = it.loads

    assert (load.points, load.requests, load.failed) == ((0, 1, 2), 3, 0)
    speed = load.output_tokens_per_s
    assert (speed.low, speed.value, speed.high, speed.method) == (10.0, 20.0, 30.0, "repeats")
    assert (load.ttft_s.value, load.ttft_s.low, load.ttft_s.high) == pytest.approx((0.2, 0.1, 0.3))
    assert it.peak_output_tokens_per_s == 20.0


def test_one_run_keeps_the_interval_of_its_blocks(trace, point, whole):
    (load,) = whole(*a_run(trace, point, [10])).loads

    assert load.output_tokens_per_s.method == "ten-blocks"


def test_the_peak_is_at_the_load_that_brought_it(trace, point, whole, closed):
    loads = [closed.model_copy(update={"concurrency": n}) for n in (1, 2, 4)]
    points, traces = a_run(trace, point, [10, 30, 20])
    points = [one.model_copy(update={"load": load, "repeat": 0}) for one, load in zip(points, loads, strict=True)]

    it = whole(points, traces)

    assert (it.peak_output_tokens_per_s, it.peak_at) == (30.0, loads[1])
    assert [load.load for load in it.loads] == loads


def test_a_run_in_which_nothing_answered_has_no_peak_of_a_made_up_number(point, whole):
    it = whole([point(steady_from_s=None, steady_to_s=None, stopped_by="errors")], [])

    assert (it.peak_output_tokens_per_s, it.peak_at) == (None, None)
    assert (it.loads[0].attainment, it.loads[0].slo_met, it.loads[0].longest_gap_max_s) == (None, None, None)


def test_the_headline_counts_from_the_schedule_for_an_open_load(trace, summed, open_load):
    late = trace(at_s=3.0, scheduled_s=2.0)

    assert headline_ttft(summed(late)).p50.value == pytest.approx(0.2)
    assert headline_ttft(summed(late, load=open_load)).p50.value == pytest.approx(1.2)


# the client's self-test


def test_the_self_test_is_what_was_seen_less_what_was_true():
    sample = SelfTestSample(
        streams=4, token_interval_s=0.01, true_ttft_s=(0.05, 0.05, 0.05), seen_ttft_s=(0.051, 0.052, 0.053),
        true_tpot_s=(0.01, 0.01, 0.0), seen_tpot_s=(0.0101, 0.0099, 0.01), tokens_sent=60, tokens_seen=58,
    )  # fmt: skip

    it = metrics.self_test_summary([sample])

    assert (it.n, it.streams, it.tokens_lost) == (3, 4, 2)
    assert it.ttft_error_p50_s == pytest.approx(0.002)
    assert it.tpot_error_share == pytest.approx(0.01)


def test_no_self_test_and_one_that_saw_nothing_have_no_summary():
    nothing = SelfTestSample(
        streams=4, token_interval_s=0.01, true_ttft_s=(), seen_ttft_s=(), true_tpot_s=(), seen_tpot_s=(),
        tokens_sent=0, tokens_seen=0,
    )  # fmt: skip

    assert metrics.self_test_summary([]) is None
    assert metrics.self_test_summary([nothing]) is None


def test_energy_and_cards_are_in_the_summary_of_a_point_and_of_its_load(trace, point, trial):
    """Two streams, each five tokens in 0.6 s, and a card at 200 W by its counter of energy."""
    traces = [trace(i, at_s=1.0 + 0.6 * (i // 2)) for i in range(40)]
    cards = [
        DeviceSample(t_s=t / 10, device=0, power_w=200.0, energy_j=20.0 * t, utilization_share=0.9) for t in range(200)
    ]
    made = metrics.summarise(trial=trial(), points=[point()], traces=traces, samples=cards, cpu_cores=4)

    (summary,) = made.points
    assert summary.energy is not None
    assert summary.output_tokens_per_s is not None
    assert (summary.energy.devices, summary.energy.energy_j) == ((0,), pytest.approx(2000.0))
    each = 2000.0 / (summary.output_tokens_per_s.value * 10.0)
    assert summary.energy.joule_per_output_token == pytest.approx(each)
    assert made.loads[0].joule_per_output_token is not None
    assert made.loads[0].joule_per_output_token.value == pytest.approx(each)
    assert summary.devices[0].samples == 100


def test_without_cards_energy_is_unknown_with_a_reason(trace, summed):
    summary = summed(trace(at_s=2.0))
    assert summary.devices == ()
    assert summary.energy.reason == "no device was sampled"
