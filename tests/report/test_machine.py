"""A machine on a page and in a bug report: what is shown of it, and what never is."""

import pytest

from inference_arena.facts import Device, Host
from inference_arena.plan import Notice, notices
from inference_arena.report import machine_markdown, machine_page, readers_said
from inference_arena.report.machine import anonymous

GIB = 1024**3
CARD = Device(
    index=0,
    vendor="nvidia",
    name="NVIDIA GeForce RTX 3090",
    memory_bytes=24 * GIB,
    free_bytes=18 * GIB,
    reserved_bytes=GIB // 4,
    unified=False,
    driver_version="570.86.10",
    runtime_version="12.8",
    compute_capability="8.6",
    power_limit_w=280.0,
    power_limit_default_w=350.0,
    sm_clock_hz=210e6,
    sm_clock_max_hz=2100e6,
    memory_clock_hz=405e6,
    memory_clock_max_hz=9751e6,
    pcie_generation=1,
    pcie_generation_max=4,
    pcie_width=16,
    pcie_width_max=16,
    ecc=False,
    display_attached=True,
    other_processes=1,
    other_processes_bytes=5 * GIB,
)


@pytest.fixture
def desktop(builders) -> Host:
    return builders.HOST.model_copy(update={"devices": (CARD,), "virtualization": "none"})


def test_a_card_is_shown_with_all_that_was_read_of_it(desktop):
    lines = machine_page(desktop, ()).splitlines()

    assert [line.rstrip() for line in lines[lines.index("GPU 0       NVIDIA GeForce RTX 3090") :]] == [
        "GPU 0       NVIDIA GeForce RTX 3090",
        "  card      GeForce RTX 3090 in the catalogue, 936 GB/s",
        "  memory    [██████░░░░░░░░░░░░░░░░░░] 18.00 GiB free of 24.00 GiB",
        "  in use    6.00 GiB: the driver 0.25 GiB, 1 other program 5.00 GiB",
        "  driver    570.86.10, CUDA up to 12.8, compute capability 8.6",
        "  power     limit 280 W, 350 W by default",
        "  clocks    cores 210 of 2100 MHz, memory 405 of 9751 MHz",
        "  PCIe      generation 1 of 4 (cards lower it while they idle), lanes 16 of 16",
        "  modes     ECC off, a display attached",
    ]


def test_a_terminal_without_blocks_gets_its_bar_all_the_same(desktop):
    page = machine_page(desktop, (), ascii_only=True)

    assert page.isascii()
    assert "[######..................]" in page


def test_what_was_not_read_is_not_shown(desktop):
    bare = desktop.model_copy(update={"devices": (Device(index=0, vendor="intel", reason_unread="no tool"),)})

    assert machine_page(bare, ()).splitlines()[-2:] == ["GPU 0       Intel GPU", "  unread    no tool"]


def test_a_machine_without_cards_says_so(desktop):
    assert machine_page(desktop.model_copy(update={"devices": ()}), ()).endswith("GPU         none found")


@pytest.mark.parametrize(
    ("device", "memory"),
    [
        (
            Device(
                index=0,
                vendor="apple",
                name="Apple M2 Max",
                unified=True,
                working_set_bytes=48 * GIB,
                working_set_from="metal",
            ),
            "shares the RAM: at most 48.00 GiB of it (by Metal)",
        ),
        (Device(index=0, vendor="nvidia", name="NVIDIA GB10", unified=True), "shares the RAM"),
        (
            Device(
                index=0,
                vendor="amd",
                unified=True,
                memory_bytes=96 * GIB,
                free_bytes=72 * GIB,
                working_set_bytes=96 * GIB,
                working_set_from="carve-out",
            ),
            "72.00 GiB free of 96.00 GiB of the RAM, set aside for it",
        ),
        (Device(index=0, vendor="amd", memory_bytes=24 * GIB), "24.00 GiB, unknown how much of it is free"),
    ],
)
def test_memory_is_said_as_it_is_shared(desktop, device, memory):
    page = machine_page(desktop.model_copy(update={"devices": (device,)}), ())

    assert memory in page


def test_every_notice_is_shown_with_what_to_do(desktop):
    found = notices(desktop)
    page = machine_page(desktop, found)

    assert {notice.code for notice in found} == {"other-programs", "memory-held", "display-attached", "power-lowered"}
    assert all(notice.says in page and f"try       {notice.advice}" in page for notice in found)


def test_names_from_drivers_cannot_act_on_a_terminal(desktop):
    evil = desktop.model_copy(update={"devices": (CARD.model_copy(update={"name": "\x1b[2JRTX\n4090"}),)})

    assert "\x1b" not in machine_page(evil, ())


def test_a_report_holds_no_path_no_uuid_and_no_bar(desktop):
    error = "cannot open /home/mary/.cache/lib.so of GPU-eaf23aa1-4d3d-596c-da66-b86b0e5db584"
    found = (Notice(code="unread", weight="warning", device=0, says=error, advice="-"),)
    silent = CARD.model_copy(update={"reason_unread": error})
    text = machine_markdown(
        desktop.model_copy(update={"devices": (silent,)}), found, arena="1.2.3", readers="NVIDIA tried on paper"
    )

    assert text.startswith("### Machine\n\n- arena: 1.2.3\n- processor: ")
    card = "GPU 0: NVIDIA GeForce RTX 3090; card GeForce RTX 3090 in the catalogue, 936 GB/s; "
    assert f"- {card}memory 18.00 GiB free of 24.00 GiB; in use 6.00 GiB" in text
    assert "- warning: unread: GPU 0: cannot open (a path) of GPU-(a UUID)" in text
    assert [word for word in ("mary", "eaf23aa1", "█", "░") if word in text] == []


def test_a_report_is_a_list_that_no_name_can_break(desktop):
    evil = desktop.model_copy(update={"devices": (CARD.model_copy(update={"name": "RTX\n# <b>*4090*"}),)})
    lines = machine_markdown(evil, (), arena="1", readers="-").splitlines()

    assert all(line.startswith("- ") for line in lines[2:])
    assert "\\<b\\>\\*4090\\*" in "".join(lines)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("open /etc/x/y.so: no", "open (a path): no"),
        ("~/models", "(a path)"),
        ("and/or", "and/or"),
        ("Driver/library version mismatch", "Driver/library version mismatch"),
        ("GPU 0: 24 GiB", "GPU 0: 24 GiB"),
        ("(/opt/x)", "((a path))"),
        ("--device /dev/kfd --device", "--device (a path) --device"),
    ],
)
def test_paths_are_told_from_words(text, shown):
    assert anonymous(text) == shown


def test_readers_that_were_never_tried_are_named():
    assert readers_said({"nvidia": "an H100", "amd": "", "apple": ""}) == (
        "NVIDIA tried on an H100; never tried on real hardware: AMD, Apple"
    )
    assert readers_said({"nvidia": "an H100"}) == "NVIDIA tried on an H100"


def test_a_card_that_the_catalogue_does_not_have_is_said_to_be_planned_for_by_its_driver(desktop):
    new = desktop.model_copy(update={"devices": (CARD.model_copy(update={"name": "NVIDIA Prototype 7"}),)})

    assert "  card      not in the catalogue: planned for by what its driver reports" in machine_page(new, ())
