"""A format: one object with a name, how it is known, its readers and its writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from el4ner.data import Document, Example
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line


def _never(texts: Iterator[str]) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Format:
    """How texts are laid out in a file of UTF-8 lines.

    `documents` and `examples` read lines, one text after the other; what cannot be read is `Line.error`. A format
    without `examples` holds no labels. `write` gives the lines of examples, without their ends; a format without it is
    only read. A file is known by its suffix (small letters, with the dot), else by its looks: `sniff` is given the
    lines that are not blank, takes as many as it needs and says whether they are in this format. Where files of a
    format differ in their columns, `fit` is given a file's lines to look ahead, and what the user says of it, and gives
    the format whose readers know both.
    """

    name: str
    documents: Callable[[Iterable[Line]], Iterator[Document]]
    examples: Callable[[Iterable[Line]], Iterator[Example]] | None = None
    write: Callable[[Iterable[Example]], Iterator[str]] | None = None
    suffixes: tuple[str, ...] = ()
    sniff: Callable[[Iterator[str]], bool] = _never
    fit: Callable[[Iterator[Line], FileLayout], Format] | None = None
