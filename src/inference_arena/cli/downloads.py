"""How to get a checkpoint's files to where a pasted command looks for them. Says nothing where no place is known."""

import re
import shlex
from typing import Final

from inference_arena.facts import Checkpoint

HERE: Final = "."
MOUNTED: Final = "~/models"  # never quoted: the shell fills it in


def named(card: Checkpoint) -> str:
    """What an engine is given: a name on the hub for folders, which it fetches by itself; a file for GGUF."""
    return card.repository if card.repository and card.format == "safetensors" else below(card)


def below(card: Checkpoint) -> str:
    """Its file or folder below the folder of models."""
    if card.format == "gguf":
        return _known_name(card) or f"{card.name}.gguf"
    return (card.repository or card.name).split("/")[-1]


def download(card: Checkpoint, *, mounted: bool) -> tuple[str, str] | None:
    """What a line fetches, and the line; `mounted`: for a container. None: nothing is to be fetched, or none knows it.

    Of most GGUF files the repository is known and the name is not: a pattern finds the file, and the person is told
    what the command calls it.
    """
    if card.format == "gguf":
        return _file(card, folder=MOUNTED if mounted else HERE)
    if not mounted or card.repository is None:
        return None
    folder = f"{MOUNTED}/{shlex.quote(below(card))}"
    return "get the files", f"hf download {shlex.quote(card.repository)} --local-dir {folder}"


def _file(card: Checkpoint, *, folder: str) -> tuple[str, str] | None:
    hub = card.file.hub if card.file else None
    if hub is not None:
        line = shlex.join(("hf", "download", hub.repository, hub.file, "--revision", hub.revision))
        return "get the file", f"{line} --local-dir {folder}"
    if card.repository is None:
        return None
    pattern = f"*{_either_case(card.quantization.removesuffix('_moe'))}*.gguf"  # publishers write MXFP4 alone
    line = shlex.join(("hf", "download", card.repository, "--include", pattern))
    return f"get the file, which the command calls {below(card)}", f"{line} --local-dir {folder}"


def _known_name(card: Checkpoint) -> str | None:
    hub = card.file.hub if card.file else None
    return None if hub is None else hub.file


def _either_case(text: str) -> str:
    """A glob of both cases: publishers write Q4_K_M and q4_k_m, and the hub's patterns tell them apart."""
    return re.sub(r"[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", text.lower())
