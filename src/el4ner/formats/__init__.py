"""Reading and writing labelled examples and documents.

    format       a format: its name, its looks, its readers, its writer;  layout: what is told about a file's columns
    registry     those that there are, and which one a file is in
    lines        bytes -> numbered lines of UTF-8;  strict_json: values of JSON
    jsonl        one JSON object a line;  foreign: those of other tools
    conll        one token a line, with its tag;  sentence: rows -> a text;  columns: which is which;  bio: tags
    table        one text a row of CSV or TSV;  header: rows that name columns
    inline       one text a line, its entities marked within
    plain        one text a line
    annotations  what `el4ner annotate` wrote
    labels       the types and their descriptions;  label_names: what they may be called
    offsets      tokens -> a text; offsets that cannot be

A path may be "-" for standard input. Whatever cannot be read is a `DataError` of one line that says where it stands and
what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from pathlib import Path

from el4ner.data import Document, Example
from el4ner.errors import ConfigError, DataError
from el4ner.files import at_home, write_whole
from el4ner.formats.conll import CONLL
from el4ner.formats.foreign import whose_file
from el4ner.formats.format import Format
from el4ner.formats.jsonl import JSONL
from el4ner.formats.label_names import tidied, writable
from el4ner.formats.labels import read_labels
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line, read_lines
from el4ner.formats.registry import by_name, by_suffix, of_labels, of_texts

__all__ = ["FileLayout", "Format", "Line", "read_documents", "read_examples", "read_labels", "write_examples"]

_LABELLED = "give labelled examples as JSONL or CoNLL, or name the --format to `el4ner data convert`"


def read_examples(
    path: str | Path, format: Format | str | None = None, layout: FileLayout | None = None
) -> list[Example]:
    """All labelled examples of a JSONL or CoNLL file, or of one in a format of your own; an empty file holds none.

    The format is `format`, an object or a name, else what the file's suffix says, else (and for .txt) what its first
    lines look like. `layout` tells what cannot be seen: which columns hold what, how tags are written. An example
    without an id gets its line number (JSONL) or its sentence's number (CoNLL). Raises `DataError`, and `ConfigError`
    for an unknown name, or a layout that the format has not.
    """
    found, lines = _open(path, format, layout or FileLayout(), of_labels)
    if found.examples is not None:
        return list(tidied(found.examples, lines))
    if next(lines, None) is None:
        return []
    raise DataError(f"{path}: {found.name} text holds no labels; {_LABELLED}")


def read_documents(
    path: str | Path, format: Format | str | None = None, layout: FileLayout | None = None
) -> Iterator[Document]:
    """The texts of a plain, JSONL, CoNLL or CSV file, or one of your own format, one after the other.

    The format is found as in `read_examples`, except that .txt is plain text, and refused where it looks like something
    else. Labels are ignored, ids need not be unique. A text without an id gets its line number or, in CoNLL, its
    sentence's number. Memory is bounded, except for JSON that is not one value a line. A file that cannot be opened, or
    whose format cannot be told, raises `DataError` at once, a line that cannot be read when its turn comes.
    """
    found, lines = _open(path, format, layout or FileLayout(), of_texts)
    return found.documents(lines)


def write_examples(path: str | Path, examples: Iterable[Example], format: Format | str | None = None) -> None:
    """Write labelled examples; the format is `format`, else what the suffix says, else JSONL.

    Raises `DataError`, and leaves the file as it was, for what the format cannot say.
    """
    found = by_name(format) or by_suffix(path) or JSONL
    if found.write is None:
        lacks = "cannot hold labels" if found.examples is None else "is only read"
        raise DataError(f"{path}: {found.name} text {lacks}; write .jsonl or .conll")
    try:
        write_whole(at_home(path), (line + "\n" for line in found.write(map(writable, examples))))
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); check the path") from None


def _open(
    path: str | Path,
    format: Format | str | None,
    layout: FileLayout,
    guess: Callable[[str | Path, Iterator[Line], FileLayout], tuple[Format, Iterator[Line]]],
) -> tuple[Format, Iterator[Line]]:
    """The format that is named, else guessed, and the lines; fitted to the layout and what the first lines show."""
    found, lines = by_name(format), read_lines(path)
    if found is None or found is CONLL:
        lines, ahead = tee(lines)
        first = next((line for line in ahead if line.text.strip()), None)
        if first and (whose := whose_file(first.text)):
            raise first.error(whose)
    if found is None:
        found, lines = guess(path, lines, layout)
    if found.fit is not None:
        lines, ahead = tee(lines)
        return found.fit(ahead, layout), lines
    if layout != FileLayout():
        raise ConfigError(f"{found.name} files have no columns; leave --column and --scheme out, or name the --format")
    return found, lines
