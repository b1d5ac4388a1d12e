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
def measuring_lock(home: Home, *, what: str = "") -> Iterator[None]:
    """Held while a run measures `what`; raises ArenaError, which names the holder, when another of this home does."""
    with signed_lock(
        home.lock_path,
        busy="another run is measuring on this machine",
        try_="wait for it, or --together to go on beside it, which moves the numbers of both",
        what=f"measures {what}" if what else "",
    ):
        yield


@contextmanager
def signed_lock(path: Path, *, busy: str, try_: str, what: str = "") -> Iterator[None]:
    """Held by one process at a time; raises ArenaError(busy) that names the other one. The file stays.

    `what`: what its holder does, for others to read: a verb and its object.
    """
    make_folder(path.parent)
    with storage(f"{path} could not be locked"):
        handle = take_lock(path)
    if handle is None:
        raise ArenaError(busy, why=_holder(path), try_=try_)
    try:
        with storage(f"{path} could not be written"):
            _sign(handle, what)
        yield
    finally:
        os.close(handle)


def _sign(handle: int, what: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {time.strftime('%H:%M')} {what}\n".encode(errors="replace"), 0)


def _holder(path: Path) -> str:
    """The process, since when, and what it does, as it signed itself; one that has not signed yet stays unknown."""
    try:
        pid, since, *what = path.read_text("utf-8", errors="replace").split(maxsplit=2)
    except (OSError, ValueError):
        return "another process holds the lock"
    return f"pid {pid} since {since}" + (f" {what[0].strip()}" if what else "")
