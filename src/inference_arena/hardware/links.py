"""How NVIDIA's cards of one machine reach each other, by their driver's library. Each number is asked for by itself."""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from types import MappingProxyType
from typing import Any, Final, TypeVar

from inference_arena.facts import Link, Way

Answer = TypeVar("Answer")

# the nearest thing that both cards hang on (nvml.h, nvmlGpuTopologyLevel_t)
_WAYS: Final = MappingProxyType(
    {0: "board", 10: "pcie-switch", 20: "pcie-switches", 30: "pcie-host", 40: "same-node", 50: "other-node"}
)
_READ, _NVLINK, _OK = 0, 2, 0  # nvml.h, nvmlGpuP2PCapsIndex_t; the Python library has the first one as a tuple
_MOST_NVLINKS = 36


def read_links(*, nvml: Callable[[], Any]) -> tuple[Link, ...]:
    """Every pair of cards; none where there is no driver, or a single card."""
    library = _ask(nvml)
    if library is None:
        return ()
    try:
        count = _ask(lambda: int(library.nvmlDeviceGetCount())) or 0
        return tuple(_link(library, a, b) for a, b in combinations(range(count), 2))
    finally:
        _ask(library.nvmlShutdown)


def _link(nvml: Any, a: int, b: int) -> Link:
    one, other = (_ask(partial(nvml.nvmlDeviceGetHandleByIndex, index)) for index in (a, b))
    level = _ask(lambda: int(nvml.nvmlDeviceGetTopologyCommonAncestor(one, other)))
    by_nvlink = _can(nvml, one, other, _NVLINK)
    return Link(
        a=a,
        b=b,
        way="nvlink" if by_nvlink else _way(level),
        pcie_way=_way(level),
        peer_access=_can(nvml, one, other, _READ),
        nvlinks=_active(nvml, one) if by_nvlink else None,
    )


def _way(level: int | None) -> Way | None:
    return None if level is None else _WAYS.get(level)  # type: ignore[return-value]


def _can(nvml: Any, one: Any, other: Any, what: int) -> bool | None:
    status = _ask(lambda: int(nvml.nvmlDeviceGetP2PStatus(one, other, what)))
    return None if status is None else status == _OK


def _active(nvml: Any, handle: Any) -> int | None:
    """Links of the first card that are up, to the other card or to a switch that leads there."""
    states = [_ask(partial(nvml.nvmlDeviceGetNvLinkState, handle, link)) for link in range(_MOST_NVLINKS)]
    known = [state for state in states if state is not None]
    return sum(state == 1 for state in known) if known else None


def _ask(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except Exception:  # noqa: BLE001 - drivers fail in many ways, and each means: unknown
        return None
