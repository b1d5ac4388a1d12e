"""Asks the model hub, through its own library: config.json, and headers of safetensors by range requests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

from huggingface_hub import HfApi, get_session, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

# Both are in its documentation; its type stubs leave them out
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from inference_arena.checkpoints.config import depth
from inference_arena.checkpoints.fields import MAX_JSON_BYTES, Fields, parse_json
from inference_arena.checkpoints.folder import CONFIG, INDEX, QUANTIZATION, SINGLE, total_bytes, weight_files
from inference_arena.checkpoints.hub import HubCopy
from inference_arena.checkpoints.weights import Tensor, add_up
from inference_arena.errors import ArenaError, NotFoundError

_AT_ONCE = 8
_OFFLINE: Final = (
    "a model of the catalogue, a folder with its config.json, or a .gguf file: none of these needs a network"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    repository: str
    endpoint: str | None
    token: str | None
    timeout_s: float

    def small_file(self, name: str) -> str | None:
        """A text file of the repository, of bounded size; None where it has no such file."""
        url = hf_hub_url(self.repository, name, endpoint=self.endpoint)
        headers = {**build_hf_headers(token=self.token), "range": f"bytes=0-{MAX_JSON_BYTES - 1}"}
        response = get_session().get(url, headers=headers, timeout=self.timeout_s, follow_redirects=True)
        try:
            hf_raise_for_status(response)
        except EntryNotFoundError:
            return None
        content: bytes = response.content
        return content.decode("utf-8", errors="replace")

    def tensors(self, files: list[str]) -> list[Tensor] | None:
        """Every tensor of all files; None where one of them is not there."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            read = list(pool.map(self._header, files))
        if any(part is None for part in read):
            return None
        return [tensor for part in read if part is not None for tensor in part]

    def _header(self, name: str) -> list[Tensor] | None:
        api = HfApi(endpoint=self.endpoint, token=self.token)
        try:
            found = api.parse_safetensors_file_metadata(self.repository, name, timeout=self.timeout_s)
        except EntryNotFoundError:
            return None
        sizes = ((key, one.parameter_count, one.data_offsets) for key, one in found.tensors.items())
        return [Tensor(name=key, elements=count, size_bytes=place[1] - place[0]) for key, count, place in sizes]


def ask_hub(repository: str, *, endpoint: str | None, token: str | None, timeout_s: float, today: date) -> HubCopy:
    """What the hub says of a model now; each request has `timeout_s` to be answered."""
    with _hub_errors(repository):
        return _ask(_Asker(repository=repository, endpoint=endpoint, token=token, timeout_s=timeout_s), today=today)


def _ask(asker: _Asker, *, today: date) -> HubCopy:
    config = asker.small_file(CONFIG)
    if config is None:
        raise NotFoundError(
            f"{asker.repository} on the model hub has no {CONFIG}",
            why="it holds no model for vLLM or SGLang, perhaps GGUF files",
            try_="download one .gguf file of it, and name that file",
        )
    layers = depth(parse_json(config.encode(), file=f"{asker.repository}/{CONFIG}"))
    index = _parsed(asker, INDEX)
    tensors = asker.tensors(weight_files(index) or [SINGLE])
    return HubCopy(
        repository=asker.repository,
        config=config,
        quantization=asker.small_file(QUANTIZATION),
        weights=None if tensors is None else add_up(tensors, depth=layers),
        total_bytes=total_bytes(index),
        read=today,
    )


def _parsed(asker: _Asker, name: str) -> Fields | None:
    text = asker.small_file(name)
    return None if text is None else parse_json(text.encode(), file=f"{asker.repository}/{name}")


@contextmanager
def _hub_errors(repository: str) -> Iterator[None]:
    """The library's errors in our words."""
    try:
        yield
    except ArenaError:
        raise
    except GatedRepoError as error:
        raise ArenaError(
            f"{repository} is gated on the model hub",
            why="its owner wants an account that has accepted the terms",
            try_="accept them on its page, then set HF_TOKEN to a token of that account",
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise NotFoundError(
            f"no {repository} on the model hub",
            why="there is none of that name, or it is private",
            try_="correct the name, or set HF_TOKEN for a private one",
        ) from error
    except OfflineModeIsEnabled as error:
        raise _unread(repository, "HF_HUB_OFFLINE is set") from error
    # The library's HTTP client has had two names, so its errors cannot be named here
    except Exception as error:
        raise _unread(repository, " ".join(str(error).split())[:200] or type(error).__name__) from error


def _unread(repository: str, why: str) -> ArenaError:
    return ArenaError(f"{repository} could not be read off the model hub", why=why, try_=_OFFLINE)
