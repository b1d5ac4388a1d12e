"""Waiting for what other processes do, bounded, and asking whether one is gone."""

import time
from collections.abc import Callable
from pathlib import Path


def until(true: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, "did not happen in time"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """A zombie counts: whoever inherited it has not collected it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
