"""Hosts of known faults, and what is said of each. The cast: an 8 GB laptop, a 24 GB card, an 80 GB card."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.facts import Device, Host
from inference_arena.plan import Notice, is_wsl, notices

GIB = 1024**3
PLAIN = Host(
    hw_class="discrete",
    cpu_model="AMD Ryzen 9 7950X",
    cpu_cores=32,
    cpu_physical_cores=16,
    cpu_features=("avx2",),
    ram_bytes=64 * GIB,
    ram_available_bytes=48 * GIB,
    swap_bytes=0,
    swap_used_bytes=0,
    load_average_1m=0.1,
    os="Ubuntu 24.04.1 LTS",
    kernel="6.8.0-45-generic",
    architecture="x86_64",
    virtualization="none",
)
# idle and free: all that is in use is what the driver keeps
CARD = Device(
    index=0,
    vendor="nvidia",
    name="NVIDIA GeForce RTX 3090",
    memory_bytes=24 * GIB,
    free_bytes=24 * GIB - GIB // 2,
    reserved_bytes=GIB // 2,
    unified=False,
    power_limit_w=350.0,
    power_limit_default_w=350.0,
    pcie_generation=1,
    pcie_generation_max=4,
    pcie_width=16,
    pcie_width_max=16,
    ecc=False,
    mig=False,
    display_attached=False,
    other_processes=0,
    other_processes_bytes=0,
)
WSL = {"kernel": "5.15.153.1-microsoft-standard-WSL2", "virtualization": "wsl"}
CONTAINER = {"virtualization": "container"}


def host(*devices: Device, **changes: object) -> Host:
    return PLAIN.model_copy(update={"devices": devices, **changes})


def card(**changes: object) -> Device:
    return CARD.model_copy(update=changes)


def only(found: tuple[Notice, ...]) -> Notice:
    (notice,) = found
    return notice


def codes(found: tuple[Notice, ...]) -> list[str]:
    return [notice.code for notice in found]


def test_of_a_card_at_rest_nothing_is_said() -> None:
    # its link is of the first generation, as every link at rest
    assert notices(host(card())) == ()


def test_of_a_card_of_which_nothing_was_read_nothing_is_said() -> None:
    assert notices(host(Device(index=0, vendor="nvidia", name="NVIDIA L4"))) == ()


def test_a_machine_without_a_card_is_no_fault() -> None:
    assert notices(host()) == ()


def test_programs_on_the_card_are_counted_with_their_memory() -> None:
    used = card(free_bytes=22 * GIB, other_processes=2, other_processes_bytes=GIB + GIB // 2)
    notice = only(notices(host(used)))

    assert (notice.code, notice.weight, notice.device) == ("other-programs", "warning", 0)
    assert notice.says == "2 other programs hold 1.50 GiB of 24.00 GiB"


def test_programs_of_unknown_memory_explain_whatever_is_in_use() -> None:
    used = card(free_bytes=12 * GIB, other_processes=1, other_processes_bytes=None)

    assert only(notices(host(used))).says == "1 other program holds an unknown part of 24.00 GiB"


@pytest.mark.parametrize(("rest_mib", "said"), [(511, []), (512, ["memory-held"])])
def test_memory_that_no_program_accounts_for_is_said_from_half_a_gibibyte_on(rest_mib: int, said: list[str]) -> None:
    used = card(free_bytes=24 * GIB - GIB // 2 - rest_mib * 1024**2)

    assert codes(notices(host(used))) == said


def test_in_a_container_the_holder_may_be_outside_of_it() -> None:
    notice = only(notices(host(card(free_bytes=20 * GIB), **CONTAINER)))

    assert notice.code == "memory-held"
    assert notice.says == "3.50 GiB of 24.00 GiB are in use by a program outside this container, or by the driver"


def test_under_wsl_it_is_windows_that_holds_memory() -> None:
    found = notices(host(card(free_bytes=21 * GIB, other_processes=None, other_processes_bytes=None), **WSL))

    assert codes(found) == ["windows-holds-memory", "wsl-memory-cap"]
    assert found[0].says == "Windows and its programs hold 2.50 GiB of 24.00 GiB; WSL does not show which"
    assert "reserve" in found[0].advice


def test_under_wsl_the_cap_on_ram_is_said_with_the_file_that_lifts_it() -> None:
    notice = only(notices(host(card(), ram_bytes=16 * GIB, **WSL)))

    assert (notice.code, notice.weight, notice.device) == ("wsl-memory-cap", "note", None)
    assert "16.00 GiB" in notice.says
    assert ".wslconfig" in notice.advice
    assert "wsl --shutdown" in notice.advice


def test_models_on_a_drive_of_windows_are_said_under_wsl_only() -> None:
    places = ("the arena's folder of models",)

    assert codes(notices(host(card(), **WSL), on_windows_drive=places)) == ["windows-drive", "wsl-memory-cap"]
    assert notices(host(card()), on_windows_drive=places) == ()


def test_a_container_inside_wsl_is_under_wsl_too() -> None:
    assert is_wsl(host(**(WSL | CONTAINER)))
    assert not is_wsl(host(**CONTAINER))


@pytest.mark.parametrize(
    ("surroundings", "advice"), [(CONTAINER, "--gpus all"), (WSL, "install NVIDIA's driver in Windows")]
)
def test_where_no_card_is_seen_from_inside_the_way_in_is_said(surroundings: dict[str, str], advice: str) -> None:
    found = {notice.code: notice for notice in notices(host(**surroundings))}

    assert advice in found["no-gpu-seen"].advice


@pytest.mark.parametrize(
    ("reason", "surroundings", "advice"),
    [
        ("Driver/library version mismatch", {}, "restart the machine"),
        ("Driver/library version mismatch", CONTAINER, "restart the machine"),
        ("NVML Shared Library Not Found", {}, "install NVIDIA's driver, then"),
        ("NVML Shared Library Not Found", CONTAINER, "NVIDIA Container Toolkit"),
        ("NVML Shared Library Not Found", WSL, "none inside WSL"),
        ("Insufficient Permissions", {}, "/dev/nvidia"),
        ("Driver Not Loaded", {}, "anew"),
    ],
)
def test_a_silent_driver_gets_the_advice_that_its_words_ask_for(
    reason: str, surroundings: dict[str, str], advice: str
) -> None:
    silent = Device(index=0, vendor="nvidia", reason_unread=f"the NVIDIA driver does not answer: {reason}")
    notice = next(n for n in notices(host(silent, **surroundings)) if n.code == "unread")

    assert notice.weight == "warning"
    assert reason in notice.says
    assert advice in notice.advice


def test_the_vendors_library_words_its_errors_as_the_advice_expects() -> None:
    pynvml = pytest.importorskip("pynvml")
    words = pynvml.NVMLError._errcode_to_string  # what it says without a driver's own words

    assert "not found" in words[pynvml.NVML_ERROR_LIBRARY_NOT_FOUND].lower()
    assert "permission" in words[pynvml.NVML_ERROR_NO_PERMISSION].lower()


def test_graphics_inside_a_processor_are_no_fault() -> None:
    inside = Device(index=0, vendor="amd", reason_unread="it shares the machine's RAM")

    assert notices(host(inside)) == ()


def test_a_jetson_needs_no_nvml() -> None:
    silent = "the NVIDIA driver does not answer: NVML Shared Library Not Found"
    board = Device(index=0, vendor="nvidia", name="NVIDIA Jetson AGX Orin", unified=True, reason_unread=silent)

    assert notices(host(board)) == ()


def test_a_mac_whose_limit_is_unknown_is_told_what_to_plan_with() -> None:
    silent = "Metal did not say how much of the RAM it may hold"
    chip = Device(index=0, vendor="apple", name="Apple M3", unified=True, reason_unread=silent)

    assert only(notices(host(chip))).advice == "plan with the RAM that is available, less a reserve"


def test_a_card_in_mig_mode_is_said_with_its_slices_and_the_way_out() -> None:
    cut = card(memory_bytes=80 * GIB, free_bytes=70 * GIB, mig=True, mig_slices_bytes=(10 * GIB, 40 * GIB))
    notice = only(notices(host(cut)))

    assert (notice.code, notice.weight) == ("mig", "warning")
    assert "10.00 GiB, 40.00 GiB" in notice.says
    assert "-mig 0" in notice.advice


@pytest.mark.parametrize(("limit_w", "said"), [(350.0, []), (349.5, []), (280.0, ["power-lowered"]), (400.0, [])])
def test_a_power_limit_below_the_default_is_said(limit_w: float, said: list[str]) -> None:
    assert codes(notices(host(card(power_limit_w=limit_w)))) == said


def test_a_narrow_link_is_a_note_that_asks_to_look_again_under_load() -> None:
    notice = only(notices(host(card(pcie_width=4))))

    assert (notice.code, notice.weight) == ("pcie-narrow", "note")
    assert "4 of 16 lanes" in notice.says
    assert "under load" in notice.advice


def test_a_display_is_said_of_a_card_with_memory_of_its_own_only() -> None:
    assert codes(notices(host(card(display_attached=True)))) == ["display-attached"]
    assert notices(host(card(display_attached=True, unified=True))) == ()


def test_warnings_come_before_notes() -> None:
    found = notices(host(card(display_attached=True), card(index=1, free_bytes=1 * GIB)))

    assert [(notice.weight, notice.device) for notice in found] == [("warning", 1), ("note", 0)]


maybe = st.none() | st.integers(0, 100 * GIB)
told = st.fixed_dictionaries(
    dict.fromkeys(("memory_bytes", "free_bytes", "reserved_bytes", "other_processes_bytes"), maybe)
    | {"other_processes": st.none() | st.integers(0, 5)}
)


@given(told=told, surroundings=st.sampled_from([{}, WSL, CONTAINER]))
def test_any_numbers_of_a_driver_are_borne(told: dict[str, int | None], surroundings: dict[str, str]) -> None:
    found = notices(host(card(**told), **surroundings))

    assert all(notice.says and notice.advice for notice in found)
    assert told["memory_bytes"] is not None or set(codes(found)) <= {"wsl-memory-cap"}
