"""Plain text: one text a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from el4ner.data import Document
from el4ner.formats.format import Format
from el4ner.formats.lines import Line


def documents(lines: Iterable[Line]) -> Iterator[Document]:
    """Each line that is not blank, under its line number; white space around the text is part of it."""
    for line in lines:
        if line.text.strip():
            yield Document(str(line.number), line.text)


PLAIN = Format("plain", documents, suffixes=(".txt",))
