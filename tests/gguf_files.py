"""Writes GGUF files by hand, so that what they hold is known before they are read."""

import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMS = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
FORMS |= {U64: "<Q", I64: "<q", F64: "<d"}
# type number, elements in a block, bytes of a block: written here again, so that the product's table is checked
TYPES = {"f32": (0, 1, 4), "q4_1": (3, 32, 20), "q8_0": (8, 32, 34), "q6_k": (14, 256, 210), "q4_k": (12, 256, 144)}

Entry = tuple[str, int, object]
Tensor = tuple[str, tuple[int, ...], str]


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def value(kind: int, content: object) -> bytes:
    if kind == STRING:
        return string(str(content))
    if kind == ARRAY:
        inner, items = content  # type: ignore[misc]
        return struct.pack("<IQ", inner, len(items)) + b"".join(value(inner, item) for item in items)
    return struct.pack(FORMS[kind], content)


def gguf(
    entries: list[Entry],
    tensors: list[Tensor],
    *,
    version: int = 3,
    alignment: int = 32,
    tensor_count: int | None = None,
) -> bytes:
    """A whole file: its header, its tensors' places, and data of zeros to the end of the last tensor."""
    count = len(tensors) if tensor_count is None else tensor_count
    head = b"GGUF" + struct.pack("<IQQ", version, count, len(entries))
    head += b"".join(string(key) + struct.pack("<I", kind) + value(kind, content) for key, kind, content in entries)
    end = offset = 0
    for name, dimensions, type_name in tensors:
        number, block, block_bytes = TYPES[type_name]
        elements = 1
        for dimension in dimensions:
            elements *= dimension
        head += string(name) + struct.pack("<I", len(dimensions)) + struct.pack(f"<{len(dimensions)}Q", *dimensions)
        head += struct.pack("<IQ", number, offset)
        end = offset + elements // block * block_bytes
        offset = -(-end // alignment) * alignment
    padding = -len(head) % alignment if tensors else 0
    return head + bytes(padding + end)
