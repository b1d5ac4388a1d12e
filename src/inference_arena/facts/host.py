"""The machine as a record remembers it. Holds no serial numbers, no names of people or hosts."""

from typing import Literal

from inference_arena.facts.fact import Fact


class Device(Fact):
    """One accelerator, by what its driver says. Unknown stays None."""

    index: int
    vendor: Literal["nvidia", "amd", "intel", "apple", "other"]
    name: str | None = None
    memory_bytes: int | None = None
    free_bytes: int | None = None
    driver_version: str | None = None
    runtime_version: str | None = None
    compute_capability: str | None = None
    power_limit_w: float | None = None
    reason_unread: str | None = None


class Host(Fact):
    """One machine. `cpu_cores` is what this process may use, not what is soldered in."""

    hw_class: Literal["discrete", "unified", "cpu"]
    cpu_model: str | None
    cpu_cores: int
    cpu_physical_cores: int | None
    cpu_features: tuple[str, ...]
    ram_bytes: int
    ram_available_bytes: int
    swap_bytes: int
    swap_used_bytes: int
    load_average_1m: float | None
    os: str
    kernel: str
    architecture: str
    virtualization: Literal["none", "container", "vm", "wsl"] | None
    devices: tuple[Device, ...] = ()
