"""Graphics cards and the chips that share the machine's memory, as their makers and drivers describe them."""

from datetime import date
from typing import Literal

from inference_arena.facts.fact import Fact

Vendor = Literal["nvidia", "amd", "intel", "apple", "other"]
Form = Literal["desktop", "laptop", "workstation", "data-centre", "unified"]


class Gpu(Fact):
    """One kind of card. Laptop parts are cards of their own. Unknown stays None.

    `memory_bytes` is what it is sold with; `visible_memory_bytes` what the driver's runtime offers to programs, read
    off a real card. `unified`: it shares the machine's memory, and `memory_bytes` is the most that it is sold with.
    Rates are dense (no sparsity), `fp16_flops` with FP32 accumulation. `reported_names` are the names that drivers
    give it; the title always counts as one. Variants of one name differ by memory, or by `cores` where it is stated.
    """

    name: str
    title: str
    vendor: Vendor
    form: Form
    architecture: str
    compute_capability: str | None = None
    memory_bytes: int
    visible_memory_bytes: int | None = None
    unified: bool = False
    cores: int | None = None
    bandwidth_bytes_per_s: float | None = None
    fp32_flops: float | None = None
    fp16_flops: float | None = None
    fp8_flops: float | None = None
    int8_ops: float | None = None
    fp4_flops: float | None = None
    bf16: bool | None = None
    power_w: float | None = None
    released: date | None = None
    reported_names: tuple[str, ...] = ()
    source: str
    checked: date
