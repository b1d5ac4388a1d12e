"""A driver library whose answers are made up and whose calls cost processor time, as the real one's do."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

PCIE_WAIT_S: Final = 0.02  # the driver counts traffic for so long, asleep

_ANSWERS: Final[dict[str, Any]] = {
    "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=20 << 30, total=80 << 30, free=60 << 30),
    "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=97, memory=60),
    "nvmlDeviceGetPowerUsage": 512_345,
    "nvmlDeviceGetTotalEnergyConsumption": 123_456_789_012,
    "nvmlDeviceGetTemperature": 61,
    "nvmlDeviceGetClockInfo": 1_980,
    "nvmlDeviceGetCurrentClocksEventReasons": 0x4,
    "nvmlDeviceGetPcieThroughput": 1_200_000,
    "nvmlDeviceGetCurrPcieLinkGeneration": 5,
    "nvmlDeviceGetCurrPcieLinkWidth": 16,
    "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=1, usedGpuMemory=20 << 30)],
}


class CostlyNvml:
    """`call_s`: processor time that each call takes. Constants of the vendor's module are taken from it."""

    def __init__(self, *, cards: int, call_s: float) -> None:
        import pynvml  # noqa: PLC0415

        self._cards = cards
        self._call_s = call_s
        self._vendor = pynvml

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self._cards

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        return self._costly(name) if name in _ANSWERS else getattr(self._vendor, name)

    def _costly(self, name: str) -> Callable[..., Any]:
        def call(*_: object) -> Any:
            until_s = time.perf_counter() + self._call_s
            while time.perf_counter() < until_s:
                pass
            if name == "nvmlDeviceGetPcieThroughput":
                time.sleep(PCIE_WAIT_S)
            return _ANSWERS[name]

        return call
