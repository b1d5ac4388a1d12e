"""Locks that the kernel frees when their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference_arena.errors import ArenaError
from inference_arena.store.files import make_folder, storage
from inference_arena.store.home import Home


def take_lock(path: Path) -> int | None:
    """The handle that holds the lock until it is closed; None when another process holds it.

    The handle is not inherited by programs started later, but a bare fork shares it: such a child keeps the lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def measuring_lock(home: Home) -> Iterator[None]:
    """Held while a run measures; raises ArenaError when another run of this home does."""
    with signed_lock(
        home.lock_path,
        busy="another run is measuring on this machine",
        try_="wait for it, or --together to go on beside it, which moves the numbers of both",
    ):
        yield


@contextmanager
def signed_lock(path: Path, *, busy: str, try_: str) -> Iterator[None]:
    """Held by one process at a time; raises ArenaError(busy) that names the other one. The file stays."""
    make_folder(path.parent)
    with storage(f"{path} could not be locked"):
        handle = take_lock(path)
    if handle is None:
        raise ArenaError(busy, why=_holder(path), try_=try_)
    try:
        with storage(f"{path} could not be written"):
            _sign(handle)
        yield
    finally:
        os.close(handle)


def _sign(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {time.strftime('%H:%M')}\n".encode(), 0)


def _holder(path: Path) -> str:
    """The process and since when, as it signed itself; a holder that has not signed yet stays unknown."""
    try:
        pid, since = path.read_text("ascii").split()
    except (OSError, ValueError):
        return "another process holds the lock"
    return f"pid {pid} since {since}"
