"""Intel's cards: by xpu-smi, else by what the kernel's xe and i915 drivers put into files.

Never tried on real hardware: written after Intel's documentation of xpu-smi and outputs that others recorded. The
link that the kernel shows for an Arc is the one inside the card, so it is left unknown.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference_arena.facts import Device
from inference_arena.hardware.files import children, read_int, read_text
from inference_arena.hardware.names import pci_name
from inference_arena.hardware.pci import display_attached, slot, watts
from inference_arena.hardware.tools import Run, part, read_json, rows, whole, words

_NO_MEMORY = "neither xpu-smi nor the kernel tells its memory"


def is_card(folder: Path) -> bool:
    """Intel's integrated graphics sit on the first PCI bus; a card sits behind a bridge. Unknown is taken as no."""
    _, _, rest = (slot(folder) or "").partition(":")
    return bool(rest) and not rest.startswith("00:")


def ask_tool(run: Run) -> Mapping[str, Any]:
    """PCI slot -> what xpu-smi says of the card there; empty where it is not there or does not answer."""
    listed = rows(part(read_json(run(("xpu-smi", "discovery", "-j"))), "device_list"))
    cards = {words(card.get("pci_bdf_address")): whole(card.get("device_id")) for card in listed}
    found = {
        place: read_json(run(("xpu-smi", "discovery", "-d", str(number), "-j")))
        for place, number in cards.items()
        if place is not None and number is not None
    }
    return {place: answer for place, answer in found.items() if isinstance(answer, dict)}


def intel_device(folder: Path, *, root: Path, index: int, told: Mapping[str, Any]) -> Device:
    card = told.get(slot(folder) or "", {})
    total = whole(card.get("memory_physical_size_byte")) or _memory_bytes(folder)
    ecc = words(card.get("memory_ecc_state"))
    return Device(
        index=index,
        vendor="intel",
        name=words(card.get("device_name")) or _name(root, folder),
        memory_bytes=total,
        free_bytes=whole(card.get("memory_free_size_byte")),
        driver_version=words(card.get("driver_version")),
        power_limit_w=watts(folder, "power1_max"),
        power_limit_default_w=watts(folder, "power1_rated_max"),
        pcie_generation_max=whole(card.get("pcie_generation")) or None,
        pcie_width_max=whole(card.get("pcie_max_link_width")) or None,
        ecc=None if ecc is None else ecc == "enabled",
        display_attached=display_attached(folder),
        reason_unread=None if total else _NO_MEMORY,
    )


def _memory_bytes(folder: Path) -> int | None:
    """The xe driver tells it for each tile, with what it keeps for itself; i915 only in Intel's own builds of it."""
    tiles = [read_int(path) for path in children(folder, "tile*/physical_vram_size_bytes")]
    told = [size for size in tiles if size]
    return sum(told) or read_int(folder.parent / "lmem_total_bytes") or read_int(folder / "lmem_total_bytes")


def _name(root: Path, folder: Path) -> str | None:
    name = pci_name(root, vendor="0x8086", device=read_text(folder / "device") or "")
    return f"Intel {name}" if name else None
