"""What the machine felt: samples of host, devices and the engine's own counters while a run is going on."""

from inference_arena.telemetry.counters import Counters, read_counters
from inference_arena.telemetry.machine import engine_cpu_share_of
from inference_arena.telemetry.nvidia import open_nvml
from inference_arena.telemetry.sampler import Sampler

__all__ = ["Counters", "Sampler", "engine_cpu_share_of", "open_nvml", "read_counters"]
