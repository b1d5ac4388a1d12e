"""Accelerators by the kernel's PCI files: which there are, where they sit, what stands beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from inference_arena.hardware.files import children, read_int, read_text

_VENDORS: dict[str, Literal["nvidia", "amd", "intel"]] = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
# PCI base classes: 03 display controller, 12 processing accelerator (AMD Instinct)
_PCI_CLASSES = ("0x03", "0x12")


def pci_folders(root: Path) -> Iterator[Path]:
    """Graphics cards of the kernel's list, then PCI devices of such a class without a driver, each once."""
    seen: set[str | None] = set()
    cards = [card / "device" for card in children(root / "sys/class/drm", "card[0-9]*") if card.name[4:].isdecimal()]
    pci = children(root / "sys/bus/pci/devices", "*")
    for folder in [*cards, *(f for f in pci if (read_text(f / "class") or "").startswith(_PCI_CLASSES))]:
        place = slot(folder)
        if place is None or place not in seen:
            yield folder
        seen.add(place)


def vendor(folder: Path) -> Literal["nvidia", "amd", "intel"] | None:
    return _VENDORS.get(read_text(folder / "vendor") or "")


def slot(folder: Path) -> str | None:
    """Where the device sits, such as 0000:03:00.0; None where it is no PCI device."""
    lines = (read_text(folder / "uevent") or "").splitlines()
    return next((line.removeprefix("PCI_SLOT_NAME=") for line in lines if line.startswith("PCI_SLOT_NAME=")), None)


def display_attached(folder: Path) -> bool | None:
    """Whether a display hangs on one of the card's sockets; None where the kernel lists no sockets."""
    connectors = children(folder.parent.parent, f"{folder.parent.name}-*/status")
    said = [read_text(connector) for connector in connectors]
    return "connected" in said if said else None


def watts(folder: Path, name: str) -> float | None:
    """A power limit of the card's sensor files, which count in microwatts."""
    read = (read_int(path) for path in children(folder, f"hwmon/hwmon*/{name}"))
    return next((limit / 1e6 for limit in read if limit is not None and limit > 0), None)
