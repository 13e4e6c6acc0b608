"""The few facts that are needed of a GGUF file before an engine opens it.

The `gguf` package reads everything, vocabulary and merges included, which takes seconds at every start; the scalar
that is wanted here stands in front of those.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from el4ner.errors import ModelError

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST, _LONGEST = 10**7, 2**26  # parts of a file, tokens of a context; bytes of a string


@dataclass(frozen=True, slots=True)
class Header:
    """The context that the model was trained for (tokens), and the file's main quantisation, in GGUF's numbers."""

    context: int | None = None
    file_type: int | None = None


def read_header(path: Path, whole: bool = False) -> Header:
    """The facts in front of the vocabulary, or of all (`whole`); None for what the file does not say there.

    Raises `ModelError` where the file is not GGUF, or says of itself what cannot be.
    """
    header = Header()
    with path.open("rb") as file:
        size = path.stat().st_size
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path}: not a GGUF file; give a .gguf model or an OpenVINO folder")
        file.seek(8)  # past the version (u32)
        tensors, pairs = _read(file, "<Q"), _read(file, "<Q")
        if max(tensors, pairs) > _MOST:
            raise ModelError(f"{path}: a GGUF file of {max(tensors, pairs)} parts is damaged; fetch it again")
        for _ in range(pairs):
            key = _string(file)
            if key.startswith("tokenizer.") and not whole:
                break
            kind = _read(file, "<I")
            if kind == _ARRAY:
                of, length = _read(file, "<I"), _read(file, "<Q")
                if length > size:
                    raise ModelError(f"{path}: holds a list of {length} entries; fetch it again")
                for _ in range(length):
                    _value(file, of)
            elif key.endswith(".context_length"):
                header = replace(header, context=_whole(file, kind))
            elif key == "general.file_type":
                header = replace(header, file_type=_whole(file, kind))
            else:
                _value(file, kind)
    return header


def _value(file: BinaryIO, kind: int) -> None:
    _string(file) if kind == _STRING else _scalar(file, kind)


def _scalar(file: BinaryIO, kind: int) -> float:
    if kind not in _SCALARS:
        raise ModelError(f"{file.name}: holds a value of no known kind; fetch it again")
    return _read(file, _SCALARS[kind])


def _whole(file: BinaryIO, kind: int) -> int | None:
    """A count, where it is one."""
    value = _scalar(file, kind)
    return value if isinstance(value, int) and 0 <= value < _MOST else None


def _read(file: BinaryIO, form: str) -> int:
    held = file.read(size := struct.calcsize(form))
    if len(held) < size:
        raise ModelError(f"{file.name}: ends too early; fetch it again")
    value: int = struct.unpack(form, held)[0]
    return value


def _string(file: BinaryIO) -> str:
    length = _read(file, "<Q")
    if length > _LONGEST:
        raise ModelError(f"{file.name}: holds a string of {length} bytes; fetch it again")
    return file.read(length).decode("utf-8", "replace")


def count_parameters(path: Path) -> int:
    """Weights in a file. Reads it with the `gguf` package, which takes a second. Raises `ModelError`."""
    import gguf

    read_header(path, whole=True)  # the library believes whatever a file says of itself
    try:
        return sum(int(tensor.n_elements) for tensor in gguf.GGUFReader(path).tensors)
    except Exception as error:  # a damaged file: whatever its numbers make of the reader
        raise ModelError(f"{path}: not a whole GGUF file ({type(error).__name__}: {error}); fetch it again") from error
