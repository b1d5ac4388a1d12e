"""Answers with a known pause, beside a card whose clocks fell just then."""

from collections.abc import Callable

import pytest

from inference_arena.metrics.devices import device_summaries
from inference_arena.metrics.stalls import MOST_STALLS, stalls
from inference_arena.record import CounterSample, DeviceSample, HostSample, RequestTrace, Sample

WINDOW = (0.0, 20.0)
GIB = 1024**3


def reading(*, pause_at: int | None = None, pause_s: float = 0.0, start_s: float = 1.0) -> tuple[float, ...]:
    """A token every 0.1 s; after token `pause_at` nothing for `pause_s`."""
    times, t_s = [], start_s
    for i in range(50):
        times.append(round(t_s, 6))
        t_s += pause_s if i == pause_at else 0.1
    return tuple(times)


def machine(*, slow_from_s: float, slow_to_s: float) -> list[Sample]:
    samples: list[Sample] = []
    for tenth in range(200):
        t_s = tenth / 10
        is_slow = slow_from_s <= t_s < slow_to_s
        samples.append(
            DeviceSample(
                t_s=t_s, device=0, sm_clock_hz=0.4e9 if is_slow else 2e9, power_w=90.0 if is_slow else 300.0,
                memory_used_bytes=20 * GIB, memory_total_bytes=24 * GIB, temperature_c=92.0 if is_slow else 70.0,
                utilization_share=1.0, slowed_by=("heat-hardware",) if is_slow else (),
            )
        )  # fmt: skip
        if tenth % 10 == 0:
            samples.append(HostSample(t_s=t_s, cpu_share=0.3, swap_used_bytes=4096 if t_s > slow_from_s else 0))
            samples.append(CounterSample(t_s=t_s, values={"requests_waiting": 2.0}))
    return samples


@pytest.fixture
def answer(trace: Callable[..., RequestTrace]) -> Callable[..., RequestTrace]:
    def made(request: int, read_s: tuple[float, ...], **fields: object) -> RequestTrace:
        tokens = (1,) * len(read_s)
        return trace(
            request, read_s=read_s, read_tokens=tokens, sent_s=read_s[0] - 0.2, ended_s=read_s[-1],
            output_tokens=len(read_s), **fields,
        )  # fmt: skip

    return made


def test_the_longest_pause_stands_beside_what_the_card_did_just_then(answer) -> None:
    samples = machine(slow_from_s=3.0, slow_to_s=5.0)
    traces = [answer(0, reading(pause_at=19, pause_s=2.1)), answer(1, reading(pause_at=19, pause_s=2.0))]
    traces += [answer(2, reading(start_s=4.0))]
    found = stalls(traces, samples, device_summaries(samples, window=WINDOW), traces=traces, window=WINDOW)

    (stall,) = found
    assert (stall.request, stall.from_s, stall.gap_s) == (0, pytest.approx(2.9), pytest.approx(2.1))
    assert stall.times_usual == pytest.approx(21.0)
    assert (stall.streams, stall.in_flight, stall.arrived) == (2, 2, 1)
    assert (stall.swap_growth_bytes, stall.cpu_share, stall.requests_waiting) == (4096, 0.3, 2.0)
    (card,) = stall.devices
    assert (card.sm_clock_min_hz, card.slowed_by, card.temperature_max_c) == (0.4e9, ("heat-hardware",), 92.0)
    assert card.usual_sm_clock_hz == pytest.approx(1.84e9)
    assert card.power_mean_w == pytest.approx(110.0, abs=20)
    assert (card.memory_max_bytes, card.memory_total_bytes) == (20 * GIB, 24 * GIB)


def test_steady_answers_have_no_stall(answer) -> None:
    traces = [answer(0, reading())]
    assert stalls(traces, [], (), traces=traces, window=WINDOW) == ()


def test_pauses_outside_the_window_and_without_a_window_do_not_count(answer) -> None:
    traces = [answer(0, reading(pause_at=5, pause_s=3.0))]
    assert stalls(traces, [], (), traces=traces, window=(3.0, 20.0)) == ()
    assert stalls(traces, [], (), traces=traces, window=None) == ()


def test_a_few_are_kept_the_longest_first(answer) -> None:
    traces = [answer(i, reading(pause_at=9, pause_s=1.0 + i / 10, start_s=1.0 + 6 * i)) for i in range(5)]
    found = stalls(traces, [], (), traces=traces, window=(0.0, 60.0))

    assert [stall.request for stall in found] == [4, 3, 2][:MOST_STALLS]
    assert all(stall.devices == () and stall.cpu_share is None for stall in found)


def test_a_pause_between_two_samples_is_told_by_the_samples_around_it(answer) -> None:
    samples = [s for s in machine(slow_from_s=90, slow_to_s=91) if not 2.85 < s.t_s < 3.35]
    traces = [answer(0, reading(pause_at=19, pause_s=0.4))]
    (stall,) = stalls(traces, samples, device_summaries(samples, window=WINDOW), traces=traces, window=WINDOW)

    assert stall.devices[0].samples == 2
    assert stall.devices[0].slowed_by == ()
