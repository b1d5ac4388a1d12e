"""What is slow to ask of an NVIDIA device: traffic over PCIe, for which the driver counts 20 ms; and who uses it.

In a thread of its own, because with eight cards one round takes a third of a second.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from inference_arena.record import DeviceLinkSample
from inference_arena.telemetry.machine import EnginePid, EngineTree
from inference_arena.telemetry.nvidia import Library, ask

_KB: Final = 1000  # the driver counts in KB/s


class Links:
    """The same devices as `Devices`, opened once more: the library counts its openings."""

    def __init__(self, *, open_nvml: Callable[[], Any], now_s: Callable[[], float], engine_pid: EnginePid) -> None:
        self._library = Library(open_nvml)
        self._now_s = now_s
        self._engine = EngineTree(engine_pid)

    def __len__(self) -> int:
        return len(self._library.handles)

    def read(self) -> Sequence[DeviceLinkSample]:
        """One sample a device that tells any of it."""
        engine_pids = {process.pid for process in self._engine.processes()}
        found = [self._sample(index, handle, engine_pids) for index, handle in self._library.handles.items()]
        return [s for s in found if any(v is not None for n, v in s if n not in {"kind", "t_s", "device"})]

    def close(self) -> None:
        self._library.close()

    def _sample(self, index: int, handle: Any, engine_pids: set[int]) -> DeviceLinkSample:
        nvml = self._library.nvml
        return DeviceLinkSample(
            t_s=self._now_s(),
            device=index,
            pcie_rx_bytes_per_s=self._throughput(handle, "NVML_PCIE_UTIL_RX_BYTES"),
            pcie_tx_bytes_per_s=self._throughput(handle, "NVML_PCIE_UTIL_TX_BYTES"),
            pcie_generation=ask(lambda: int(nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle))),
            pcie_width=ask(lambda: int(nvml.nvmlDeviceGetCurrPcieLinkWidth(handle))),
            **self._users(handle, engine_pids),
        )

    def _throughput(self, handle: Any, which: str) -> float | None:
        nvml = self._library.nvml
        return ask(lambda: float(nvml.nvmlDeviceGetPcieThroughput(handle, getattr(nvml, which))) * _KB)

    def _users(self, handle: Any, engine_pids: set[int]) -> Mapping[str, Any]:
        """Unknown for an engine that is not ours: whose a process is cannot be told then."""
        processes: Any = ask(lambda: list(self._library.nvml.nvmlDeviceGetComputeRunningProcesses(handle)))
        if processes is None or not engine_pids:
            return {}
        own = [process for process in processes if process.pid in engine_pids]
        others = [process for process in processes if process.pid not in engine_pids]
        return {
            "engine_processes": len(own),
            "engine_bytes": _sum(process.usedGpuMemory for process in own),
            "others_processes": len(others),
            "others_bytes": _sum(process.usedGpuMemory for process in others),
        }


def _sum(sizes: Iterable[int | None]) -> int | None:
    """None where the driver keeps any of them to itself, as under WSL."""
    known = list(sizes)
    return sum(int(size) for size in known if size is not None) if None not in known else None
