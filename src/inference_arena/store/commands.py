"""How each record of this machine was asked for, so that it can be launched again. Never exported, never shared.

What is kept names folders of this machine. A key is not: its place is taken by nothing, and the command says so.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from inference_arena.facts import Fact
from inference_arena.store.files import make_folder, storage, whole_file
from inference_arena.store.home import Home
from inference_arena.store.records import checked_id

PRIVATE = 0o600


class KeptCommand(Fact):
    """`asked`: what `arena run` was asked for, parsed. `held_a_key`: it cannot be run again, as keys are not kept."""

    asked: dict[str, Any]
    sample_every_s: float
    held_a_key: bool = False


class Turns(Fact):
    """Launches that a comparison has had by now: number of the side, and the record's id."""

    done: tuple[tuple[int, str], ...] = Field(default=())


def _path(home: Home, record_id: str) -> Path:
    return home.root / "commands" / f"{checked_id(record_id)}.json"


def keep_command(home: Home, record_id: str, command: KeptCommand) -> None:
    _write(_path(home, record_id), command)


def read_command(home: Home, record_id: str) -> KeptCommand | None:
    """None where nothing was kept: the record is from elsewhere, or older than commands that are kept."""
    try:
        return KeptCommand.model_validate_json(_path(home, record_id).read_bytes())
    except (OSError, ValidationError):
        return None


def forget_command(home: Home, record_id: str) -> None:
    with storage(f"the command of {record_id} could not be removed"):
        _path(home, record_id).unlink(missing_ok=True)


def turns_path(home: Home, sides: Sequence[Sequence[str]], *, times: int) -> Path:
    """One file for each comparison that is under way: the same sides, as many launches of each."""
    key = hashlib.sha256(json.dumps([sides, times]).encode()).hexdigest()[:16]
    return home.root / "comparisons" / f"{key}.json"


def load_turns(path: Path) -> Turns:
    try:
        return Turns.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Turns()


def save_turns(path: Path, turns: Turns) -> None:
    _write(path, turns)


def _write(path: Path, value: Fact) -> None:
    """All of it or the old one, for nobody else to read; raises StorageError."""
    make_folder(path.parent)
    with storage(f"{path} could not be written"), whole_file(path) as file:
        Path(file.name).chmod(PRIVATE)
        file.write(value.model_dump_json(indent=1).encode())
