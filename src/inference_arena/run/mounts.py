"""Which of a model's files a container must see, and where it finds them. Reads links; mounts nothing.

A snapshot folder of the Hugging Face cache holds only links to files that lie beside it. Links keep their words in the
container, so what they lead to must lie in the same place there as seen from the link.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from inference_arena.facts import Fact

INSIDE: Final = "/models"
HUB_INSIDE: Final = "/hub"
_PART: Final = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<parts>\d{5})\.gguf")


class Mount(Fact):
    """A file or folder here, and its path in the container, where it can only be read unless it is `writable`."""

    source: str
    target: str
    writable: bool = False


class Shown(Fact):
    """All that is mounted, and the model's own path in the container."""

    mounts: tuple[Mount, ...]
    model: str


def show_model(model: Path) -> Shown:
    """A file is shown alone (of a split GGUF file, with its other parts); a folder with what its links lead to."""
    if not model.is_dir():
        files = tuple(Mount(source=str(part.resolve()), target=f"{INSIDE}/{part.name}") for part in _parts(model))
        return Shown(mounts=files, model=f"{INSIDE}/{model.name}")
    folder = Path(os.path.realpath(model))
    links = tuple(_leading_out(folder))
    beside = [place for place, absolute, _ in links if not absolute]
    top = Path(os.path.commonpath([folder.parent if not beside else folder, *(place.parent for place in beside)]))
    kept = {place: (str(place) if absolute else _below(top, place), real) for place, absolute, real in links}
    mounts = (
        Mount(source=str(folder), target=_below(top, folder)),
        *(Mount(source=real, target=target) for target, real in kept.values()),
    )
    return Shown(mounts=mounts, model=_below(top, folder))


def show_hub_cache(name: str) -> Shown:
    """A model on the hub: the engine fetches it into this machine's cache, and finds it there the next time."""
    cache = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    cache.mkdir(parents=True, exist_ok=True)
    return Shown(mounts=(Mount(source=str(cache.resolve()), target=HUB_INSIDE, writable=True),), model=name)


def _below(top: Path, place: Path) -> str:
    return str(Path(INSIDE) / place.relative_to(top))


def _parts(file: Path) -> tuple[Path, ...]:
    match = _PART.fullmatch(file.name)
    if match is None:
        return (file,)
    return tuple(sorted(file.parent.glob(f"{match['stem']}-*-of-{match['parts']}.gguf"))) or (file,)


def _leading_out(folder: Path) -> Iterator[tuple[Path, bool, str]]:
    """Of each link out of the folder: the place that it names, whether as an absolute path, and what is there."""
    for at, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            link = Path(at, name)
            if not link.is_symlink() or not link.exists():
                continue
            words = link.readlink()
            place = Path(os.path.normpath(link.parent / words))
            if words.is_absolute() or not place.is_relative_to(folder):
                yield place, words.is_absolute(), os.path.realpath(link)
