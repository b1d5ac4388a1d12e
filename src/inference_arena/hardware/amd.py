"""AMD's accelerators: memory, power and clocks by the kernel's files, names and limits by amd-smi or rocm-smi.

Never tried on real hardware: written after the kernel's amdgpu documentation and outputs that others recorded. The
tools count in MB and mean MiB: amd-smi gives 196592 MB for an MI300X of 192 GiB. The link that the kernel shows for a
Radeon is the one inside the card, so the slot's is left unknown.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_arena.facts import Device
from inference_arena.hardware.files import children, exists, read_int, read_text
from inference_arena.hardware.names import amd_name
from inference_arena.hardware.pci import display_attached, slot, watts
from inference_arena.hardware.tools import Run, amount, part, read_json, rows, whole, words

# processors sold for running models from shared memory: Strix Halo (Radeon 8050S, 8060S)
_UNIFIED = {"0x1586": "Strix Halo"}
_SHARED = "it shares the machine's RAM"
_MIB = 1024**2
_PLAIN_VERSION = re.compile(r"\d+(?:\.\d+)+")
_LEVEL = re.compile(r"^\d+:\s*(\d+)\s*mhz", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a tool says of one card."""

    slot: str | None
    name: str | None = None
    memory_bytes: int | None = None
    target: str | None = None
    driver_version: str | None = None
    power_limit_w: float | None = None
    pcie_generation_max: int | None = None
    pcie_width_max: int | None = None


def is_accelerator(folder: Path) -> bool:
    """False for graphics inside a processor: the driver shows a power cap for cards only."""
    return _is_card(folder) or _unified_name(folder) is not None


def ask_tools(run: Run) -> tuple[Told, ...]:
    """Every card that amd-smi knows, else rocm-smi; empty where neither is there or answers."""
    static = read_json(run(("amd-smi", "static", "--json")))
    # releases before ROCm 7 print the bare list
    cards = rows(part(static, "gpu_data") if isinstance(static, dict) else static)
    return tuple(_from_amd_smi(card) for card in cards) or _ask_rocm_smi(run)


def amd_device(folder: Path, *, root: Path, index: int, told: tuple[Told, ...]) -> Device:
    """One device by its files, and by what the tools told of the card in its slot."""
    if not is_accelerator(folder):
        loaded = exists(folder / "driver") or read_int(folder / "mem_info_vram_total") is not None
        return Device(index=index, vendor="amd", reason_unread=_SHARED if loaded else "no driver is loaded for it")
    here = next((card for card in told if card.slot == slot(folder)), None)
    card = here or (told[0] if len(told) == 1 and told[0].slot is None else Told(slot=None))
    memory = _unified_memory(folder) if _unified_name(folder) else _own_memory(folder, card)
    return Device(
        index=index,
        vendor="amd",
        name=_name(folder, root=root, told=card),
        driver_version=card.driver_version or _version(read_text(root / "sys/module/amdgpu/version")),
        runtime_version=_version(read_text(root / "opt/rocm/.info/version")),
        target=card.target or _target(root, slot(folder)),
        power_limit_w=watts(folder, "power1_cap") or card.power_limit_w,
        power_limit_default_w=watts(folder, "power1_cap_default"),
        pcie_generation_max=card.pcie_generation_max,
        pcie_width_max=card.pcie_width_max,
        display_attached=display_attached(folder),
        reason_unread=None if exists(folder / "driver") or memory else "no driver is loaded for it",
        **memory,
        **_clocks(folder),
    )


def _is_card(folder: Path) -> bool:
    # Instinct cards are of a PCI class of their own, and show no cap to virtual machines
    is_instinct = (read_text(folder / "class") or "").startswith("0x12")
    return is_instinct or bool(children(folder, "hwmon/hwmon*/power1_cap"))


def _unified_name(folder: Path) -> str | None:
    return _UNIFIED.get(read_text(folder / "device") or "")


def _name(folder: Path, *, root: Path, told: Told) -> str | None:
    device, revision = read_text(folder / "device") or "", read_text(folder / "revision") or ""
    listed = amd_name(root, device=device, revision=revision)
    return words(read_text(folder / "product_name")) or listed or told.name or _unified_name(folder)


def _own_memory(folder: Path, told: Told) -> Mapping[str, Any]:
    total, used = read_int(folder / "mem_info_vram_total"), read_int(folder / "mem_info_vram_used")
    if total is None:
        return {"memory_bytes": told.memory_bytes} if told.memory_bytes else {}
    return {"memory_bytes": total, "free_bytes": None if used is None else max(0, total - used)}


def _unified_memory(folder: Path) -> Mapping[str, Any]:
    """The larger of its two pools: the part of RAM set aside at start-up, or the part that it may borrow (GTT).

    A pool set aside is no longer RAM for anyone else, so it counts as memory of the device's own, with what is free.
    """
    aside, borrowed = read_int(folder / "mem_info_vram_total"), read_int(folder / "mem_info_gtt_total")
    if aside is not None and aside >= (borrowed or 0):
        own = _own_memory(folder, Told(slot=None))
        return {"unified": True, "working_set_bytes": aside, "working_set_from": "carve-out", **own}
    if borrowed is None:
        return {"unified": True}
    return {"unified": True, "working_set_bytes": borrowed, "working_set_from": "gtt"}


def _clocks(folder: Path) -> Mapping[str, Any]:
    """freq1 is the shader clock and freq2 the memory clock, in Hz; the tables of levels are in MHz, fastest last."""
    now = [next(map(read_int, children(folder, f"hwmon/hwmon*/freq{number}_input")), None) for number in (1, 2)]
    tables = [_LEVEL.findall(read_text(folder / name) or "") for name in ("pp_dpm_sclk", "pp_dpm_mclk")]
    most = [max(map(int, levels)) * 1e6 if levels else None for levels in tables]
    return {
        "sm_clock_hz": None if now[0] is None else float(now[0]),
        "memory_clock_hz": None if now[1] is None else float(now[1]),
        "sm_clock_max_hz": most[0],
        "memory_clock_max_hz": most[1],
    }


def _target(root: Path, place: str | None) -> str | None:
    """What programs are compiled for, such as gfx1100, by the kernel's compute topology: 110000 there."""
    for node in children(root / "sys/class/kfd/kfd/topology/nodes", "*/properties"):
        lines = (line.partition(" ") for line in (read_text(node) or "").splitlines())
        said = {name: int(value) for name, _, value in lines if value.isdecimal()}
        number = said.get("gfx_target_version", 0)
        if number and place is not None and place == _place(said):
            return f"gfx{number // 10_000}{number // 100 % 100:x}{number % 100:x}"
    return None


def _place(said: Mapping[str, int]) -> str:
    """A PCI slot from its domain and its number: eight bits of bus, five of device, three of function."""
    number = said.get("location_id", 0)
    return f"{said.get('domain', 0):04x}:{number >> 8:02x}:{number >> 3 & 31:02x}.{number & 7}"


def _from_amd_smi(card: Mapping[str, Any]) -> Told:
    # before and since ROCm 7.1
    limit = part(card, "limit", "socket_power") or part(card, "limit", "ppt0", "socket_power_limit")
    size = amount(part(card, "vram", "size"))
    generation = re.search(r"\d+", words(part(card, "bus", "pcie_interface_version")) or "")
    return Told(
        slot=words(part(card, "bus", "bdf")),
        name=words(part(card, "asic", "market_name")),
        memory_bytes=None if not size else int(size) * _MIB,
        target=words(part(card, "asic", "target_graphics_version")),
        driver_version=_version(words(part(card, "driver", "version"))),
        power_limit_w=amount(limit) or None,
        pcie_generation_max=int(generation[0]) if generation else None,
        pcie_width_max=whole(part(card, "bus", "max_pcie_width")) or None,
    )


def _ask_rocm_smi(run: Run) -> tuple[Told, ...]:
    asked = ("--showproductname", "--showbus", "--showmeminfo", "vram", "--showmaxpower", "--showdriverversion")
    answer = read_json(run(("rocm-smi", *asked, "--json")))
    cards = [(name, card) for name, card in answer.items()] if isinstance(answer, dict) else []
    version = _version(words(part(answer, "system", "Driver version")))
    return tuple(
        _from_rocm_smi(card, version) for name, card in cards if name.startswith("card") and isinstance(card, dict)
    )


def _from_rocm_smi(card: Mapping[str, Any], version: str | None) -> Told:
    series = words(card.get("Card Series")) or words(card.get("Card series"))
    return Told(
        slot=(words(card.get("PCI Bus")) or "").lower() or None,
        name=None if series and series.startswith("0x") else series,
        memory_bytes=whole(card.get("VRAM Total Memory (B)")) or None,
        target=words(card.get("GFX Version")),
        driver_version=version,
        power_limit_w=amount(card.get("Max Graphics Package Power (W)")) or None,
    )


def _version(text: str | None) -> str | None:
    """The leading number; amd-smi prints the whole line of the kernel for the driver inside it, builder and all."""
    found = _PLAIN_VERSION.search((text or "").partition("(")[0])
    return found[0] if found else None
