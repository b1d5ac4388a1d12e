"""What a plan is made for: cards of one kind in one machine, with what is free on them now. Knows no model."""

from collections.abc import Sequence
from typing import Any

from inference_arena.facts import Device, Fact, Form, Gpu, Host, Vendor

# Programs see less of a card than it is sold with, because the driver and error correction keep some: 23.69 of 24 GiB
# on an RTX 3090, 79.19 of 80 on an H100 SXM5. Where nobody has read a card, the smaller of these shares is taken.
VISIBLE_SHARE_ASSUMED = 0.987


class Target(Fact):
    """`count` equal cards. Unknown stays None; `memory_assumed`: nobody has read `memory_bytes` off such a card.

    `memory_bytes` is what programs see of one card, `sold_bytes` all that is on it, `free_bytes` what is free now.
    `ram_bytes` is what the machine has available beside the cards: 0 where they share it, None where nothing is known
    of the machine.
    `form` is the card's, as its maker sells it: it decides which measurements speak for the card.
    """

    title: str
    gpu: str | None
    vendor: Vendor | None
    count: int
    memory_bytes: int
    sold_bytes: int
    free_bytes: int
    memory_assumed: bool
    unified: bool
    compute_capability: str | None = None
    driver: str | None = None
    bandwidth_bytes_per_s: float | None = None
    fp16_flops: float | None = None
    fp8_flops: float | None = None
    int8_ops: float | None = None
    bf16: bool | None = None
    fp32_flops: float | None = None
    fp4_flops: float | None = None
    form: Form | None = None
    power_w: float | None = None
    ram_bytes: int | None = None
    ram_bandwidth_bytes_per_s: float | None = None


def target_of_card(gpu: Gpu, *, count: int = 1, driver: str | None = None, ram_bytes: int | None = None) -> Target:
    """A card of the catalogue as it would be in a machine that does nothing else."""
    seen = gpu.visible_memory_bytes
    memory_bytes = seen if seen is not None else int(gpu.memory_bytes * VISIBLE_SHARE_ASSUMED)
    return Target(
        title=gpu.title,
        gpu=gpu.name,
        vendor=gpu.vendor,
        count=count,
        memory_bytes=memory_bytes,
        sold_bytes=gpu.memory_bytes,
        free_bytes=memory_bytes,
        memory_assumed=seen is None,
        driver=driver,
        ram_bytes=0 if gpu.unified else ram_bytes,
        **_rates(gpu),
    )


def target_of_devices(devices: Sequence[Device], *, host: Host, gpu: Gpu | None) -> Target | None:
    """The equal cards `devices` of this machine; `gpu` is their card where the catalogue has one.

    None where the driver tells no memory and the catalogue does not either: then nothing can be planned.
    """
    first = devices[0]
    unified = gpu.unified if gpu is not None else host.hw_class == "unified"
    told = host.ram_bytes if unified else first.memory_bytes
    if told is None and gpu is None:
        return None
    seen = gpu.visible_memory_bytes if gpu is not None else None
    memory_bytes = min(value for value in (told, seen or told, gpu.memory_bytes if gpu else told) if value)
    free = [host.ram_available_bytes if unified else device.free_bytes for device in devices]
    return Target(
        title=first.name or (gpu.title if gpu else "unknown card"),
        gpu=gpu.name if gpu else None,
        vendor=first.vendor,
        count=len(devices),
        memory_bytes=memory_bytes,
        sold_bytes=told or memory_bytes,
        free_bytes=min(memory_bytes, *(memory_bytes if one is None else one for one in free)),
        memory_assumed=False,
        driver=first.driver_version,
        ram_bytes=0 if unified else host.ram_available_bytes,
        **(_rates(gpu) if gpu else {"unified": unified, "compute_capability": first.compute_capability}),
    )


def _rates(gpu: Gpu) -> dict[str, Any]:
    rates = ("bandwidth_bytes_per_s", "fp32_flops", "fp16_flops", "fp8_flops", "int8_ops", "fp4_flops")
    return {name: getattr(gpu, name) for name in (*rates, "unified", "compute_capability", "bf16", "form", "power_w")}
