"""A real NVIDIA card, sampled as a run does it. Skipped unless ARENA_LIVE is set."""

import os
import time

import pytest

from inference_arena.metrics.devices import device_summaries
from inference_arena.record import DeviceLinkSample, DeviceSample, Sample
from inference_arena.telemetry import Sampler

pytestmark = [pytest.mark.live, pytest.mark.skipif(not os.environ.get("ARENA_LIVE"), reason="needs ARENA_LIVE")]
SECONDS = 10.0


@pytest.fixture(scope="module")
def sampled() -> tuple[list[Sample], list[str], float]:
    """Ten seconds of samples, what was noted, and the share of one core that it took."""
    kept: list[Sample] = []
    notes: list[str] = []
    began_s = time.monotonic()
    sampler = Sampler(
        sink=kept.extend, now_s=lambda: time.monotonic() - began_s, engine_pid=os.getpid, note=notes.append
    )
    sampler.start()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    time.sleep(SECONDS)
    share = (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)
    sampler.stop()
    assert sampler.error is None
    return kept, notes, share


def of_first(samples: list[Sample]) -> list[DeviceSample]:
    return [sample for sample in samples if isinstance(sample, DeviceSample) and sample.device == 0]


def test_a_real_card_is_sampled_ten_times_a_second(sampled) -> None:
    samples, notes, _ = sampled
    assert 8 * SECONDS <= len(of_first(samples)) <= 10 * SECONDS + 2
    assert notes == []


def test_its_numbers_are_possible_and_its_energy_agrees_with_its_power(sampled) -> None:
    samples, _, _ = sampled
    own = of_first(samples)
    for sample in own:
        assert 0 < (sample.memory_used_bytes or 0) <= (sample.memory_total_bytes or 0)
        assert 0 <= (sample.utilization_share or 0) <= 1
        assert 5 < (sample.power_w or 0) < 2000
        assert 10 < (sample.temperature_c or 0) < 120
        assert 1e8 < (sample.sm_clock_hz or 0) < 5e9
        assert sample.slowed_by is not None
    (card,) = device_summaries(own, window=(1.0, SECONDS - 1.0))
    assert card.energy_from == "counter"
    assert card.energy_j == pytest.approx((card.power_mean_w or 0) * (SECONDS - 2.0), rel=0.15)


def test_its_link_is_read_once_a_second(sampled) -> None:
    links = [sample for sample in sampled[0] if isinstance(sample, DeviceLinkSample) and sample.device == 0]
    assert SECONDS - 3 <= len(links) <= SECONDS + 2
    assert all(link.pcie_generation and link.pcie_width for link in links)
    assert all(link.pcie_rx_bytes_per_s is not None for link in links)


def test_it_costs_less_than_a_hundredth_of_a_core_for_each_card(sampled) -> None:
    samples, _, share = sampled
    cards = {sample.device for sample in samples if isinstance(sample, DeviceSample)}
    assert share < 0.01 * len(cards)
