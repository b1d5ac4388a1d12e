"""Keeps what a record was asked for, so that it can be launched again on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference_arena.store import Home, KeptCommand, keep_command

if TYPE_CHECKING:
    from inference_arena.record import Record
    from inference_arena.run import Asked

PATHS: Final = ("model", "program", "trace", "data")


def keep(home: Home, record: "Record", asked: "Asked", *, sample_every_s: float) -> None:
    """Beside every record of `arena run`, with paths that hold wherever the next command is typed."""
    from inference_arena.run import scrub_argv  # noqa: PLC0415 - heavy

    if record.retry_of is not None:  # what it was launched with is what mended it, not what was asked
        return
    flags = scrub_argv(asked.flags)
    found = {name: str(Path(value).resolve()) for name in PATHS if (value := getattr(asked, name)) and _is_path(value)}
    kept = asked.model_copy(update={**found, "flags": flags})
    document = kept.model_dump(mode="json", exclude_defaults=True)
    keep_command(
        home,
        record.id,
        KeptCommand(asked=document, sample_every_s=sample_every_s, held_a_key=flags != tuple(asked.flags)),
    )


def _is_path(text: str) -> bool:
    return Path(text).expanduser().exists()
