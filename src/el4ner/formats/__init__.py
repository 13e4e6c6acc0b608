"""Reading and writing labelled examples and documents.

    files      bytes -> numbered lines of UTF-8; which format a file is in
    jsonl      one JSON object a line
    conll      one token a line, its tag in the last column
    plain      one text a line
    labels     the types and their descriptions
    offsets    tokens -> a text; offsets that cannot be

A path may be "-" for standard input. Whatever cannot be read is a `DataError` of one line that says where it stands and
what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from el4ner.data import Document, Example
from el4ner.errors import DataError
from el4ner.formats import conll, jsonl, plain
from el4ner.formats.files import Format, by_name, by_suffix, open_lines, sniff
from el4ner.formats.labels import read_labels

__all__ = ["Format", "read_documents", "read_examples", "read_labels", "write_examples"]


def read_examples(path: str | Path, format: Format | str | None = None) -> list[Example]:
    """All labelled examples of a JSONL or CoNLL file; an empty file holds none.

    The format is `format`, else what the file's extension says, else (and for .txt) what its first lines look like. An
    example without an id gets its line number (JSONL) or its sentence's number (CoNLL). Raises `DataError`.
    """
    kind, lines = open_lines(path, format)
    if kind is Format.PLAIN and format is None:
        kind, lines = sniff(lines)
    if kind is Format.JSONL:
        return list(jsonl.examples(lines))
    if kind is Format.CONLL:
        return list(conll.examples(lines))
    if next(lines, None) is None:
        return []
    raise DataError(f"{path}: plain text holds no labels; give labelled examples as JSONL or CoNLL")


def read_documents(path: str | Path, format: Format | str | None = None) -> Iterator[Document]:
    """The texts of a plain, JSONL or CoNLL file, one after the other, in bounded memory.

    The format is found as in `read_examples`, except that .txt is plain text. Labels are ignored, ids need not be
    unique. A text without an id gets its line number (plain, JSONL) or its sentence's number (CoNLL). A file that
    cannot be opened raises `DataError` at once, a line that cannot be read when its turn comes.
    """
    kind, lines = open_lines(path, format)
    reader = {Format.JSONL: jsonl.documents, Format.CONLL: conll.documents, Format.PLAIN: plain.documents}[kind]
    return reader(lines)


def write_examples(path: str | Path, examples: Iterable[Example], format: Format | str | None = None) -> None:
    """Write labelled examples; the format is `format`, else what the extension says, else JSONL.

    Raises `DataError`, before the file is touched, for what the format cannot say.
    """
    kind = by_name(format) or by_suffix(path) or Format.JSONL
    if kind is Format.PLAIN:
        raise DataError(f"{path}: plain text cannot hold labels; write .jsonl or .conll")
    lines = conll.lines(examples) if kind is Format.CONLL else jsonl.lines(examples)
    content = "".join(line + "\n" for line in lines).encode()
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); check the path") from None
