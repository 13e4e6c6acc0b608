"""The lines of a pool's file: what they hold, and how the file reads with one more or one less."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from el4ner.data import Example
from el4ner.errors import DataError
from el4ner.formats.foreign import whose_file
from el4ner.formats.jsonl import JSONL, dumps, examples, record_of
from el4ner.formats.label_names import tidied
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line, lines_of
from el4ner.formats.registry import of_labels
from el4ner.formats.strict_json import NotJSON, loads

NOTE = "review"  # the key of what a line says beside its example; readers ignore it
_PIECE = re.compile(rb"[^\r\n]*(?:\r*\n|\r|$)")  # a line with its end, as `lines` counts them


@dataclass(frozen=True)
class PoolLines:
    """A file's content, of `count` lines. `half` is what stands behind it: the beginning of another.

    `numbers` has the line of each text, the last where it stands twice; `notes` what its line says beside it.
    """

    content: bytes = b""
    half: bytes = b""
    count: int = 0
    examples: tuple[Example, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, content: bytes) -> PoolLines:
        """The content of the file of that name. Raises `DataError`, with the line, also for other formats."""
        half = _half(content)
        content = content[: len(content) - len(half)]
        lines = list(lines_of(name, content))
        filled = [line for line in lines if line.text.strip()]
        if filled:
            _only_lines(name, filled)
        found = tuple(tidied(examples, filled))
        if len(found) != len(filled):
            raise _other(name, "JSON that is not one object a line")
        numbers = {example.text: line.number for line, example in zip(filled, found, strict=True)}
        notes = {e.text: note for line, e in zip(filled, found, strict=True) if (note := _note(line))}
        return cls(content, half, len(lines), found, numbers, notes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def plus(self, example: Example, note: Mapping[str, Any]) -> PoolLines:
        """With an example's line at the end, behind a line end where the last line has none."""
        line = dumps(record_of(example) | ({NOTE: dict(note)} if note else {}))
        content = self.content + (b"" if not self.content or self.content[-1:] in b"\r\n" else b"\n")
        numbers = {**self.numbers, example.text: self.count + 1}
        notes = {**self.notes, example.text: note} if note else self.notes
        content += line.encode() + b"\n"
        return PoolLines(content, b"", self.count + 1, (*self.examples, example), numbers, notes)

    def without(self, text: str) -> bytes:
        """The content without the (last) line of that text, all else as it is."""
        pieces = _PIECE.findall(self.content)
        del pieces[self.numbers[text] - 1]
        return b"".join(pieces)


def _half(content: bytes) -> bytes:
    """What stands behind the last line end, where it is the beginning of an object that does not end."""
    last = content[max(content.rfind(b"\n"), content.rfind(b"\r")) + 1 :]
    if not last.startswith(b"{"):
        return b""
    try:
        loads(last.decode())
    except (UnicodeDecodeError, NotJSON):
        return last
    return b""


def _only_lines(name: str, filled: list[Line]) -> None:
    """Raises `DataError` for a file to which no line of JSON can be added."""
    first = filled[0]
    if whose := whose_file(first.text):
        raise first.error(whose)
    format, _ = of_labels(name, iter(filled), FileLayout())
    if format is not JSONL:
        raise _other(name, format.name)
    if first.text.lstrip().startswith("["):
        raise _other(name, "a JSON array")


def _other(name: str, what: str) -> DataError:
    return DataError(
        f"{name}: this is {what}, to which no line can be added; `el4ner data convert {name} -o pool.jsonl`"
    )


def _note(line: Line) -> Mapping[str, Any]:
    """What the line says beside its example; {} where that is nothing, or is no object."""
    note = loads(line.text).get(NOTE) if f'"{NOTE}"' in line.text else None
    return note if isinstance(note, dict) else {}
