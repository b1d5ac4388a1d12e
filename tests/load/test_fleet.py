"""Several load processes drive one point: together what one would do, nothing lost, ended together."""

from pathlib import Path

import pytest

from inference_arena.load import LoadFleet, decode, read_raw
from inference_arena.load.fleet import split, splits
from inference_arena.load.truth import Script, start_truth_server
from inference_arena.plan import Lengths, Load

SCRIPT = {"tokens": 10, "ttft_s": 0.02, "token_interval_s": 0.005}
LENGTHS = Lengths(input_tokens=16, output_tokens=10, output_jitter=0.0)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with LoadFleet(log_path=tmp_path_factory.mktemp("fleet") / "load.log", wanted=3) as fleet:
        yield fleet


@pytest.fixture
def driven(fleet, plan_to, tmp_path):
    def drive(load, on_tick=lambda _: None, script=SCRIPT):
        with start_truth_server(Script(**script), log_path=tmp_path / "truth.log") as server:
            plan = plan_to(server.port, load=load, lengths=LENGTHS)
            point = fleet.drive(plan, on_tick=on_tick)
            traces = [decode(head, body) for head, body in read_raw(Path(plan.raw_path))]
            return point, traces, server.sent()

    return drive


def test_an_open_load_of_three_processes_sends_each_arrival_once_and_loses_no_token(driven, plan_to, tmp_path):
    load = Load(kind="open", rate_per_s=120.0, arrivals="poisson", warmup_s=0.2, duration_s=1.0)
    point, traces, sent = driven(load)
    measured = [t for t in traces if point.steady_from_s <= t.scheduled_s < point.steady_to_s]
    seen = {f"{t.point}-{t.request}": sum(t.read_tokens) for t in traces if t.result == "ok"}

    assert point.stopped_by == "plan"
    assert len(point.others) == 2
    numbers = sorted(t.request for t in measured)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len({t.request for t in traces}) == len(traces)
    assert {name: tokens for entry in sent if (name := entry.request) in seen and (tokens := entry.tokens)} == seen
    assert list(tmp_path.glob("*part*.raw")) == []


@pytest.mark.parametrize("warmup_s", [0.2, None])
def test_a_closed_load_of_three_processes_keeps_its_streams_in_all(driven, warmup_s):
    point, traces, _ = driven(Load(kind="closed", concurrency=7, warmup_s=warmup_s, duration_s=0.8))
    middle = (point.steady_from_s + point.steady_to_s) / 2
    flying = [t for t in traces if t.scheduled_s <= middle < t.ended_s]

    assert len(flying) in {6, 7}  # one may be between two answers
    assert point.steady_to_s - point.steady_from_s > 0.7


def test_a_reason_given_at_a_tick_ends_all_of_them(driven):
    load = Load(kind="closed", concurrency=6, warmup_s=0.0, duration_s=30.0)
    point, traces, _ = driven(load, on_tick=lambda tick: "engine-died" if tick["done"] > 6 else None)

    assert point.stopped_by == "engine-died"
    assert {t.request % 3 for t in traces} == {0, 1, 2}


def test_ticks_tell_of_all_processes(driven):
    ticks = []
    driven(Load(kind="closed", concurrency=6, warmup_s=0.0, duration_s=1.6), on_tick=ticks.append)

    assert max(tick["in_flight"] for tick in ticks) > 2


def test_a_point_that_cannot_be_split_is_driven_by_one(driven):
    point, traces, _ = driven(Load(kind="closed", concurrency=4, warmup_s=0.0, requests=9))

    assert point.others == ()
    assert not splits(Load(kind="closed", concurrency=1, duration_s=1.0))
    assert len([t for t in traces if t.result == "ok"]) >= 9


def test_a_split_plan_deals_out_numbers_bytes_and_errors(plan_to):
    plans = split(plan_to(load=Load(kind="closed", concurrency=4, duration_s=1.0, most_failures=9)), 3)

    assert [plan.process for plan in plans] == [0, 1, 2]
    assert {plan.load.most_failures for plan in plans} == {3}
    assert len({plan.raw_path for plan in plans}) == 3
