"""Reads the header of a GGUF file, versions 2 and 3: what the model is, and how long the file must be.

Layout by the GGUF specification (ggml's docs/gguf.md): magic, version, tensor count, metadata count, metadata,
tensor infos, padding to the alignment, tensor data. The weights themselves are never read.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inference_arena import units
from inference_arena.checkpoints.cursor import ARRAY, STRING, Cursor, Scalar
from inference_arena.checkpoints.ggml_types import FILE_TYPES, TENSOR_TYPES
from inference_arena.checkpoints.not_gguf import opened, refuse_other_format
from inference_arena.checkpoints.weights import Tensor
from inference_arena.errors import BadFileError

MAX_METADATA: Final = 65_536
MAX_TENSORS: Final = 1_000_000
_MAX_DIMENSIONS = 4
_MAX_ALIGNMENT = 1024**2
_DEFAULT_ALIGNMENT = 32
# Beyond what any machine holds, so that products of hostile numbers stay numbers of bytes
_MOST_BYTES = 2**60

_WANTED_STRINGS = frozenset({"general.architecture", "general.name", "general.license"})
_TEMPLATE = "tokenizer.chat_template"
_TOKENS = "tokenizer.ggml.tokens"
# Some numbers stand once for each layer
_MAX_LAYERS = 4096

Metadata = dict[str, Scalar | str | tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """What a GGUF file says of itself. `parameters` counts the elements of this file's tensors.

    `tensor_types` are names with the elements stored so, most first. A model split over several files has `files`
    above 1, and the counts are this file's alone. `metadata` are all its numbers by name, and arrays of at most one
    number a layer; the length of its vocabulary stands under the name of its tokens. `weights` is empty where a
    tensor is of a type whose size is not known.
    """

    version: int
    architecture: str | None
    name: str | None
    quantization: str | None
    parameters: int
    context_tokens: int | None
    layers: int | None
    license: str | None
    has_chat_template: bool
    tensors: int
    tensor_types: tuple[tuple[str, int], ...]
    weights: tuple[Tensor, ...]
    metadata: Metadata
    files: int
    file_bytes: int
    expected_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensors:
    """All tensor infos, added up: elements by type, and where the last one ends after the data's begin."""

    elements: Counter[str]
    weights: tuple[Tensor, ...]
    end_bytes: int


def read_gguf(path: Path) -> GgufHeader:
    """The header of a complete GGUF file; BadFileError says what it is instead, or what is missing of it."""
    with opened(path) as (file, size_bytes):
        refuse_other_format(path, start=file.read(64))
        file.seek(0)
        header = _read(Cursor(file, path=path, size_bytes=size_bytes))
    if header.file_bytes < header.expected_bytes:
        raise BadFileError(
            f"{path.name} is incomplete",
            why=f"it holds {_of(header.file_bytes, header.expected_bytes)}: the download broke off",
            try_="download it again",
        )
    return header


def _read(cursor: Cursor) -> GgufHeader:
    cursor.skip(4)
    version = _version(cursor)
    tensors = _bounded(cursor, cursor.u64(), limit=MAX_TENSORS, what="tensors")
    metadata = _metadata(cursor, _bounded(cursor, cursor.u64(), limit=MAX_METADATA, what="metadata entries"))
    alignment = _alignment(cursor, metadata)
    summed = _tensors(cursor, count=tensors, alignment=alignment)
    data_at = math.ceil(cursor.at / alignment) * alignment
    return _header(
        metadata,
        version=version,
        tensors=tensors,
        summed=summed,
        file_bytes=cursor.size_bytes,
        expected_bytes=data_at + summed.end_bytes if tensors else cursor.at,
    )


def _header(
    metadata: Metadata, *, version: int, tensors: int, summed: _Tensors, file_bytes: int, expected_bytes: int
) -> GgufHeader:
    architecture, elements = _text(metadata, "general.architecture"), summed.elements
    return GgufHeader(
        version=version,
        architecture=architecture,
        name=_text(metadata, "general.name"),
        quantization=quantization(_number(metadata, "general.file_type"), elements=elements),
        parameters=elements.total(),
        context_tokens=_number(metadata, f"{architecture}.context_length"),
        layers=_number(metadata, f"{architecture}.block_count"),
        license=_text(metadata, "general.license"),
        has_chat_template=_TEMPLATE in metadata,
        tensors=tensors,
        tensor_types=tuple(elements.most_common()),
        weights=summed.weights,
        metadata=metadata,
        files=_number(metadata, "split.count") or 1,
        file_bytes=file_bytes,
        expected_bytes=expected_bytes,
    )


def quantization(file_type: int | None, *, elements: Counter[str]) -> str | None:
    """The name that the file gives itself, where its tensors bear that out; else the type of most elements.

    None for a file without tensors: a bare vocabulary has no quantization.
    """
    name, must_hold = FILE_TYPES.get(-1 if file_type is None else file_type, (None, frozenset[str]()))
    if name is not None and must_hold & elements.keys():
        return name
    return elements.most_common(1)[0][0] if elements else None


def _version(cursor: Cursor) -> int:
    version = cursor.u32()
    if version in (2, 3):
        return version
    swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
    if swapped in (2, 3):
        why, try_ = "its numbers are big-endian", "a file made for little-endian machines (x86, arm64, Apple)"
    else:
        why, try_ = f"it is of version {version}; versions 2 and 3 are known", "a newer conversion of the model"
    raise BadFileError(f"{cursor.path.name} is a GGUF file that cannot be read", why=why, try_=try_)


def _bounded(cursor: Cursor, count: int, *, limit: int, what: str) -> int:
    if count > limit:
        cursor.refuse(f"a count of {count:,} {what} (the most is {limit:,})")
    return count


def _metadata(cursor: Cursor, count: int) -> Metadata:
    """Numbers, and the few texts that we report; the others are passed over, so that memory stays small."""
    metadata: Metadata = {}
    for _ in range(count):
        key, kind = cursor.string(), cursor.u32()
        if kind == STRING and key in _WANTED_STRINGS:
            metadata[key] = cursor.string()
        elif cursor.is_scalar(kind):
            metadata[key] = cursor.scalar(kind)
        elif kind == ARRAY and not key.startswith(_TEMPLATE):
            count, values = cursor.scalars(most=_MAX_LAYERS)
            metadata |= {key: count} if key == _TOKENS else {key: values} if values else {}
        else:
            cursor.skip_value(kind)
            # Several named templates come as tokenizer.chat_templates and tokenizer.chat_template.NAME
            metadata |= {_TEMPLATE: ""} if key.startswith(_TEMPLATE) and kind in (STRING, ARRAY) else {}
    return metadata


def _alignment(cursor: Cursor, metadata: Metadata) -> int:
    alignment = _number(metadata, "general.alignment")
    if alignment is None:
        return _DEFAULT_ALIGNMENT
    if alignment > _MAX_ALIGNMENT or alignment < 1 or alignment & (alignment - 1):
        cursor.refuse(f"an alignment of {alignment:,} bytes")
    return alignment


def _tensors(cursor: Cursor, *, count: int, alignment: int) -> _Tensors:
    elements: Counter[str] = Counter()
    weights: list[Tensor] = []
    end_bytes = 0
    for _ in range(count):
        type_name, tensor, tensor_end = _tensor(cursor, alignment)
        elements[type_name] += tensor.elements
        weights.append(tensor)
        end_bytes = max(end_bytes, tensor_end)
    known = all(tensor.size_bytes or not tensor.elements for tensor in weights)
    return _Tensors(elements=elements, weights=tuple(weights) if known else (), end_bytes=end_bytes)


def _tensor(cursor: Cursor, alignment: int) -> tuple[str, Tensor, int]:
    """One tensor's type, its name and sizes, and where it ends after the data's begin."""
    tensor_name = cursor.string()
    dimensions = [cursor.u64() for _ in range(_bounded(cursor, cursor.u32(), limit=_MAX_DIMENSIONS, what="dimensions"))]
    number, offset = cursor.u32(), cursor.u64()
    # A type that is newer than our table has no known size: its tensors count as parameters, not as bytes
    name, block, block_bytes = TENSOR_TYPES.get(number, (f"type-{number}", 1, 0))
    elements = math.prod(dimensions)
    size_bytes = elements // block * block_bytes
    end = offset + size_bytes
    if max(elements, end) > _MOST_BYTES or (dimensions and dimensions[0] % block) or offset % alignment:
        cursor.refuse(f"a {name} tensor of dimensions {dimensions} at offset {offset:,}")
    return name, Tensor(name=tensor_name, elements=elements, size_bytes=size_bytes), end


def _text(metadata: Metadata, key: str) -> str | None:
    value = metadata.get(key)
    return value if isinstance(value, str) and value else None


def _number(metadata: Metadata, key: str) -> int | None:
    value = metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _of(part_bytes: int, whole_bytes: int) -> str:
    """Two sizes in one unit, as in 40 of 98 MiB; exact bytes where rounding would make them equal."""
    if whole_bytes < units.MIB or whole_bytes - part_bytes < units.MIB:
        return f"{part_bytes:,} of {whole_bytes:,} bytes"
    return f"{part_bytes / units.MIB:,.0f} of {whole_bytes / units.MIB:,.0f} MiB"
