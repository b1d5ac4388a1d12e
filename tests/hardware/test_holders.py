"""Who holds the cards' memory: by the driver's list, and by the system's where that is of the same machine."""

import os
import subprocess
import sys

import psutil
from machines import GIB, FakeNvml, no_driver, process

from inference_arena.hardware import Holder, holders

GONE = 2**22 + 1  # no system has such a number


def test_programs_are_told_the_largest_first_and_without_our_own() -> None:
    nvml = FakeNvml("NVIDIA GeForce RTX 3090")
    found = holders(named=False, nvml=lambda: nvml, own_pid=4711)

    assert found == (Holder(device=0, pid=100, memory_bytes=GIB // 4), Holder(device=0, pid=200, memory_bytes=GIB // 4))
    assert nvml.is_shut_down


def test_a_program_that_can_be_seen_has_its_name_and_its_time() -> None:
    mine = psutil.Process()
    nvml = FakeNvml("A card", nvmlDeviceGetComputeRunningProcesses=[process(os.getpid(), 5), process(GONE, 3)],
                    nvmlDeviceGetGraphicsRunningProcesses=[])  # fmt: skip
    first, second = holders(nvml=lambda: nvml, own_pid=1)

    assert (first.name, first.memory_bytes) == (mine.name(), 5)
    assert len(first.since) == len("12:34")
    assert second == Holder(device=0, pid=GONE, memory_bytes=3)


def test_an_engine_that_another_arena_started_is_told_as_that() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    arena = subprocess.Popen([sys.executable, "-c", code, "inference_arena"], stdin=subprocess.PIPE)
    try:
        while not (engine := psutil.Process(arena.pid).children()):
            assert arena.poll() is None
        nvml = FakeNvml("A card", nvmlDeviceGetComputeRunningProcesses=[process(engine[0].pid, 5)],
                        nvmlDeviceGetGraphicsRunningProcesses=[])  # fmt: skip
        (found,) = holders(nvml=lambda: nvml, own_pid=1)
        assert found.by_arena
    finally:
        arena.communicate(b"\n", timeout=30)


def test_a_size_that_the_driver_keeps_to_itself_is_unknown() -> None:
    nvml = FakeNvml("A card", nvmlDeviceGetComputeRunningProcesses=[process(GONE, None)],
                    nvmlDeviceGetGraphicsRunningProcesses=[])  # fmt: skip
    assert holders(nvml=lambda: nvml, own_pid=1)[0].memory_bytes is None


def test_a_machine_without_a_driver_or_with_a_card_that_is_lost_has_no_holders() -> None:
    assert holders(nvml=no_driver) == ()
    lost = FakeNvml("A card", refused=("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"))
    assert holders(nvml=lambda: lost) == ()
