"""Whether a path lies on a drive of Windows, by the kernel's list of mounts. Such a path is slow under WSL."""

import re
from pathlib import Path, PurePosixPath

from inference_arena.hardware.files import read_text

_OCTAL = re.compile(r"\\([0-7]{3})")


def read_mounts(root: Path = Path("/")) -> str:
    """The kernel's list of mounts; empty where there is none."""
    return read_text(root / "proc/mounts") or ""


def windows_mount(path: str, mounts: str) -> str | None:
    """The mount point of the Windows drive on which an absolute path without links lies; None where it lies elsewhere.

    WSL 1 mounts such drives as drvfs, WSL 2 as 9p with aname=drvfs or as virtiofs with a tag that begins with drvfs.
    The innermost mount decides: a Linux disk mounted below /mnt/c is no Windows drive.
    """
    place = PurePosixPath(path)
    lines = [line.split() for line in mounts.splitlines()]
    over = [line for line in lines if len(line) >= 4 and place.is_relative_to(_plain(line[1]))]
    # among mounts on one point the last hides the others
    inner = max(enumerate(over), key=lambda item: (len(PurePosixPath(_plain(item[1][1])).parts), item[0]), default=None)
    return _plain(inner[1][1]) if inner is not None and _is_windows(inner[1]) else None


def _is_windows(line: list[str]) -> bool:
    source, _, kind, options = line[:4]
    if kind == "9p":
        return "aname=drvfs" in re.split("[,;]", options)
    return kind == "drvfs" or (kind == "virtiofs" and source.startswith("drvfs"))


def _plain(text: str) -> str:
    """The kernel writes blanks and backslashes of names as octal numbers."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
