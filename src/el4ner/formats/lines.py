"""From bytes to numbered lines of UTF-8."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from el4ner.errors import DataError

_HEAD = 1024  # bytes that are looked at for null bytes


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

    Lines end at a line feed only: other separators of Unicode occur inside texts. A byte order mark and the carriage
    returns at line ends are dropped. "-" is standard input. Raises `DataError` if the file cannot be opened or, when a
    line's turn comes, is not UTF-8.
    """
    return _decode(*_open(path))


def _open(path: str | Path) -> tuple[str, AbstractContextManager[IO[bytes]]]:
    if str(path) == "-":
        return "standard input", nullcontext(sys.stdin.buffer)  # not ours to close
    try:
        return str(path), Path(path).open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder; name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be opened ({reason}); check the path and its permissions") from None


def _decode(file: str, opened: AbstractContextManager[IO[bytes]]) -> Iterator[Line]:
    offset = nulls = 0
    with opened as stream:
        for number, raw in enumerate(stream, start=1):
            if offset < _HEAD:
                nulls += raw[:_HEAD].count(0)
                if 3 * nulls > min(offset + len(raw), _HEAD) >= 16:
                    raise DataError(f"{file}, line {number}: binary data or UTF-16, not text; save it as UTF-8")
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                at = len(raw) - len(error.object) + error.start  # counted from behind the mark, if there is one
                where = f"byte {offset + at} of the file (0x{raw[at]:02x})"
                raise DataError(f"{file}, line {number}: {where} is not valid UTF-8; save it as UTF-8") from None
            offset += len(raw)
            yield Line(file, number, text.removesuffix("\n").rstrip("\r"))
