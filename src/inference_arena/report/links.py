"""How cards reach each other, in words. Knows hosts, no terminal."""

from collections.abc import Iterator
from typing import Final

from inference_arena import units
from inference_arena.facts import Host, Link, Way

_WAYS: Final[dict[Way, str]] = {
    "nvlink": "NVLink",
    "board": "on one board",
    "pcie-switch": "PCIe through one switch",
    "pcie-switches": "PCIe through several switches",
    "pcie-host": "PCIe through the processor",
    "same-node": "PCIe through the processor's own links",
    "other-node": "PCIe through another processor or memory node",
}
_ACCESS: Final = {True: "each reads the other's memory", False: "no direct access to the other's memory", None: None}


def link_rows(host: Host) -> Iterator[tuple[str, str]]:
    """One row a pair of cards."""
    return ((f"GPU {link.a} to {link.b}", link_said(link)) for link in host.links)


def link_said(link: Link) -> str:
    ways = (link.way, link.pcie_way if link.way == "nvlink" else None)
    named = [_WAYS[way] for way in ways if way is not None]
    count = f"{link.nvlinks} links up" if link.nvlinks is not None else None
    return ", ".join(part for part in (*named[:1], count, *named[1:], _ACCESS[link.peer_access]) if part) or units.DASH
