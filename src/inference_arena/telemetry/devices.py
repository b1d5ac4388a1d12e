"""What changes fast on an NVIDIA device, and what becomes of one that stops answering.

A number that is refused is None. A device that answers nothing is gone: that is said once, it has no samples until it
answers again, and it is asked only now and then, because a driver may take seconds to say that a card is lost.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from inference_arena.record import DeviceSample
from inference_arena.telemetry.nvidia import Library, ask

RETRY_S: Final = 5.0
MOST_NOTES: Final = 20  # a card with a loose plug comes and goes

Note = Callable[[str], None]


class Devices:
    """The devices of an open library. `note` is told when one goes and when it comes back."""

    def __init__(self, *, open_nvml: Callable[[], Any], now_s: Callable[[], float], note: Note) -> None:
        self._library = Library(open_nvml)
        self._now_s = now_s
        self._note = note
        self._notes = 0
        self._gone_since_s: dict[int, float] = {}
        self._retry_at_s: dict[int, float] = {}
        self._handles = dict(self._library.handles)

    def __len__(self) -> int:
        return len(self._handles)

    def read(self) -> Sequence[DeviceSample]:
        """One sample a device that answers."""
        found = [self._read(index) for index in self._handles]
        return [sample for sample in found if sample is not None]

    def close(self) -> None:
        self._library.close()

    def _read(self, index: int) -> DeviceSample | None:
        if index in self._gone_since_s and not self._may_be_back(index):
            return None
        sample = self._sample(index, self._handles[index])
        if not any(value is not None for name, value in sample if name not in {"kind", "t_s", "device"}):
            self._is_gone(index)
            return None
        if index in self._gone_since_s:
            since_s = self._gone_since_s.pop(index)
            self._say(
                f"GPU {index} answers its driver again at {sample.t_s:.1f} s; it was gone from {since_s:.1f} s on"
            )
        return sample

    def _may_be_back(self, index: int) -> bool:
        """Time to ask again. A card that was reset has a new handle."""
        if self._now_s() < self._retry_at_s[index]:
            return False
        self._retry_at_s[index] = self._now_s() + RETRY_S
        handle = self._library.handle(index)
        self._handles[index] = self._handles[index] if handle is None else handle
        return handle is not None

    def _is_gone(self, index: int) -> None:
        now_s = self._now_s()
        self._retry_at_s[index] = now_s + RETRY_S
        if index not in self._gone_since_s:
            self._gone_since_s[index] = now_s
            self._say(
                f"GPU {index} stopped answering its driver at {now_s:.1f} s ({self._why(index)}): no samples of it"
            )

    def _why(self, index: int) -> str:
        try:
            self._library.nvml.nvmlDeviceGetMemoryInfo(self._handles[index])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
            return str(error) or type(error).__name__
        return "it answered no question"

    def _say(self, text: str) -> None:
        self._notes += 1
        if self._notes <= MOST_NOTES:
            self._note(text)

    def _sample(self, index: int, handle: Any) -> DeviceSample:
        nvml = self._library.nvml
        t_s = self._now_s()
        memory: Any = ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        return DeviceSample(
            t_s=t_s,
            device=index,
            memory_used_bytes=ask(lambda: int(memory.used)),
            memory_total_bytes=ask(lambda: int(memory.total)),
            utilization_share=ask(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100),
            power_w=ask(lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000),
            energy_j=ask(lambda: float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000),
            temperature_c=ask(lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            sm_clock_hz=ask(lambda: float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)) * 1e6),
            memory_clock_hz=ask(lambda: float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)) * 1e6),
            slowed_by=self._library.slowed_by(handle),
        )
