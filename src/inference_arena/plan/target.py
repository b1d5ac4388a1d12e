"""What a plan is made for: cards of one kind in one machine, with what is free on them now. Knows no model."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from inference_arena import units
from inference_arena.facts import Device, Fact, Form, Gpu, Host, Vendor, at_least

# Programs see less of a card than it is sold with, because the driver and error correction keep some: 23.69 of 24 GiB
# on an RTX 3090, 79.19 of 80 on an H100 SXM5. Where nobody has read a card, the smaller of these shares is taken.
VISIBLE_SHARE_ASSUMED = 0.987
# Metal lets an Apple chip hold 67 to 78 % of the RAM (logs of llama.cpp; see hardware/apple.py). Where the machine is
# not here to be asked, the least of these is taken.
METAL_SHARE_ASSUMED = 0.667
# kept for everything else on machines whose memory is shared; chosen: a desktop with a browser
SHARED_RESERVE_BYTES = 2 * units.GIB


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
    """A card of the catalogue as it would be in a machine that does nothing else.

    `ram_bytes` is the machine's memory. A chip that shares it is planned for with that, else with the most it is sold
    with.
    """
    if gpu.unified:
        return _target_of_chip(gpu, count=count, driver=driver, ram_bytes=ram_bytes or gpu.memory_bytes)
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
        ram_bytes=ram_bytes,
        **_rates(gpu),
    )


def _target_of_chip(gpu: Gpu, *, count: int, driver: str | None, ram_bytes: int) -> Target:
    """What Metal would let it hold, else all of the RAM; of either, what is not kept for everything else."""
    limit = int(ram_bytes * (METAL_SHARE_ASSUMED if gpu.vendor == "apple" else VISIBLE_SHARE_ASSUMED))
    available = max(0, ram_bytes - SHARED_RESERVE_BYTES)
    return Target(
        title=gpu.title,
        gpu=gpu.name,
        vendor=gpu.vendor,
        count=count,
        memory_bytes=min(limit, available),
        sold_bytes=ram_bytes,
        free_bytes=min(limit, available),
        memory_assumed=True,
        driver=driver,
        ram_bytes=0,
        **_rates(gpu),
    )


def targets_of_host(host: Host, card_of: Callable[[Device], Gpu | None]) -> tuple[Target, ...]:
    """What this machine can plan for: each kind of card with all of its equals, the largest first, then unequal cards
    together; else its processor.

    Cards that tell nothing and that the catalogue does not know are left out: nothing can be planned for them.
    """
    kinds: dict[tuple[str | None, int | None], list[Device]] = {}
    for device in host.devices:
        kinds.setdefault((device.name, device.memory_bytes), []).append(device)
    found = [target_of_devices(devices, host=host, gpu=card_of(devices[0])) for devices in kinds.values()]
    known = [target for target in found if target is not None]
    kinds_first = sorted(known, key=lambda one: -one.memory_bytes * one.count)
    mix = target_of_mix(kinds_first)
    return (*kinds_first, *(() if mix is None else (mix,))) or (target_of_processor(host),)


def target_of_mix(targets: Sequence[Target]) -> Target | None:
    """Unequal cards of one maker as so many of the least: layers and copies are shared out evenly, and all wait for the
    slowest. None where there are no two kinds, or where one of them shares the machine's memory.
    """
    if len(targets) < 2 or any(one.unified for one in targets) or len({one.vendor for one in targets}) > 1:
        return None
    least = min(targets, key=lambda one: one.free_bytes)
    names = " + ".join(f"{one.count} x {one.title}" if one.count > 1 else one.title for one in targets)
    rates = ("bandwidth_bytes_per_s", "fp16_flops", "fp8_flops", "int8_ops", "fp32_flops", "fp4_flops")
    return least.model_copy(
        update={
            "title": f"unequal cards ({names}), each counted as the least of them",
            "gpu": None,
            "count": sum(one.count for one in targets),
            "memory_bytes": min(one.memory_bytes for one in targets),
            "sold_bytes": min(one.sold_bytes for one in targets),
            "memory_assumed": any(one.memory_assumed for one in targets),
            "compute_capability": _oldest(targets),
            "bf16": None if any(one.bf16 is None for one in targets) else all(one.bf16 for one in targets),
            **{name: _least([getattr(one, name) for one in targets]) for name in rates},
        }
    )


def _least(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if len(known) == len(values) else None


def _oldest(targets: Sequence[Target]) -> str | None:
    told = [one.compute_capability for one in targets]
    known = [capability for capability in told if capability is not None]
    return reduce(lambda one, other: one if at_least(other, one) else other, known) if len(known) == len(told) else None


def target_of_devices(devices: Sequence[Device], *, host: Host, gpu: Gpu | None) -> Target | None:
    """The equal cards `devices` of this machine; `gpu` is their card where the catalogue has one.

    None where the driver tells no memory and the catalogue does not either: then nothing can be planned.
    """
    first = devices[0]
    unified = bool(first.unified) or (gpu is not None and gpu.unified)
    room = _shared(first, host) if unified else _own(devices, gpu)
    if room is None:
        return None
    memory_bytes, free_bytes, sold_bytes, assumed = room
    capability = {"compute_capability": first.compute_capability, "bf16": None}
    return Target(
        title=(gpu.title if gpu else first.name) or "unknown card",
        gpu=gpu.name if gpu else None,
        vendor=first.vendor,
        count=len(devices),
        memory_bytes=memory_bytes,
        sold_bytes=sold_bytes,
        free_bytes=free_bytes,
        memory_assumed=assumed,
        driver=first.driver_version,
        ram_bytes=0 if unified else host.ram_available_bytes,
        **({**_rates(gpu), "unified": unified} if gpu else {**capability, "unified": unified}),
    )


def target_of_processor(host: Host) -> Target:
    """A machine without a card that could be used: its RAM is the memory, and nothing is known of its speed."""
    free_bytes = max(0, host.ram_available_bytes - SHARED_RESERVE_BYTES)
    return Target(
        title=host.cpu_model or "this processor",
        gpu=None,
        vendor=None,
        count=1,
        memory_bytes=host.ram_bytes,
        sold_bytes=host.ram_bytes,
        free_bytes=free_bytes,
        memory_assumed=False,
        unified=True,
        ram_bytes=0,
    )


def _own(devices: Sequence[Device], gpu: Gpu | None) -> tuple[int, int, int, bool] | None:
    """Memory, free, sold, assumed: of cards with memory of their own. The least free card decides."""
    told = devices[0].memory_bytes
    sold = told or (gpu.memory_bytes if gpu else None)
    if sold is None:
        return None
    read = gpu.visible_memory_bytes if gpu else None
    seen = min(sold, read if read is not None else int(sold * VISIBLE_SHARE_ASSUMED))
    free = [seen if device.free_bytes is None else min(seen, device.free_bytes) for device in devices]
    return seen, min(free), sold, read is None


def _shared(device: Device, host: Host) -> tuple[int, int, int, bool]:
    """The same for chips that share the machine's RAM: the smaller of the working set's limit and what is there now."""
    if device.working_set_from == "carve-out" and device.memory_bytes is not None:
        whole = device.memory_bytes
        return whole, min(whole, device.free_bytes or whole), whole, False
    limit = min(device.working_set_bytes or host.ram_bytes, host.ram_bytes)
    free = min(limit, host.ram_available_bytes) - SHARED_RESERVE_BYTES
    return limit, max(0, free), host.ram_bytes, device.working_set_bytes is None


def _rates(gpu: Gpu) -> dict[str, Any]:
    rates = ("bandwidth_bytes_per_s", "fp32_flops", "fp16_flops", "fp8_flops", "int8_ops", "fp4_flops")
    return {name: getattr(gpu, name) for name in (*rates, "unified", "compute_capability", "bf16", "form", "power_w")}
