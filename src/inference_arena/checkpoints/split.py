"""A GGUF model that lies in several files: finds the other parts, and adds their tensors to the first's."""

import re
from dataclasses import replace
from pathlib import Path

from inference_arena.checkpoints.gguf import GgufHeader, read_gguf
from inference_arena.errors import NotFoundError

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
_MOST_PARTS = 1024


def whole_gguf(header: GgufHeader, path: Path) -> tuple[GgufHeader, int]:
    """The header with all parts' tensors, and how many files they are. Numbers of the model stand in the first part."""
    found = _PART.fullmatch(path.name)
    if header.files <= 1 or found is None:
        return header, 1
    count = min(header.files, _MOST_PARTS)
    paths = [path.with_name(f"{found['stem']}-{number:05d}-of-{found['count']}.gguf") for number in range(1, count + 1)]
    missing = [one.name for one in paths if not one.is_file()]
    if missing:
        raise NotFoundError(
            f"{len(missing)} of the {count} files of {path.name} are missing",
            why=f"there is no {missing[0]} beside it",
            try_="download all parts into one folder",
        )
    parts = [header if one == path else read_gguf(one) for one in paths]
    first = parts[0]
    merged = replace(
        first,
        parameters=sum(part.parameters for part in parts),
        weights=tuple(tensor for part in parts for tensor in part.weights) if all(p.weights for p in parts) else (),
        metadata={**first.metadata},
        quantization=max(parts, key=lambda part: part.parameters).quantization,
    )
    return merged, count
