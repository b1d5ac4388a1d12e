"""Names of PCI devices from the lists that an operating system brings along. Knows no driver.

pci.ids names a chip, and for most chips the one card that is made of it; libdrm's amdgpu.ids tells cards of one chip
apart by their revision.
"""

import re
from pathlib import Path

from inference_arena.hardware.files import read_text

_PCI_LISTS = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "usr/share/pci.ids")
_AMD_LISTS = ("usr/share/libdrm/amdgpu.ids", "opt/amdgpu/share/libdrm/amdgpu.ids")
_CARD = re.compile(r"\[(.+)\]$")


def pci_name(root: Path, *, vendor: str, device: str) -> str | None:
    """The card that pci.ids gives for 0x10de and 0x2204, such as GeForce RTX 3090; None where it is not listed."""
    for place in _PCI_LISTS:
        name = _listed(read_text(root / place) or "", vendor=vendor[2:].lower(), device=device[2:].lower())
        if name:
            card = _CARD.search(name)
            return card[1] if card else name
    return None


def amd_name(root: Path, *, device: str, revision: str) -> str | None:
    """The card that libdrm gives for 0x744c and 0xc8, such as AMD Radeon RX 7900 XTX; None where it is not listed."""
    wanted = (device[2:].upper(), revision[2:].upper())
    for place in _AMD_LISTS:
        for line in (read_text(root / place) or "").splitlines():
            cells = [cell.strip() for cell in line.split(",", 2)]
            if len(cells) == 3 and (cells[0].upper(), cells[1].upper()) == wanted:
                return cells[2] or None
    return None


def _listed(text: str, *, vendor: str, device: str) -> str | None:
    """The device's line below its vendor's: lines of vendors stand at the margin, of devices behind one tab."""
    _, found, below = f"\n{text}".partition(f"\n{vendor}  ")
    for line in below.splitlines()[1:] if found else ():
        if line and not line.startswith(("\t", "#")):
            return None
        if line.startswith(f"\t{device}  "):
            return line.partition("  ")[2].strip() or None
    return None
