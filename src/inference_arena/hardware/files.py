"""Reads the small text files in which a kernel describes the machine. Unreadable is None, never an error."""

from pathlib import Path


def read_text(path: Path) -> str | None:
    """The stripped text of a file; None where there is none or it cannot be read."""
    try:
        return path.read_text("utf-8", errors="replace").strip("\0 \t\r\n")
    except (OSError, ValueError):
        return None


def read_int(path: Path) -> int | None:
    """The number that a file holds; None for "max", for other words and where there is no file."""
    try:
        return int(read_text(path) or "")
    except ValueError:
        return None


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def children(folder: Path, pattern: str) -> list[Path]:
    """Matching entries in order of name; empty where the folder is missing or closed to us."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
