"""The heartbeat as text: cards, bars, the machine, warnings; at 80 columns and without colour."""

import pytest

from inference_arena.plan import MemoryBudget, Term
from inference_arena.record import DeviceLinkSample, DeviceSample, HostSample, Sample
from inference_arena.report.heartbeat import brief_lines, device_words, full_lines, minute, plain_lines, warnings
from inference_arena.report.pulse import KEPT_S, Beat, Pulse

GIB = 1024**3


def cards(*, seconds: float = 20.0, device: int = 0, **fields) -> list[Sample]:
    given = {
        "memory_used_bytes": 12 * GIB,
        "memory_total_bytes": 24 * GIB,
        "utilization_share": 0.96,
        "power_w": 312.0,
        "temperature_c": 71.0,
        "sm_clock_hz": 1.98e9,
        "memory_clock_hz": 9.5e9,
        "slowed_by": (),
        **fields,
    }
    times = [tenth / 10 for tenth in range(int(seconds * 10) + 1)]
    return [
        DeviceSample(t_s=t, device=device, **{n: v(t) if callable(v) else v for n, v in given.items()}) for t in times
    ]


def machine(*, seconds: int = 20, **fields) -> list[Sample]:
    given = {
        "cpu_share": 0.34,
        "ram_available_bytes": 50 * GIB,
        "ram_total_bytes": 64 * GIB,
        "swap_used_bytes": 0,
        "swap_total_bytes": GIB,
        **fields,
    }
    return [
        HostSample(t_s=float(t), **{n: v(t) if callable(v) else v for n, v in given.items()})
        for t in range(seconds + 1)
    ]


def beat_of(*samples: list[Sample]) -> Beat:
    pulse = Pulse()
    for some in samples:
        pulse.add(some)
    beat = pulse.now()
    assert beat is not None
    return beat


def a_budget() -> MemoryBudget:
    sizes = {"weights": 8, "kv_cache": 4, "activations": 2, "free": 10}
    return MemoryBudget(
        rule="vllm-profiled",
        memory_bytes=24 * GIB,
        share=None,
        share_bytes=None,
        terms=tuple(Term(name=n, bytes=size * GIB, formula="", explained="") for n, size in sizes.items()),
        kv_cache_tokens=1,
        sequence_bytes=1,
        requests=1.0,
        longest_context_tokens=1,
        spread=0.0,
        spread_of="",
    )


def test_a_card_in_one_line() -> None:
    beat = beat_of(cards())
    assert device_words(beat, beat.devices[0]) == "GPU 0: 96 % busy, 12.0 of 24.0 GiB, 312 W, 71 °C, 1,980 MHz"


def test_what_a_driver_does_not_tell_is_left_out() -> None:
    beat = beat_of(cards(power_w=None, temperature_c=None, memory_total_bytes=None))
    assert device_words(beat, beat.devices[0]) == "GPU 0: 96 % busy, 12.00 GiB, 1,980 MHz"


def test_memory_is_drawn_as_planned_and_as_used() -> None:
    lines = [line for line, _ in brief_lines(beat_of(cards()), budget=a_budget(), width=80, ascii_only=True)]

    assert lines[1:] == [
        "    planned   WWWWWWWWWKKKKAA...........  14.0 of 24.0 GiB",
        "    used      #############.............  12.0 of 24.0 GiB, 86 % of the plan",
    ]


def test_a_plan_is_not_drawn_beside_a_card_that_the_engine_does_not_use() -> None:
    idle = DeviceLinkSample(t_s=1.0, device=0, engine_processes=0)
    lines = brief_lines(beat_of(cards(), [idle]), budget=a_budget(), width=80, ascii_only=True)

    assert not any("planned" in line for line, _ in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    link = DeviceLinkSample(
        t_s=20.0, device=0, pcie_generation=5, pcie_width=16, pcie_rx_bytes_per_s=1.5e9, pcie_tx_bytes_per_s=2e8
    )
    beat = beat_of(cards(), cards(device=1), machine(), [link])
    full = full_lines(beat, budget=a_budget(), names=("NVIDIA H100 80GB HBM3",), width=width, ascii_only=False)

    assert max(len(line) for line, _ in full) <= max(width, 80)
    assert full[0][0] == "GPU 0  NVIDIA H100 80GB HBM3"
    assert any(line.strip() == "memory clock 9,500 MHz, PCIe 5.0 x16, in 1.40 GiB/s, out 191 MiB/s" for line, _ in full)


def test_rising_memory_warns_with_the_time_that_is_left() -> None:
    beat = beat_of(cards(memory_used_bytes=lambda t: int((4 + 0.4 * t) * GIB)))
    assert warnings(beat) == ["GPU 0: at this slope memory is full in 30 s"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [("heat-software", "too hot"), ("power-cap", "power limit"), ("hardware", "slowed down by its hardware")],
)
def test_a_card_that_is_slowed_down_warns(reason: str, words: str) -> None:
    beat = beat_of(cards(slowed_by=lambda t: (reason,) if 18 < t < 18.5 else ()))
    assert words in warnings(beat)[0]


def test_idling_and_clocks_that_somebody_set_are_no_worry() -> None:
    assert warnings(beat_of(cards(slowed_by=("idle", "clocks-set")), machine())) == []


def test_swapping_and_the_end_of_ram_warn() -> None:
    beat = beat_of(machine(swap_used_bytes=lambda t: t * 2**20, ram_available_bytes=lambda t: (60 - 2 * t) * GIB))
    assert warnings(beat) == [
        "the machine is swapping: 20.0 MiB more within a minute",
        "at this slope RAM is full in 10 s",
    ]


def test_a_card_that_no_longer_answers_is_named() -> None:
    beat = beat_of(cards(seconds=10.0), cards(seconds=20.0, device=1))

    assert warnings(beat) == ["GPU 0 has not answered for 10 s"]
    assert plain_lines(beat)[0] == "GPU 0: does not answer"


def test_only_the_last_minute_is_kept() -> None:
    beat = beat_of(cards(seconds=100.0))
    assert beat.devices[0].samples[0].t_s == pytest.approx(100.0 - KEPT_S)


def test_a_minute_is_drawn_with_the_newest_on_the_right_and_blanks_before_the_first_reading() -> None:
    values = [(float(t), t / 60) for t in range(31, 61)]
    drawn = minute(values, now_s=60.0, columns=12, top=1.0, ascii_only=True)
    assert len(drawn) == 12
    assert drawn[:5] == " " * 5
    assert drawn[-1] == "#"


def test_a_machine_without_cards_has_lines_of_its_own() -> None:
    lines = [line for line, _ in full_lines(beat_of(machine()), budget=None, names=(), width=80, ascii_only=True)]

    assert lines[0] == "Machine"
    assert lines[1].startswith("  processor 34 %")
    assert lines[2].startswith("  RAM       14.0 of 64.0 GiB")
    assert plain_lines(beat_of(machine())) == ["machine: processor 34 %, RAM 14.0 of 64.0 GiB, swap 0 B"]


def test_names_of_cards_are_shown_not_obeyed() -> None:
    lines = full_lines(beat_of(cards()), budget=None, names=("a\x1b[2Jcard",), width=80, ascii_only=False)
    assert not any("\x1b" in line for line, _ in lines)
