"""From bytes to numbered lines of UTF-8."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

from el4ner.errors import DataError
from el4ner.files import at_home

# What a file begins with that is no text in UTF-8, what it is, and what to do; UTF-32 begins as UTF-16 does.
_OTHERS = (
    (codecs.BOM_UTF32_LE, "in UTF-32", "save it as UTF-8 (iconv -f UTF-32 -t UTF-8)"),
    (codecs.BOM_UTF32_BE, "in UTF-32", "save it as UTF-8 (iconv -f UTF-32 -t UTF-8)"),
    (codecs.BOM_UTF16_LE, "in UTF-16", "save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    (codecs.BOM_UTF16_BE, "in UTF-16", "save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    (b"PK\x03\x04", "a ZIP file, as those of Excel and Word are", "export it as text or CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "export it as text or CSV in UTF-8"),
    (b"PAR1", "a Parquet file", "write it as JSONL"),
    (b"SQLite format 3\0", "a SQLite file", "write its rows as JSONL"),
    (b"\x1f\x8b", "packed by gzip", "unpack it, or pipe it in: gzip -dc FILE"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it, or pipe it in: zstd -dc FILE"),
    (b"\xfd7zXZ\0", "packed by xz", "unpack it, or pipe it in: xz -dc FILE"),
    (b"BZh", "packed by bzip2", "unpack it, or pipe it in: bzip2 -dc FILE"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, and where it stands (`number` counts from 1)."""

    file: str
    number: int
    text: str

    def error(self, what: str) -> DataError:
        """An error that says where it stands; `what` is what is wrong and what to do about it."""
        return DataError(f"{self.file}, line {self.number}: {what}")


def read_lines(path: str | Path) -> Iterator[Line]:
    """The lines of a file, read as they are asked for.

    Lines end at a line feed, a carriage return or both: other separators of Unicode occur inside texts. A byte order
    mark at the start of a line is dropped. "-" is standard input. Raises `DataError` if the file cannot be opened or,
    when a line's turn comes, cannot be read, is not UTF-8 or holds a null byte.
    """
    return _decode(*_open(path))


def lines_of(file: str, content: bytes) -> Iterator[Line]:
    """The lines of a file whose content is at hand; `file` is what messages call it."""
    return _decode(file, nullcontext(BytesIO(content)))


def _open(path: str | Path) -> tuple[str, AbstractContextManager[IO[bytes]]]:
    if str(path) == "-":
        return "standard input", nullcontext(sys.stdin.buffer)  # not ours to close
    try:
        return str(path), at_home(path).open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder; name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be opened ({reason}); check the path and its permissions") from None


def _decode(file: str, opened: AbstractContextManager[IO[bytes]]) -> Iterator[Line]:
    offset = number = 0
    with opened as stream:
        for raw in _raw(file, stream):
            if not offset:
                _refuse_others(file, raw)
            at = offset
            for piece in raw.removesuffix(b"\n").rstrip(b"\r").split(b"\r"):
                number += 1
                yield Line(file, number, _text(file, number, piece, at).removeprefix("\ufeff"))
                at += len(piece) + 1
            offset += len(raw)


def _raw(file: str, stream: IO[bytes]) -> Iterator[bytes]:
    try:
        yield from stream
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check where it comes from") from None


def _refuse_others(file: str, first: bytes) -> None:
    """Files that say in their first bytes what they are. Without such a mark, UTF-16 is told by its null bytes."""
    for mark, what, advice in _OTHERS:
        if first.startswith(mark) and not (mark.isalnum() and _is_text(first)):
            raise DataError(f"{file}, line 1: the file is {what}, as its first bytes say; {advice}")


def _is_text(raw: bytes) -> bool:
    return raw.isascii() and b"\0" not in raw


def _text(file: str, number: int, raw: bytes, offset: int) -> str:
    """A line's text; `offset` is where it stands in the file, in bytes."""
    if (at := raw.find(0)) >= 0:
        where = f"byte {offset + at} of the file is a null byte"
        raise DataError(f"{file}, line {number}: {where}: binary data or UTF-16, not text; save it as UTF-8")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        where = f"byte {offset + error.start} of the file (0x{raw[error.start]:02x})"
        advice = "save it as UTF-8 (if it is in Latin-1: iconv -f WINDOWS-1252 -t UTF-8)"
        raise DataError(f"{file}, line {number}: {where} is not valid UTF-8; {advice}") from None
