# ruff: noqa: N802, N815, N818 - the names are the vendor's
"""A driver library that answers as told: cards whose numbers a test sets, that may be lost and come back."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

GIB = 1024**3


class Lost(Exception):
    """What the vendor's library raises for a card that has fallen off the bus."""


@dataclass
class Card:
    """One card. `refuses` names functions that this card does not support."""

    used_bytes: int = 5 * GIB
    total_bytes: int = 24 * GIB
    busy_percent: int = 87
    power_mw: int = 301_500
    energy_mj: int = 7_000_000
    celsius: int = 66
    sm_mhz: int = 1695
    memory_mhz: int = 9501
    reasons: int = 0
    rx_kb_per_s: int = 1200
    tx_kb_per_s: int = 300
    processes: list[tuple[int, int | None]] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()
    lost: bool = False


class FakeNvml:
    """The functions that the arena calls, with the vendor's names and units. `before` is called ahead of each."""

    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVML_PCIE_UTIL_TX_BYTES = 0
    NVML_PCIE_UTIL_RX_BYTES = 1
    nvmlClocksEventReasonGpuIdle = 0x1
    nvmlClocksEventReasonApplicationsClocksSetting = 0x2
    nvmlClocksEventReasonSwPowerCap = 0x4
    nvmlClocksEventReasonHwSlowdown = 0x8
    nvmlClocksEventReasonSyncBoost = 0x10
    nvmlClocksEventReasonSwThermalSlowdown = 0x20
    nvmlClocksEventReasonHwThermalSlowdown = 0x40
    nvmlClocksEventReasonHwPowerBrakeSlowdown = 0x80
    nvmlClocksEventReasonDisplayClockSetting = 0x100

    def __init__(self, *cards: Card, before: Callable[[str], None] = lambda _: None) -> None:
        self.cards = list(cards) or [Card()]
        self.before = before
        self.shut_down = threading.Event()
        self.calls: list[str] = []

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        self._of("nvmlDeviceGetHandleByIndex", index)
        return index

    def nvmlShutdown(self) -> None:
        self.shut_down.set()

    def nvmlDeviceGetMemoryInfo(self, card: int) -> Any:
        found = self._of("nvmlDeviceGetMemoryInfo", card)
        return SimpleNamespace(
            used=found.used_bytes, total=found.total_bytes, free=found.total_bytes - found.used_bytes
        )

    def nvmlDeviceGetUtilizationRates(self, card: int) -> Any:
        return SimpleNamespace(gpu=self._of("nvmlDeviceGetUtilizationRates", card).busy_percent)

    def nvmlDeviceGetPowerUsage(self, card: int) -> int:
        return self._of("nvmlDeviceGetPowerUsage", card).power_mw

    def nvmlDeviceGetTotalEnergyConsumption(self, card: int) -> int:
        return self._of("nvmlDeviceGetTotalEnergyConsumption", card).energy_mj

    def nvmlDeviceGetTemperature(self, card: int, _sensor: int) -> int:
        return self._of("nvmlDeviceGetTemperature", card).celsius

    def nvmlDeviceGetClockInfo(self, card: int, clock: int) -> int:
        found = self._of("nvmlDeviceGetClockInfo", card)
        return found.sm_mhz if clock == self.NVML_CLOCK_SM else found.memory_mhz

    def nvmlDeviceGetCurrentClocksEventReasons(self, card: int) -> int:
        return self._of("nvmlDeviceGetCurrentClocksEventReasons", card).reasons

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, card: int) -> int:
        return self._of("nvmlDeviceGetCurrentClocksThrottleReasons", card).reasons

    def nvmlDeviceGetPcieThroughput(self, card: int, counter: int) -> int:
        found = self._of("nvmlDeviceGetPcieThroughput", card)
        return found.tx_kb_per_s if counter == self.NVML_PCIE_UTIL_TX_BYTES else found.rx_kb_per_s

    def nvmlDeviceGetCurrPcieLinkGeneration(self, card: int) -> int:
        self._of("nvmlDeviceGetCurrPcieLinkGeneration", card)
        return 4

    def nvmlDeviceGetCurrPcieLinkWidth(self, card: int) -> int:
        self._of("nvmlDeviceGetCurrPcieLinkWidth", card)
        return 16

    def nvmlDeviceGetComputeRunningProcesses(self, card: int) -> list[Any]:
        found = self._of("nvmlDeviceGetComputeRunningProcesses", card)
        return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in found.processes]

    def _of(self, function: str, card: int) -> Card:
        self.before(function)
        self.calls.append(function)
        if self.cards[card].lost:
            raise Lost("GPU is lost")
        if function in self.cards[card].refuses:
            raise Lost("Not Supported")
        return self.cards[card]
