"""From bytes to numbered lines of UTF-8, and which format they are in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import IO

from el4ner.errors import ConfigError, DataError

_HEAD = 1024  # bytes that are looked at for null bytes
_TAGGED = re.compile(r"[^\t ].*[\t ](?:O|[BIMELSU]-\S+)\s*")


class Format(StrEnum):
    """How texts are laid out in a file."""

    JSONL = "jsonl"
    CONLL = "conll"
    PLAIN = "plain"


_SUFFIXES = {
    ".jsonl": Format.JSONL,
    ".json": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".conll": Format.CONLL,
    ".bio": Format.CONLL,
    ".iob": Format.CONLL,
    ".tsv": Format.CONLL,
    ".txt": Format.PLAIN,
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, and where it stands (`number` counts from 1)."""

    file: str
    number: int
    text: str

    def error(self, what: str) -> DataError:
        """An error that says where it stands; `what` is what is wrong and what to do about it."""
        return DataError(f"{self.file}, line {self.number}: {what}")


def open_lines(path: str | Path, format: Format | str | None = None) -> tuple[Format, Iterator[Line]]:
    """The format of a file (see `by_name`, `by_suffix`, `sniff`) and its lines, read as they are asked for.

    Lines end at a line feed only: other separators of Unicode occur inside texts. A byte order mark and the carriage
    returns at line ends are dropped. "-" is standard input. Raises `DataError` if the file cannot be opened or, when a
    line's turn comes, is not UTF-8, and `ConfigError` for an unknown format.
    """
    known = by_name(format) or by_suffix(path)
    lines = _decode(*_open(path))
    return (known, lines) if known else sniff(lines)


def by_name(format: Format | str | None) -> Format | None:
    """A format by its name; None stays None. Raises `ConfigError` for any other name."""
    try:
        return Format(format) if format is not None else None
    except ValueError:
        raise ConfigError(f"unknown format {format!r}; use one of {', '.join(Format)}") from None


def by_suffix(path: str | Path) -> Format | None:
    """The format that a file's extension stands for, None for an unknown one."""
    return _SUFFIXES.get(Path(path).suffix.lower())


def sniff(lines: Iterator[Line]) -> tuple[Format, Iterator[Line]]:
    """The format that the first lines look like, and all the lines.

    A first line that opens a JSON object is JSONL. `-DOCSTART-`, or tags in the last column of the first two lines
    that are not blank (of the only one, if tabs part its columns), is CoNLL. Everything else is plain text.
    """
    seen: list[Line] = []
    block: list[str] = []
    for line in lines:
        seen.append(line)
        if line.text.strip():
            block.append(line.text)
        if len(block) == 2 or (block and not _TAGGED.fullmatch(block[0])):
            break
    return _guess(block), chain(seen, lines)


def _guess(block: list[str]) -> Format:
    first = block[0].lstrip() if block else ""
    if first.startswith("{"):
        return Format.JSONL
    if first.startswith("-DOCSTART-"):
        return Format.CONLL
    tagged = bool(block) and all(_TAGGED.fullmatch(text) for text in block)
    # Spaces alone are weak evidence: texts, too, end in "blood type O" or "the S-Bahn".
    columns = {len(text.split()) for text in block}
    sure = "\t" in first or (len(block) == 2 and len(columns) == 1)
    return Format.CONLL if tagged and sure else Format.PLAIN


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
