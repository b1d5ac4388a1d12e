"""The machine as a record remembers it. Holds no serial numbers, no names of people or hosts."""

from typing import Literal

from inference_arena.facts.fact import Fact

Way = Literal["nvlink", "board", "pcie-switch", "pcie-switches", "pcie-host", "same-node", "other-node"]


class Device(Fact):
    """One accelerator, by what its driver or its vendor's tool says. Unknown stays None.

    `unified`: it shares the machine's RAM and is used for models nevertheless; what it may take of it is at most
    `working_set_bytes`, and never more than RAM that is available. Other processes are counted, never named.
    """

    index: int
    vendor: Literal["nvidia", "amd", "intel", "apple", "other"]
    name: str | None = None
    memory_bytes: int | None = None
    free_bytes: int | None = None
    reserved_bytes: int | None = None
    unified: bool | None = None
    working_set_bytes: int | None = None
    working_set_from: Literal["metal", "wired-limit", "gtt", "carve-out"] | None = None
    driver_version: str | None = None
    runtime_version: str | None = None
    compute_capability: str | None = None
    target: str | None = None
    gpu_cores: int | None = None
    power_limit_w: float | None = None
    power_limit_default_w: float | None = None
    sm_clock_hz: float | None = None
    sm_clock_max_hz: float | None = None
    memory_clock_hz: float | None = None
    memory_clock_max_hz: float | None = None
    pcie_generation: int | None = None
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    ecc: bool | None = None
    mig: bool | None = None
    mig_slices_bytes: tuple[int, ...] = ()
    display_attached: bool | None = None
    other_processes: int | None = None
    other_processes_bytes: int | None = None
    reason_unread: str | None = None


class Link(Fact):
    """How two cards reach each other; unknown stays None.

    `way`: the best of them; `pcie_way` without NVLink: one board, one switch, several switches, the processor's root,
    one memory node of the processor, another node. `peer_access`: one reads the other's memory without the machine's.
    `nvlinks`: how many of the first card's are up, to the other or to a switch.
    """

    a: int
    b: int
    way: Way | None = None
    pcie_way: Way | None = None
    peer_access: bool | None = None
    nvlinks: int | None = None


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
    links: tuple[Link, ...] = ()
