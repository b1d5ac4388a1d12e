"""A model on the model hub: asked once, by its headers only, then kept in a folder and answered without a network.

Knows the copy that is kept. How the hub is asked is in hub_requests, whose library is heavy and comes in when needed.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from inference_arena.checkpoints.weights import Weights
from inference_arena.facts import Fact

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


class HubCopy(Fact):
    """What the hub said of one model. `weights` is None for a model without safetensors."""

    repository: str
    config: str
    quantization: str | None = None
    weights: Weights | None = None
    total_bytes: int | None = None
    read: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HubReader:
    """How to reach the hub, and where to keep what it says. `endpoint` and `token` are the library's own where None."""

    cache_dir: Path
    today: date
    timeout_s: float = 10.0
    endpoint: str | None = None
    token: str | None = None

    def read(self, repository: str) -> HubCopy:
        """The kept copy, else a fresh one; an ArenaError says why there is none and what to try."""
        kept = self._kept(repository)
        if kept is not None:
            return kept
        # its library takes a quarter of a second to import
        from inference_arena.checkpoints.hub_requests import ask_hub  # noqa: PLC0415

        fresh = ask_hub(
            repository, endpoint=self.endpoint, token=self.token, timeout_s=self.timeout_s, today=self.today
        )
        with suppress(OSError):  # a cache that cannot be written costs time, not the answer
            self.cache_dir.mkdir(parents=True, exist_ok=True)
            self._path(repository).write_text(fresh.model_dump_json(), "utf-8")
        return fresh

    def _kept(self, repository: str) -> HubCopy | None:
        with suppress(OSError, ValidationError):
            kept = HubCopy.model_validate_json(self._path(repository).read_bytes())
            return kept if kept.repository == repository else None
        return None

    def _path(self, repository: str) -> Path:
        return self.cache_dir / f"{repository.replace('/', '--')}.json"


def is_hub_id(text: str) -> bool:
    """True for a name of the hub's form, owner/name."""
    return _ID.fullmatch(text) is not None and ".." not in text and "--" not in text
