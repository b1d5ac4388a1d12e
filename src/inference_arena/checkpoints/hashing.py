"""The hash by which a file is known, with progress, since it takes seconds for files of many gigabytes."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from inference_arena.errors import NotFoundError, StorageError

_CHUNK_BYTES = 1024**2


def file_sha256(path: Path, on_progress: Callable[[int, int], None] | None = None) -> str:
    """SHA-256 in hexadecimal. `on_progress` is told bytes hashed and bytes in all."""
    try:
        return _hash(path, on_progress or (lambda _done, _total: None))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", try_="correct the name; a GGUF file is wanted") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read", why=error.strerror or str(error)) from error


def _hash(path: Path, on_progress: Callable[[int, int], None]) -> str:
    digest, done_bytes, total_bytes = hashlib.sha256(), 0, path.stat().st_size
    chunk = memoryview(bytearray(_CHUNK_BYTES))
    with path.open("rb", buffering=0) as file:
        while read_bytes := file.readinto(chunk):
            digest.update(chunk[:read_bytes])
            done_bytes += read_bytes
            on_progress(done_bytes, total_bytes)
    return digest.hexdigest()
