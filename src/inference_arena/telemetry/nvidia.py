"""NVIDIA's driver library, held open, and the handles of its devices. Each number is asked for by itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from inference_arena.record import SlowedBy

Answer = TypeVar("Answer")

# The library's names of its reasons for lower clocks, and ours
_REASONS: Final[Mapping[str, SlowedBy]] = {
    "nvmlClocksEventReasonGpuIdle": "idle",
    "nvmlClocksEventReasonSwPowerCap": "power-cap",
    "nvmlClocksEventReasonSwThermalSlowdown": "heat-software",
    "nvmlClocksEventReasonHwThermalSlowdown": "heat-hardware",
    "nvmlClocksEventReasonHwSlowdown": "hardware",
    "nvmlClocksEventReasonHwPowerBrakeSlowdown": "power-brake",
    "nvmlClocksEventReasonApplicationsClocksSetting": "clocks-set",
    "nvmlClocksEventReasonSyncBoost": "sync-boost",
    "nvmlClocksEventReasonDisplayClockSetting": "display-clocks",
}


class Library:
    """The open library; without devices where there is no driver. Close it when done."""

    def __init__(self, open_nvml: Callable[[], Any]) -> None:
        self.nvml: Any = ask(open_nvml)
        count = ask(lambda: int(self.nvml.nvmlDeviceGetCount())) or 0
        opened = {index: self.handle(index) for index in range(count)}
        self.handles = {index: handle for index, handle in opened.items() if handle is not None}
        self._reasons = reasons_by_bit(self.nvml)

    def handle(self, index: int) -> Any:
        """The device's handle; None where the driver does not give it."""
        return ask(lambda: self.nvml.nvmlDeviceGetHandleByIndex(index))

    def close(self) -> None:
        if self.nvml is not None:
            ask(self.nvml.nvmlShutdown)

    def slowed_by(self, handle: Any) -> tuple[SlowedBy, ...] | None:
        """Why clocks are below the highest, in our words; None where the driver does not tell."""
        bits = ask(lambda: int(self.nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)))
        if bits is None:  # drivers before 535 know the older name only
            bits = ask(lambda: int(self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)))
        return None if bits is None else names_of(bits, self._reasons)


def reasons_by_bit(nvml: Any) -> dict[int, SlowedBy]:
    """The library's own constants; one that this release of it lacks is left out."""
    found = {getattr(nvml, name, 0): ours for name, ours in _REASONS.items()}
    return {bit: name for bit, name in found.items() if bit}


def names_of(bits: int, reasons: Mapping[int, SlowedBy]) -> tuple[SlowedBy, ...]:
    named = tuple(name for bit, name in reasons.items() if bits & bit)
    return (*named, "other") if bits & ~sum(reasons) else named


def open_nvml() -> Any:
    """The vendor's library, started. Raises what it raises where there is no driver."""
    import pynvml  # noqa: PLC0415 - 330 kB of Python that machines without the driver need not read

    pynvml.nvmlInit()
    return pynvml


def ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers fail in many ways, and each means: unknown
        return None
