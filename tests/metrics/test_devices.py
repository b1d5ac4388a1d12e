"""Cards with known readings: what is summed, what is unknown, and why."""

from itertools import count

import pytest

from inference_arena.metrics.devices import device_summaries
from inference_arena.metrics.energy import devices_used, energy_between, energy_summary
from inference_arena.record import DeviceLinkSample, DeviceSample, DeviceSummary

GIB = 1024**3
WINDOW = (10.0, 20.0)


def every(step_s: float, *, until_s: float = 30.0, **fields) -> list[DeviceSample]:
    """Samples from 0 s on; a field that is a function is one of time."""
    times = [round(i * step_s, 3) for i in range(int(until_s / step_s) + 1)]
    given = {"device": 0, "power_w": 200.0, **fields}
    return [DeviceSample(t_s=t, **{n: v(t) if callable(v) else v for n, v in given.items()}) for t in times]


def test_the_energy_of_a_window_is_what_the_counter_grew_by_read_off_between_samples_at_its_edges() -> None:
    samples = every(0.7, energy_j=lambda t: 1000.0 + 250.0 * t)
    found = energy_between(samples, WINDOW, longest_gap_s=3.0)

    assert found.joule == pytest.approx(2500.0)
    assert (found.source, found.reasons) == ("counter", ())


def test_without_a_counter_power_is_added_up_and_that_is_said() -> None:
    samples = every(0.1, power_w=lambda t: 100.0 + 10.0 * t)
    found = energy_between(samples, WINDOW, longest_gap_s=3.0)

    assert found.joule == pytest.approx(2500.0)  # 250 W in the middle, 10 s
    assert found.source == "power"
    assert found.reasons == ("the driver has no counter of energy: its readings of power were added up",)


def test_a_counter_that_went_backwards_is_not_believed() -> None:
    samples = every(0.1, energy_j=lambda t: 500.0 - t)
    found = energy_between(samples, WINDOW, longest_gap_s=3.0)

    assert found.joule == pytest.approx(2000.0)
    assert (found.source, found.reasons) == ("power", ("the energy counter went backwards",))


def test_samples_over_three_seconds_apart_give_no_energy_but_a_reason() -> None:
    samples = [s for s in every(0.1, energy_j=lambda t: 250.0 * t) if not 12.0 < s.t_s < 15.5]
    found = energy_between(samples, WINDOW, longest_gap_s=3.0)

    assert found.joule is None
    assert found.reasons == (
        "readings of the energy counter are over 3 s apart",
        "readings of power are over 3 s apart",
    )


def test_readings_that_begin_a_little_inside_the_window_stand_for_all_of_it() -> None:
    samples = [s for s in every(0.1, energy_j=lambda t: 250.0 * t) if 11.0 <= s.t_s <= 19.0]

    assert energy_between(samples, WINDOW, longest_gap_s=3.0).joule == pytest.approx(2500.0)


def test_a_driver_that_tells_neither_says_so() -> None:
    found = energy_between(every(0.1, power_w=None), WINDOW, longest_gap_s=3.0)

    assert found.reasons == ("the driver tells neither energy nor power",)


def test_the_steady_window_alone_counts() -> None:
    samples = every(
        0.1,
        memory_used_bytes=lambda t: int(t) * GIB,
        memory_total_bytes=24 * GIB,
        temperature_c=lambda t: 50.0 + t,
        sm_clock_hz=lambda t: 1e9 if 12.0 <= t < 13.0 else 2e9,
        utilization_share=lambda t: 0.5,
        slowed_by=lambda t: ("heat-software",) if 12.0 <= t < 13.0 else (),
    )
    (card,) = device_summaries(samples, window=WINDOW)

    assert (card.samples, card.memory_max_bytes, card.memory_total_bytes) == (100, 19 * GIB, 24 * GIB)
    assert card.temperature_max_c == pytest.approx(69.9)
    assert (card.sm_clock_min_hz, card.sm_clock_mean_hz) == (1e9, pytest.approx(1.9e9))
    assert card.slowed_s == {"heat-software": pytest.approx(1.0)}
    assert card.utilization_mean_share == pytest.approx(0.5)
    assert card.reasons == ("the driver has no counter of energy: its readings of power were added up",)


def test_a_card_that_fell_silent_has_reasons_and_no_invented_numbers() -> None:
    samples = [s for s in every(0.1, energy_j=lambda t: t * 200.0) if s.t_s < 9.0]
    (card,) = device_summaries(samples, window=WINDOW)

    assert card.samples == 0
    assert (card.energy_j, card.power_mean_w, card.memory_max_bytes) == (None, None, None)
    assert card.reasons[0] == "no samples in the window"


def test_time_slowed_down_is_not_stretched_over_a_gap() -> None:
    samples = [s for s in every(0.1, slowed_by=("power-cap",)) if not 11.05 < s.t_s < 19.95]
    (card,) = device_summaries(samples, window=WINDOW)

    assert card.slowed_s["power-cap"] == pytest.approx(1.0 + 3.0, abs=0.11)
    assert card.longest_gap_s == pytest.approx(9.0)
    assert card.reasons[0] == "no samples for 9.0 s of the window"


def test_there_is_nothing_without_a_window_or_without_samples() -> None:
    assert device_summaries(every(0.1), window=None) == ()
    assert device_summaries([], window=WINDOW) == ()
    assert energy_summary((), window=WINDOW, output_tokens_per_s=5.0).reason == "no device was sampled"
    assert energy_summary((), window=None, output_tokens_per_s=None).reason == "there is no steady window"


def a_card(device: int = 0, **fields) -> DeviceSummary:
    return DeviceSummary(**{"device": device, "samples": 100, "energy_j": 1000.0, "energy_from": "counter", **fields})


def test_energy_a_token_is_that_of_the_cards_that_the_engine_used() -> None:
    cards = [a_card(used_by_engine=True), a_card(1, used_by_engine=True), a_card(2, used_by_engine=False)]
    energy = energy_summary(cards, window=WINDOW, output_tokens_per_s=50.0)

    assert (energy.devices, energy.devices_from) == ((0, 1), "processes")
    assert (energy.energy_j, energy.joule_per_output_token) == (2000.0, pytest.approx(4.0))
    assert (energy.mean_power_w, energy.reason) == (200.0, None)


def test_where_processes_cannot_be_told_the_cards_that_worked_are_taken() -> None:
    cards = [a_card(utilization_mean_share=0.9), a_card(1, utilization_mean_share=0.01)]

    used, source = devices_used(cards)
    assert ([card.device for card in used], source) == ([0], "work")
    assert devices_used([a_card(utilization_mean_share=0.9)])[1] == "only-one"


def test_cards_that_did_not_work_belong_to_no_engine() -> None:
    energy = energy_summary([a_card(utilization_mean_share=0.0)], window=WINDOW, output_tokens_per_s=50.0)

    assert (energy.energy_j, energy.reason) == (None, "no device is seen to work for the engine")


def test_one_card_without_energy_makes_that_of_all_unknown() -> None:
    cards = [a_card(used_by_engine=True), a_card(1, used_by_engine=True, energy_j=None, reasons=("gone",))]

    assert energy_summary(cards, window=WINDOW, output_tokens_per_s=50.0).reason == "device 1: gone"


def test_energy_without_a_rate_of_tokens_is_known_but_not_for_each_token() -> None:
    energy = energy_summary([a_card(used_by_engine=True)], window=WINDOW, output_tokens_per_s=None)

    assert (energy.energy_j, energy.joule_per_output_token) == (1000.0, None)
    assert energy.reason == "the rate of output tokens is unknown"


def test_others_on_the_card_count_only_where_the_list_of_processes_is_known_to_be_right() -> None:
    samples, numbers = every(0.1), count(10)
    link = {"device": 0, "others_processes": 1, "others_bytes": GIB}
    ours = [DeviceLinkSample(t_s=float(next(numbers)), engine_processes=1, engine_bytes=GIB, **link) for _ in range(3)]
    foreign = [DeviceLinkSample(t_s=15.0, engine_processes=0, **link)]

    assert device_summaries([*samples, *ours], window=WINDOW)[0].others_max_bytes == GIB
    assert device_summaries([*samples, *ours], window=WINDOW)[0].used_by_engine is True
    assert device_summaries([*samples, *foreign], window=WINDOW)[0].others_max_bytes is None
    assert device_summaries(samples, window=WINDOW)[0].used_by_engine is None
