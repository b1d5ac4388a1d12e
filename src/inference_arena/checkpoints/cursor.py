"""Reads little-endian values off a file in order, and never past its end or beyond what a header may hold.

Everything that a hostile file could make large is bounded here: strings, arrays, and the work that arrays of
strings cost. Raises BadFileError alone.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

from inference_arena import units
from inference_arena.errors import BadFileError

Scalar = int | float | bool

MAX_STRING_BYTES: Final = 1024**2
# Vocabularies of today have up to some 300,000 entries and as many merges
MAX_STRINGS: Final = 16_777_216
_MAX_NESTING = 4

STRING: Final = 8
ARRAY: Final = 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRUCTS = {kind: struct.Struct(form) for kind, form in _SCALARS.items()}


class Cursor:
    """A place in a file. `at` is the offset of the next byte."""

    def __init__(self, file: BinaryIO, *, path: Path, size_bytes: int) -> None:
        self.at = 0
        self.path = path
        self.size_bytes = size_bytes
        self._file = file
        self._strings_left = MAX_STRINGS

    def take(self, count: int) -> bytes:
        self._check_room(count)
        data = self._file.read(count)
        if len(data) < count:
            # The file shrank while it was read
            raise self._truncated()
        self.at += count
        return data

    def skip(self, count: int) -> None:
        self._check_room(count)
        self._file.seek(count, 1)
        self.at += count

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def string(self) -> str:
        return self.take(self._string_bytes()).decode("utf-8", errors="replace")

    def scalar(self, kind: int) -> Scalar:
        form = _STRUCTS[kind]
        value: Scalar = form.unpack(self.take(form.size))[0]
        return value

    def scalars(self, *, most: int) -> tuple[int, tuple[Scalar, ...]]:
        """An array's length, and its values where they are at most `most` scalars; else they are passed over."""
        kind, count = self.u32(), self.u64()
        if kind in _STRUCTS and count <= most:
            return count, tuple(self.scalar(kind) for _ in range(count))
        self._skip_items(kind, count, nesting=0)
        return count, ()

    def skip_value(self, kind: int, *, nesting: int = 0) -> None:
        """Past a value of any type; of arrays only the lengths are read."""
        if kind in _STRUCTS:
            self.skip(_STRUCTS[kind].size)
        elif kind == STRING:
            self._skip_string()
        elif kind == ARRAY and nesting < _MAX_NESTING:
            self._skip_array(nesting)
        else:
            self.refuse(f"a value of type {kind}" if kind != ARRAY else "arrays nested too deeply")

    def is_scalar(self, kind: int) -> bool:
        return kind in _STRUCTS

    def refuse(self, why: str) -> NoReturn:
        """A value that no honest file holds."""
        raise BadFileError(
            f"{self.path.name} is damaged",
            why=f"its header holds {why} before byte {self.at:,}",
            try_="download it again, and compare its size with that of the source",
        )

    def _skip_array(self, nesting: int) -> None:
        self._skip_items(self.u32(), self.u64(), nesting=nesting)

    def _skip_items(self, kind: int, count: int, *, nesting: int) -> None:
        if kind in _STRUCTS:
            self.skip(count * _STRUCTS[kind].size)
            return
        self._charge(count)
        step: Callable[[], None] = self._skip_string
        if kind != STRING:
            step = lambda: self.skip_value(kind, nesting=nesting + 1)  # noqa: E731 - one of two steps of a loop
        for _ in range(count):
            step()

    def _charge(self, count: int) -> None:
        """Strings and inner arrays take at least 8 bytes each, and are walked one by one: both bounds hold."""
        self._check_room(count * 8)
        self._strings_left -= count
        if self._strings_left < 0:
            self.refuse(f"arrays of more than {MAX_STRINGS:,} strings")

    def _skip_string(self) -> None:
        self.skip(self._string_bytes())

    def _string_bytes(self) -> int:
        length = self.u64()
        if length > MAX_STRING_BYTES:
            self.refuse(f"a string of {length:,} bytes")
        return length

    def _check_room(self, count: int) -> None:
        if count > self.size_bytes - self.at:
            raise self._truncated()

    def _truncated(self) -> BadFileError:
        return BadFileError(
            f"{self.path.name} ends within its header",
            why=f"its header goes on after its {units.size(self.size_bytes)}: the download broke off, or it is damaged",
            try_="download it again",
        )
