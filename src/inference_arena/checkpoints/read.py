"""The door: any model that is not in the catalogue, by a GGUF file, a folder or a hub id, read by its headers only."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from inference_arena.checkpoints.config import depth, read_config
from inference_arena.checkpoints.fields import Fields, parse_json
from inference_arena.checkpoints.folder import (
    CONFIG,
    INDEX,
    QUANTIZATION,
    config_of,
    json_of,
    tensors_of,
    total_bytes,
)
from inference_arena.checkpoints.gguf import read_gguf
from inference_arena.checkpoints.gguf_model import gguf_model
from inference_arena.checkpoints.hub import HubReader, is_hub_id
from inference_arena.checkpoints.quantized import Quantized, read_dtype, read_quantization
from inference_arena.checkpoints.split import whole_gguf
from inference_arena.checkpoints.weights import Weights, add_up
from inference_arena.errors import NotFoundError
from inference_arena.facts import Checkpoint, Model

_COMPUTED = "no weights are there: their size is computed from config.json, not read"


class ReadModel(NamedTuple):
    """A model, one checkpoint of it, and what could not be known or was not counted."""

    model: Model
    checkpoint: Checkpoint
    notes: tuple[str, ...]


def read_model(source: str | Path, *, hub: HubReader | None, today: date) -> ReadModel:
    """Reads what `source` names: a path that exists, else a hub id, for which `hub` is asked.

    Offline (`hub` is None) a hub id is a NotFoundError. Raises BadFileError for files that do not say what they must.
    """
    path = Path(source)
    if path.is_dir():
        return _folder(path, today=today)
    text = str(source)
    if path.exists() or text.endswith(".gguf") or not is_hub_id(text):
        return _file(path, today=today)
    if hub is None:
        raise NotFoundError(
            f"no model, folder or file is called {text!r}",
            why="it has the form of a name on the model hub, which is not asked",
            try_="a model of the catalogue, a folder with its config.json, or a .gguf file",
        )
    return _hub(text, hub)


def _file(path: Path, *, today: date) -> ReadModel:
    header, files = whole_gguf(read_gguf(path), path)
    model, checkpoint = gguf_model(header, file=path.name, source=f"header of {path.name}", checked=today)
    notes = [] if checkpoint.weight_bytes else ["a tensor is of a type that is not known here: bytes are unknown"]
    notes += [f"the model lies in {files} files, which were added up"] if files > 1 else []
    return ReadModel(model, checkpoint, tuple(notes))


def _folder(path: Path, *, today: date) -> ReadModel:
    ggufs = sorted(path.glob("*.gguf"))
    if ggufs and not (path / CONFIG).exists():
        return _file(ggufs[0], today=today) if len(_first_parts(ggufs)) == 1 else _several(path, ggufs)
    whole = config_of(path)
    tensors = tensors_of(path)
    return _made(
        whole,
        name=path.resolve().name or "model",
        source=f"{CONFIG} in {path.name}",
        quantized=read_quantization(whole, json_of(path, QUANTIZATION)),
        weights=None if tensors is None else add_up(tensors, depth=depth(whole)),
        total=total_bytes(json_of(path, INDEX)) if tensors is None else None,
        checked=today,
    )


def _first_parts(paths: list[Path]) -> list[Path]:
    """Files that are no later part of a split model."""
    return [path for path in paths if "-of-" not in path.name or "-00001-of-" in path.name]


def _several(folder: Path, paths: list[Path]) -> ReadModel:
    raise NotFoundError(
        f"{folder} holds several models",
        why=f"there are {len(paths)} GGUF files and no {CONFIG}",
        try_=" or ".join(str(path) for path in paths[:3]),
    )


def _hub(repository: str, hub: HubReader) -> ReadModel:
    copy = hub.read(repository)
    whole = parse_json(copy.config.encode(), file=f"{repository}/{CONFIG}")
    beside = copy.quantization and parse_json(copy.quantization.encode(), file=f"{repository}/{QUANTIZATION}")
    made = _made(
        whole,
        name=repository.rpartition("/")[2].lower(),
        source=f"{repository} on the model hub, read {copy.read}",
        quantized=read_quantization(whole, beside or None),
        weights=copy.weights,
        total=copy.total_bytes,
        checked=copy.read,
    )
    return made._replace(checkpoint=made.checkpoint.model_copy(update={"repository": repository}))


def _made(
    whole: Fields,
    *,
    name: str,
    source: str,
    quantized: Quantized,
    weights: Weights | None,
    total: int | None,
    checked: date,
) -> ReadModel:
    model, notes = read_config(whole, name=name, source=source, checked=checked)
    bare = Checkpoint(
        name=name,
        title=name,
        model=name,
        format="safetensors",
        quantization=quantized.quantization,
        quantized=quantized.quantized,
        dtype=read_dtype(whole),
        weight_bytes=total if weights is None else weights.parts.total_bytes,
        parts=None if weights is None else weights.parts,
        source=source,
        checked=checked,
    )
    checkpoint = replace(quantized, bits=_bits(quantized, bare)).into(bare)
    if weights is None:
        return ReadModel(model, checkpoint, (*notes, *([] if total else [_COMPUTED])))
    if quantized.quantization == "none":
        model, notes = _exact(model, weights, notes)
    return ReadModel(model, checkpoint, notes)


def _bits(quantized: Quantized, checkpoint: Checkpoint) -> float | None:
    """Unquantized weights have the bits of their type."""
    return 32.0 if quantized.quantization == "none" and checkpoint.dtype == "float32" else quantized.bits


def _exact(model: Model, weights: Weights, notes: tuple[str, ...]) -> tuple[Model, tuple[str, ...]]:
    """Parameters as the headers have them, towers and all; a head that is tied and stored again counts once."""
    twice = weights.head_elements if model.tied_embeddings else 0
    parameters = weights.elements - twice
    more = parameters - model.parameters
    active = None if model.active_parameters is None else model.active_parameters + more - weights.beside_elements
    exact = model.model_copy(
        update={"parameters": parameters, "other_parameters": weights.beside_elements, "active_parameters": active}
    )
    return exact, tuple(note for note in notes if "not counted" not in note)
