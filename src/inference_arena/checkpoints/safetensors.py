"""Reads the headers of safetensors files on disk: names, shapes and places of tensors. The weights are never read.

Layout by the format's description: 8 bytes of length, little-endian; that many bytes of JSON; the data.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from inference_arena import units
from inference_arena.checkpoints.fields import MAX_JSON_BYTES, Fields, parse_json
from inference_arena.checkpoints.weights import Tensor
from inference_arena.errors import BadFileError

MAX_FILES: Final = 1024
_LENGTH_BYTES = 8
_MAX_DIMENSIONS = 8
_MOST_ELEMENTS = 2**52


def read_safetensors(path: Path) -> list[Tensor]:
    """Every tensor of one file; BadFileError where the header is damaged or the file ends before its data."""
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if not 2 <= header_bytes <= min(MAX_JSON_BYTES, size_bytes - _LENGTH_BYTES):
                raise BadFileError(
                    f"{path.name} is not a safetensors file",
                    why=f"it says that its header has {header_bytes:,} bytes; the file has {units.size(size_bytes)}",
                    try_="download it again",
                )
            header = parse_json(file.read(header_bytes), file=path.name)
    except OSError as error:
        raise BadFileError(f"{path} cannot be read", why=error.strerror or str(error)) from error
    return list(_tensors(header, data_bytes=size_bytes - _LENGTH_BYTES - header_bytes))


def _tensors(header: Fields, *, data_bytes: int) -> Iterator[Tensor]:
    for name in header.values:
        if name == "__metadata__":
            continue
        tensor = header.section(name)
        if tensor is None:
            header.refuse(name, expected="a tensor's dtype, shape and data_offsets")
        yield Tensor(name=name, elements=_elements(tensor), size_bytes=_bytes(tensor, data_bytes=data_bytes))


def _elements(tensor: Fields) -> int:
    shape = tensor.items("shape", kind=int, most=_MAX_DIMENSIONS)
    if shape is None or any(not 0 <= one <= _MOST_ELEMENTS for one in shape) or math.prod(shape) > _MOST_ELEMENTS:
        tensor.refuse("shape", expected="a list of at most 8 sizes")
    return math.prod(shape)


def _bytes(tensor: Fields, *, data_bytes: int) -> int:
    place: Any = tensor.items("data_offsets", kind=int, most=2)
    if place is None or len(place) != 2 or not 0 <= place[0] <= place[1]:
        tensor.refuse("data_offsets", expected="where the tensor begins and ends")
    if place[1] > data_bytes:
        raise BadFileError(
            f"{tensor.file} is incomplete",
            why=f"its tensors need {units.size(place[1])} and {units.size(data_bytes)} are there",
            try_="download it again",
        )
    size: int = place[1] - place[0]
    return size
