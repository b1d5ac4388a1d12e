"""Reads a model's folder: config.json, and the headers of the weights as far as they are there."""

import stat
from pathlib import Path
from typing import Final

from inference_arena.checkpoints.fields import MAX_JSON_BYTES, Fields, parse_json
from inference_arena.checkpoints.safetensors import MAX_FILES, read_safetensors
from inference_arena.checkpoints.weights import Tensor
from inference_arena.errors import BadFileError, NotFoundError

CONFIG: Final = "config.json"
INDEX: Final = "model.safetensors.index.json"
SINGLE: Final = "model.safetensors"
QUANTIZATION: Final = "hf_quant_config.json"


def config_of(folder: Path) -> Fields:
    """Its config.json; NotFoundError tells what is there instead."""
    found = json_of(folder, CONFIG)
    if found is not None:
        return found
    names = sorted(path.name for path in folder.iterdir())[:5]
    raise NotFoundError(
        f"no {CONFIG} in {folder}",
        why=f"it holds {', '.join(names) or 'nothing'}",
        try_="the folder of a model, or the path of a .gguf file",
    )


def json_of(folder: Path, name: str) -> Fields | None:
    """One small JSON file of the folder; None where there is none."""
    path = folder / name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JSON_BYTES:
            raise BadFileError(f"{path} cannot be read", why=f"it is no file of at most {MAX_JSON_BYTES:,} bytes")
        return parse_json(path.read_bytes(), file=name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadFileError(f"{path} cannot be read", why=error.strerror or str(error)) from error


def tensors_of(folder: Path) -> list[Tensor] | None:
    """Every tensor of the folder's safetensors files; None where not all files of the model are there."""
    names = weight_files(json_of(folder, INDEX)) or [SINGLE]
    paths = [folder / name for name in names]
    if not all(path.is_file() for path in paths):
        return None
    return [tensor for path in paths for tensor in read_safetensors(path)]


def weight_files(index: Fields | None) -> list[str]:
    """The files that an index names, each a plain name in the same folder; none without an index."""
    if index is None:
        return []
    weights = index.section("weight_map")
    names = [] if weights is None else sorted({weights.text(tensor) or "" for tensor in weights.values})
    plain = all(name.endswith(".safetensors") and not set(name) & {"/", "\\", "\0"} for name in names)
    if not names or not plain or len(names) > MAX_FILES:
        index.refuse("weight_map", expected=f"tensors in at most {MAX_FILES:,} .safetensors files of this folder")
    return names


def total_bytes(index: Fields | None) -> int | None:
    """Bytes of all tensors, as an index has them; None where it does not say."""
    metadata = index.section("metadata") if index is not None else None
    return None if metadata is None else metadata.maybe("total_size", most=2**52)
