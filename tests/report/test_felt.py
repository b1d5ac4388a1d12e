"""What the card did meanwhile, in words: each load's cards, energy, freezes."""

from inference_arena.record import DeviceSummary, EnergySummary, Record, Stall, StallDevice
from inference_arena.report.blocks import Heading, Pairs
from inference_arena.report.felt import felt

GIB = 1024**3
CARD = DeviceSummary(
    device=0,
    samples=100,
    memory_max_bytes=21 * GIB,
    memory_total_bytes=24 * GIB,
    utilization_mean_share=0.96,
    power_mean_w=312.4,
    power_max_w=330.0,
    temperature_max_c=71.0,
    sm_clock_mean_hz=1.98e9,
    sm_clock_min_hz=1.755e9,
    slowed_s={"idle": 3.0, "power-cap": 5.0, "heat-software": 0.01},
    energy_j=3124.0,
    energy_from="counter",
    used_by_engine=True,
)
ENERGY = EnergySummary(
    devices=(0,), devices_from="processes", energy_j=3124.0, joule_per_output_token=1.93, mean_power_w=312.4
)
THEN = StallDevice(
    device=0, samples=9, sm_clock_min_hz=0.6e9, usual_sm_clock_hz=1.98e9, power_mean_w=110.0,
    utilization_mean_share=1.0, memory_max_bytes=21 * GIB, memory_total_bytes=24 * GIB, slowed_by=("heat-hardware",),
)  # fmt: skip
STALL = Stall(
    request=3, from_s=4.0, gap_s=0.812, times_usual=27.0, streams=3, in_flight=4, arrived=1, cpu_share=0.4,
    devices=(THEN,),
)  # fmt: skip


def with_point(builders, **fields) -> Record:
    point = builders.point_summary().model_copy(update=fields)
    return builders.a_record(summary=builders.summary().model_copy(update={"points": (point,)}))


def rows(record: Record, heading: str) -> list[tuple[str, str]]:
    blocks = felt(record)
    at = next(i for i, block in enumerate(blocks) if isinstance(block, Heading) and block.text == heading)
    pairs = blocks[at + 1]
    assert isinstance(pairs, Pairs)
    return list(pairs.rows)


def test_each_load_has_its_card_and_its_energy(builders):
    assert rows(with_point(builders, devices=(CARD,), energy=ENERGY), "The card meanwhile") == [
        (
            "load 2",
            (
                "GPU 0: 96 % busy, 312 W (up to 330), up to 71 °C, 1,980 MHz (at least 1,755), "
                "memory up to 21.00 GiB of 24.00 GiB, slowed by power-cap 50 % of the time"
            ),
        ),
        ("", "1.93 J/token, 3,124 J in all (GPU 0; by the card's counter)"),
    ]


def test_energy_that_is_unknown_says_why(builders):
    energy = EnergySummary(reason="no device is seen to work for the engine")
    found = rows(with_point(builders, devices=(CARD,), energy=energy), "The card meanwhile")
    assert found[1] == ("", "energy unknown: no device is seen to work for the engine")


def test_a_card_that_fell_silent_shows_its_reasons(builders):
    silent = DeviceSummary(device=1, samples=0, reasons=("no samples in the window",))
    found = rows(with_point(builders, devices=(silent,)), "The card meanwhile")
    assert found == [("load 2", "GPU 1: no samples in the window")]


def test_a_freeze_stands_beside_the_state_of_the_card(builders):
    assert rows(with_point(builders, stalls=(STALL,)), "Longest freezes, and what happened then") == [
        (
            "812 ms",
            (
                "at load 2 (27 x the usual pause): 3 of 4 answers stood still, 1 request arrived, whose prompt is "
                "work, processor 40 % busy, GPU 0: 600 MHz where 1,980 is usual, 110 W, 100 % busy, 3.00 GiB free, "
                "slowed by heat-hardware"
            ),
        )
    ]


def test_without_cards_and_freezes_nothing_is_said(builders):
    assert felt(builders.a_record()) == ()
    assert felt(builders.a_record(summary=None)) == ()
