"""What is said of other programs on the cards before an engine is started beside them."""

from inference_arena.cli.holding import held_cards, told
from inference_arena.facts import Device, Host
from inference_arena.hardware import Holder

GIB = 2**30
HOST = Host(
    hw_class="discrete", cpu_model=None, cpu_cores=2, cpu_physical_cores=None, cpu_features=(), ram_bytes=1,
    ram_available_bytes=1, swap_bytes=0, swap_used_bytes=0, load_average_1m=None, os="x", kernel="x", architecture="x",
    virtualization=None, devices=(Device(index=0, vendor="nvidia", memory_bytes=80 * GIB, free_bytes=41 * GIB),),
)  # fmt: skip


def test_each_program_is_named_with_what_it_holds_and_since_when():
    said = told((Holder(0, 4711, 39 * GIB, name="VLLM::EngineCore", since="11:02", by_arena=True),), HOST)

    assert said.splitlines()[0] == (
        "Card 0: VLLM::EngineCore (pid 4711, since 11:02) holds 39.00 GiB of 80.00 GiB for another arena."
    )
    assert said.splitlines()[1].startswith("  try  end it, or wait for it")


def test_what_cannot_be_seen_is_said_so():
    said = told((Holder(1, 4711, None),), HOST)

    assert said.splitlines()[0] == "Card 1: a program that cannot be seen from here (pid 4711) holds an unknown part."


def test_many_programs_are_counted():
    said = told(tuple(Holder(0, pid, 1) for pid in range(7)), HOST)

    assert len(said.splitlines()) == 6
    assert "and 3 more" in said


def test_of_a_card_without_other_programs_nothing_is_said():
    assert held_cards(HOST) == ""
    assert told((), HOST) == ""
