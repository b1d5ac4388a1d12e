"""NVIDIA accelerators through their driver's library. Each number is asked for by itself; refused is None."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from inference_arena.record import DeviceSample

Answer = TypeVar("Answer")


class Devices:
    """The open library and its devices' handles; none where there is no driver. Close it when done."""

    def __init__(self, *, open_nvml: Callable[[], Any], now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._nvml: Any = _ask(open_nvml)
        count = _ask(lambda: int(self._nvml.nvmlDeviceGetCount())) or 0
        opened = {index: self._open(index) for index in range(count)}
        self._handles = {index: handle for index, handle in opened.items() if handle is not None}

    def __len__(self) -> int:
        return len(self._handles)

    def read(self) -> Sequence[DeviceSample]:
        """One sample a device."""
        return [self._sample(index, handle) for index, handle in self._handles.items()]

    def close(self) -> None:
        if self._nvml is not None:
            _ask(self._nvml.nvmlShutdown)

    def _open(self, index: int) -> Any:
        return _ask(lambda: self._nvml.nvmlDeviceGetHandleByIndex(index))

    def _sample(self, index: int, handle: Any) -> DeviceSample:
        nvml = self._nvml
        return DeviceSample(
            t_s=self._now_s(),
            device=index,
            memory_used_bytes=_ask(lambda: int(nvml.nvmlDeviceGetMemoryInfo(handle).used)),
            utilization_share=_ask(lambda: float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100),
            power_w=_ask(lambda: float(nvml.nvmlDeviceGetPowerUsage(handle)) / 1000),
            temperature_c=_ask(lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))),
            sm_clock_hz=_ask(lambda: float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)) * 1e6),
        )


def open_nvml() -> Any:
    """The vendor's library, started. Raises what it raises where there is no driver."""
    import pynvml  # noqa: PLC0415 - 330 kB of Python that machines without the driver need not read

    pynvml.nvmlInit()
    return pynvml


def _ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers fail in many ways, and each means: unknown
        return None
