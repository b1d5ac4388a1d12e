"""Tables of figures: ours, its limit, and the peers' on the same work. Printed as Markdown, so they can be kept."""

import argparse
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line. `limit` is what ours must keep: at most it, or at least it. None: unknown, or nothing to keep."""

    name: str
    unit: str
    ours: float | None
    limit: float | None = None
    sense: Literal["at most", "at least"] = "at most"
    peers: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def missed(self) -> bool:
        """Also when there is a limit and no figure: what was not measured was not kept."""
        if self.limit is None:
            return False
        if self.ours is None:
            return True
        return self.ours > self.limit if self.sense == "at most" else self.ours < self.limit


def number(value: float | None, *, digits: int = 3) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def ratio(ours: float | None, other: float | None) -> str:
    return "–" if ours is None or not other else number(ours / other)


def _row(figure: Figure, peers: Sequence[str]) -> list[str]:
    limit = "–" if figure.limit is None else f"{figure.sense} {number(figure.limit)}"
    cells = [figure.name, figure.unit, number(figure.ours), limit, ratio(figure.ours, figure.limit)]
    for peer in peers:
        theirs = figure.peers.get(peer)
        cells += [number(theirs), ratio(figure.ours, theirs)]
    return [*cells, "–" if figure.limit is None else "MISSED" if figure.missed else "kept"]


def show(title: str, figures: Sequence[Figure], *, peers: Sequence[str] = ()) -> None:
    head = ["figure", "unit", "ours", "limit", "ours/limit"]
    for peer in peers:
        head += [peer, f"ours/{peer}"]
    show_rows(title, [[*head, "verdict"], *(_row(figure, peers) for figure in figures)])


def show_rows(title: str, rows: Sequence[Sequence[str]]) -> None:
    """The first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    print(f"\n**{title}**\n\n" + "\n".join([lines[0], rule, *lines[1:]]), flush=True)


def say(line: str) -> None:
    """Progress and remarks, apart from the tables."""
    print(line, file=sys.stderr, flush=True)


def machine() -> str:
    """Where and when: stands above every table, since a figure without its machine means nothing."""
    load = psutil.getloadavg()[0]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    cores, memory = len(psutil.Process().cpu_affinity() or ()) if sys.platform == "linux" else None, _memory_gib()
    return (
        f"{now} · {_processor()} · {cores or psutil.cpu_count()} cores · {memory:.0f} GiB · {platform.system()} "
        f"{platform.release()} · Python {platform.python_version()} · load average before {load:.2f}"
    )


def _memory_gib() -> float:
    return float(psutil.virtual_memory().total / 2**30)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def parser(description: str | None, *, peers: bool = True) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    if peers:
        made.add_argument("--peers", choices=("none", "guidellm", "aiperf", "all"), default="all")
    return made


def finish(figures: Sequence[Figure], *, check: bool) -> int:
    """The exit code. Missed limits are named in any case."""
    missed = [figure.name for figure in figures if figure.missed]
    if missed:
        print(f"\nlimits missed: {'; '.join(missed)}")
    return 1 if check and missed else 0
