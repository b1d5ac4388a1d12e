"""What a container may use of its machine: processor quota and memory limit of control groups, version 1 and 2.

A limit anywhere above a group binds it too, so every folder from the process's own group up to the root is asked and
the smallest answer counts. Inside a container the named folders are often absent; the root is then the container's.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from inference_arena.hardware.files import read_int, read_text


def cpu_quota_cores(root: Path) -> float | None:
    """Cores' worth of processor time allowed, such as 1.5; None where nothing limits it."""
    return _smallest(_quota_v2, _folders(root, "")) or _smallest(_quota_v1, _folders(root, "cpu"))


def memory_limit_bytes(root: Path) -> int | None:
    """The hard memory limit; None where nothing limits it."""
    limit = _smallest(_limit_v2, _folders(root, "")) or _smallest(_limit_v1, _folders(root, "memory"))
    return None if limit is None else int(limit)


def memory_left_bytes(root: Path) -> int | None:
    """What is left below the hard limit, counting file cache that can be dropped as free; None without a limit."""
    left_v2 = _smallest(_left_v2, _folders(root, ""))
    left = left_v2 if left_v2 is not None else _smallest(_left_v1, _folders(root, "memory"))
    return None if left is None else int(left)


def _smallest(ask: Callable[[Path], float | None], folders: Iterator[Path]) -> float | None:
    return min((answer for answer in map(ask, folders) if answer is not None), default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The control group folders of this process, innermost first. Version 2 is the controller without a name."""
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / controllers
        parts = [part for part in path.split("/") if part not in {"", "..", "."}]
        yield from (top.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))
        # Debian and others link "cpu" to "cpu,cpuacct"; some machines have only one of the two names
        yield from [root / "sys/fs/cgroup" / controller] if "," in controllers else []


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = (read_text(folder / "cpu.max") or "max").partition(" ")
    try:
        return int(quota) / int(period or 100_000)
    except (ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    quota_us, period_us = read_int(folder / "cpu.cfs_quota_us"), read_int(folder / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us and quota_us > 0 else None


def _limit_v2(folder: Path) -> float | None:
    return read_int(folder / "memory.max")


def _limit_v1(folder: Path) -> float | None:
    return read_int(folder / "memory.limit_in_bytes")


def _left_v2(folder: Path) -> float | None:
    used = read_int(folder / "memory.current")
    return _left(_limit_v2(folder), used, _statistic(folder, "inactive_file"))


def _left_v1(folder: Path) -> float | None:
    used = read_int(folder / "memory.usage_in_bytes")
    return _left(_limit_v1(folder), used, _statistic(folder, "total_inactive_file"))


def _left(limit: float | None, used: int | None, droppable: int) -> float | None:
    return None if limit is None or used is None else max(0.0, limit - used + droppable)


def _statistic(folder: Path, name: str) -> int:
    """One line of memory.stat; 0 where it is not told, which errs towards less memory left."""
    lines = (line.partition(" ") for line in (read_text(folder / "memory.stat") or "").splitlines())
    return next((int(value) for word, _, value in lines if word == name and value.isdecimal()), 0)
