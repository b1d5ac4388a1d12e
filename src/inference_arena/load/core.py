"""The load process's place on the machine: a core of its own, and its turn on it at once. Knows no load.

Whatever else wants that core (a desktop, a backup, the kernel's own work) may keep it for a whole scheduler tick, 4 ms
on most Linux, and every answer whose bytes arrive meanwhile is read late together.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Final

OPTION: Final = "--cpu"


def keep_to_core(argv: Sequence[str]) -> bool:
    """`--cpu N`: a core that is shared with the engine makes this process wait its turn. True when it has its own."""
    if OPTION not in argv or not hasattr(os, "sched_setaffinity"):
        return False
    try:
        os.sched_setaffinity(0, {int(argv[argv.index(OPTION) + 1])})
    except OSError:  # the core may have been taken from us meanwhile
        return False
    return True


@contextlib.contextmanager
def going_first(own_core: bool) -> Iterator[None]:
    """Real-time priority for this thread where the system allows it (root, or a limit of rtprio); else no change.

    Only on a core that was set aside. An engine that computes there all the same (behind --url, or with threads for all
    cores) waits the few microseconds a token that the client takes, and not the client for the engine.
    """
    if not own_core or not hasattr(os, "sched_setscheduler"):
        yield
        return
    lowest = os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO))
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, lowest)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
