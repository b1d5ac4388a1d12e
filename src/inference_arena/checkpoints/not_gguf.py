"""Opens a file that should be GGUF, and says what stands there instead when it is not."""

import difflib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from inference_arena.errors import BadFileError, NotFoundError

_MAGIC = b"GGUF"
_BUFFER_BYTES = 1024**2
_CONVERT = "a GGUF conversion of the model (its name usually ends in -GGUF)"


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its size; errors of the file system become ours, while it is open too."""
    _refuse_what_is_no_file(path)
    try:
        with path.open("rb", buffering=_BUFFER_BYTES) as file:
            yield file, path.stat().st_size
    except OSError as error:
        raise BadFileError(f"{path} cannot be read", why=error.strerror or str(error)) from error


def refuse_other_format(path: Path, *, start: bytes) -> None:
    """BadFileError unless the file begins as GGUF does; `start` are its first bytes."""
    if start.startswith(_MAGIC):
        return
    if not start:
        raise BadFileError(f"{path.name} is empty", try_="download it again")
    looks, try_ = _looks_like(start)
    raise BadFileError(
        f"{path.name} is not a GGUF file",
        why=f"it begins with {start[:16]!r}{looks and f': {looks}'}",
        try_=try_,
    )


def _looks_like(start: bytes) -> tuple[str, str]:
    """What the first bytes belong to, and the way from there to a GGUF file."""
    words = start.lstrip().lower()
    if words.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "a web page", "the address of the file itself, not of the page that shows it"
    if start.startswith(b"version https://git-lfs"):
        return "a Git-LFS pointer to the file, not the file", "git lfs pull, in the folder it came from"
    if start[8:10] == b'{"':
        return "a safetensors file", _CONVERT
    if start.startswith(b"PK\x03\x04"):
        return "a zip archive (a PyTorch file or a Python package)", f"unpack it, or name {_CONVERT}"
    if start.startswith((b"tjgg", b"fmgg", b"lmgg", b"algg")):
        return "a GGML file from before GGUF", "a newer conversion of the model"
    return "", "a file whose name ends in .gguf"


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        advice = _near_names(path) or "a GGUF file or the folder of a model, by its path; `arena run` alone needs none"
        raise NotFoundError(f"no file {path}", try_=advice) from error
    except (OSError, ValueError) as error:
        raise BadFileError(f"{path} cannot be read", why=getattr(error, "strerror", None) or str(error)) from error
    if stat.S_ISDIR(mode):
        raise BadFileError(f"{path} is a folder", why="a GGUF model is one file", try_=_files_in(path))
    if not stat.S_ISREG(mode):
        raise BadFileError(f"{path} is no regular file", why="a header is read only from files on disk")


def _near_names(path: Path) -> str:
    names = _names(path.parent)
    if names is None:
        return f"a folder that exists; {path.parent} does not"
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    near = near or [name for name in names if name.endswith(".gguf")][:3]
    return " or ".join(str(path.parent / name) for name in near)


def _files_in(folder: Path) -> str:
    models = [name for name in _names(folder) or [] if name.endswith(".gguf")][:3]
    return " or ".join(str(folder / name) for name in models) or "the path of a .gguf file"


def _names(folder: Path) -> list[str] | None:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return None
