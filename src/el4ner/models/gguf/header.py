"""A GGUF file's header: read whole before an engine opens the file, for engines believe what it says.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The `gguf` package reads it into objects, which
takes seconds at every start, and with the same trust; here everything is passed over that is not needed, within the
bounds of the file.
"""

from __future__ import annotations

import struct
from contextlib import closing
from dataclasses import dataclass
from math import prod
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from el4ner.errors import ModelError
from el4ner.text.printable import one_line

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONGEST = 256  # bytes of a string that are read, not passed over
_MOST = {"values": 1 << 16, "tensors": 1 << 18, "strings in a list": 1 << 23}  # many times what any model has
# Of each type of tensor: numbers in a block, and its bytes. Those of the `gguf` package, GGML_QUANT_SIZES.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. `facts`: scalars by key, strings too. `lengths`: those of lists, by key.

    `shapes`: of tensors, by name, in the file's order: the row's length first.
    """

    facts: dict[str, Any]
    lengths: dict[str, int]
    shapes: dict[str, tuple[int, ...]]

    @property
    def context(self) -> int | None:
        """Tokens of the context that the model was trained for; None where the file does not say so."""
        told = next((value for key, value in self.facts.items() if key.endswith(".context_length")), None)
        return told if type(told) is int and told > 0 else None

    @property
    def file_type(self) -> int | None:
        """The file's main quantisation, in GGUF's numbers."""
        told = self.facts.get("general.file_type")
        return told if type(told) is int else None

    @property
    def parameters(self) -> int:
        """Weights in the file."""
        return sum(map(prod, self.shapes.values()))


def read_header(path: Path) -> Header:
    """Read and check a header. Raises `ModelError` where the file is not GGUF, or not all there."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ValueError("not a GGUF file; give a .gguf model or an OpenVINO folder")
            with closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as data:
                return _header(_Cursor(data, len(data)))
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error


class _Cursor:
    """A place in a file's content. What would lead beyond its end is a `ValueError`."""

    def __init__(self, data: mmap, size: int) -> None:
        self.data = data
        self.size = size
        self.at = 4

    def skip(self, count: int) -> int:
        """Pass over so many bytes; where they begin."""
        start, self.at = self.at, self.at + count
        if self.at > self.size:
            raise ValueError("ends too early; fetch it again")
        return start

    def read(self, form: str) -> Any:
        return struct.unpack_from(form, self.data, self.skip(struct.calcsize(form)))[0]

    def string(self) -> str:
        length = self.read("<Q")
        start = self.skip(length)
        return self.data[start : start + min(length, _LONGEST)].decode("utf-8", "replace")

    def strings(self, count: int) -> None:
        """Pass over so many; a vocabulary holds a hundred thousand."""
        _bounded(count, "strings in a list")
        read, data, at, last = struct.Struct("<Q").unpack_from, self.data, self.at, self.size - 8
        for _ in range(count):
            if at > last:
                break
            at += 8 + read(data, at)[0]
        else:
            self.at = at
            self.skip(0)
            return
        raise ValueError("ends too early; fetch it again")


def _header(cursor: _Cursor) -> Header:
    version, tensors, pairs = cursor.read("<I"), cursor.read("<Q"), cursor.read("<Q")
    if version not in (2, 3):
        raise ValueError(f"GGUF of version {version}, or with its bytes the other way round; convert it again")
    _bounded(pairs, "values")
    _bounded(tensors, "tensors")
    facts: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for _ in range(pairs):
        key, kind = cursor.string(), cursor.read("<I")
        if kind == _ARRAY:
            lengths[key] = _list(cursor)
        else:
            facts[key] = cursor.string() if kind == _STRING else cursor.read(_form(kind))
    shapes: dict[str, tuple[int, ...]] = {}
    ends = 0
    for _ in range(tensors):
        name = cursor.string()
        shapes[name], end = _tensor(cursor, name)
        ends = max(ends, end)
    alignment = facts.get("general.alignment", 32)
    if type(alignment) is not int or alignment not in (2**n for n in range(17)):
        raise ValueError("general.alignment is no power of two; fetch it again")
    cursor.skip(-cursor.at % alignment)
    cursor.skip(ends)
    return Header(facts, lengths, shapes)


def _bounded(count: int, what: str) -> None:
    """Raise `ValueError` where a file claims to hold more than any does."""
    if count > _MOST[what]:
        raise ValueError(f"claims to hold {count:,} {what}; fetch it again")


def _list(cursor: _Cursor) -> int:
    """Pass over a list; its length."""
    kind = cursor.read("<I")
    length: int = cursor.read("<Q")
    if kind == _STRING:
        cursor.strings(length)
    else:
        cursor.skip(length * struct.calcsize(_form(kind)))
    return length


def _form(kind: int) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"holds a value of type {kind}, which el4ner does not know; fetch it again")
    return _SCALARS[kind]


def _tensor(cursor: _Cursor, name: str) -> tuple[tuple[int, ...], int]:
    """A tensor's shape, and where its numbers end, counted from the first tensor's."""
    dimensions = cursor.read("<I")
    if not 1 <= dimensions <= 4:
        raise ValueError(f"the tensor {one_line(name)} has {dimensions} dimensions; fetch it again")
    shape = tuple(cursor.read("<Q") for _ in range(dimensions))
    kind, offset = cursor.read("<I"), cursor.read("<Q")
    if kind not in _BLOCKS:
        raise ValueError(f"the tensor {one_line(name)} is of type {kind}, which el4ner does not know")
    numbers, size = _BLOCKS[kind]
    if shape[0] % numbers or 0 in shape:
        raise ValueError(f"the tensor {one_line(name)} has rows of {shape[0]} numbers; fetch it again")
    return shape, offset + prod(shape) // numbers * size
