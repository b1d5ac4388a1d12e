"""How far a suite has come on this machine: the records of each item, and what was refused. One small file."""

import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from inference_arena.facts import Fact
from inference_arena.record import Failed, Record
from inference_arena.store.files import make_folder, storage, whole_file
from inference_arena.store.home import Home


class Refused(Fact):
    """An item that made no record, and why."""

    what: str
    why: str = ""
    try_: str = ""


class Progressed(Fact):
    """By item id: the records of its launches in order; and what was refused."""

    records: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    refused: dict[str, Refused] = Field(default_factory=dict)

    def launches(self, item: str) -> tuple[str, ...]:
        return self.records.get(item, ())


def progress_path(home: Home, suite: str) -> Path:
    return home.root / "suites" / f"{suite}.json"


def load_progress(path: Path, *, known: Container[str]) -> Progressed:
    """What was kept; records that are gone count as never made. A file that cannot be read counts as none."""
    try:
        kept = Progressed.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Progressed()
    there = {item: tuple(one for one in ids if one in known) for item, ids in kept.records.items()}
    return kept.model_copy(update={"records": there})


def with_record(done: Progressed, item: str, record: str) -> Progressed:
    refused = {key: value for key, value in done.refused.items() if key != item}
    return Progressed(records={**done.records, item: (*done.launches(item), record)}, refused=refused)


def with_refusal(done: Progressed, item: str, refused: Refused) -> Progressed:
    return done.model_copy(update={"refused": {**done.refused, item: refused}})


def save_progress(path: Path, done: Progressed) -> None:
    """All of it or the old one; raises StorageError."""
    make_folder(path.parent)
    with storage(f"{path} could not be written"), whole_file(path) as file:
        file.write(json.dumps(done.model_dump(mode="json"), indent=1).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRow:
    """One item with what came of it. `argv`: the command line behind `arena run`."""

    label: str
    argv: tuple[str, ...]
    records: tuple[Record, ...]
    refused: Refused | None = None

    @property
    def finished(self) -> tuple[Record, ...]:
        return tuple(record for record in self.records if record.outcome.kind == "finished")

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not work, why, and what to try: of each launch that failed, then what was refused."""
        ended = [record.outcome for record in self.records if isinstance(record.outcome, Failed)]
        said = [f"{failed.what}: {failed.why}. Try: {failed.advice}" for failed in ended]
        return (*said, *(() if self.refused is None else (_refusal(self.refused),)))


def _refusal(refused: Refused) -> str:
    why = f": {refused.why}" if refused.why else ""
    try_ = f" Try: {refused.try_}" if refused.try_ else ""
    return f"{refused.what}{why}.{try_}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """All items of a suite as far as they have come. `launches`: how many of each were meant."""

    name: str
    title: str
    about: str
    launches: int
    rows: tuple[SuiteRow, ...]
