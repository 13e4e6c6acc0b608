"""Texts with their entities marked within, a text a line: asked for by name, since prose has brackets, too.

    brackets   [Anna Berg](person) lives in [Oslo](location), or [person Anna Berg] lives; a backslash before [ or ]
               makes it one of the text
    inline     <person>Anna Berg</person> lives; also <ENAMEX TYPE="PERSON">, and &lt; &gt; &amp; for the text's own

Marks may nest. What is no mark is refused: write the text's own brackets as said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from el4ner.data import Document, Example, Span
from el4ner.formats.format import Format
from el4ner.formats.lines import Line

_BRACKET = re.compile(r"\\([\[\]\\])|(\[)|\](?:\(([^()]*)\))?")
_FIRST = re.compile(r"([^\s\[\]\\]+)\s+(?=[^\s\]])")
_TAG = re.compile(r'<(/?)([^\W\d][\w.:-]*)(?:\s+type\s*=\s*"([^"<>]*)")?\s*>|&(lt|gt|amp|quot|apos);|<', re.IGNORECASE)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}

Reading = tuple[str, list[Span]]


def _documents(lines: Iterable[Line], read: Callable[[Line], Reading]) -> Iterator[Document]:
    return (Document(example.id, example.text) for example in _examples(lines, read))


def _examples(lines: Iterable[Line], read: Callable[[Line], Reading]) -> Iterator[Example]:
    for line in lines:
        if line.text.strip():
            text, entities = read(line)
            for span in entities:
                if span.start == span.end or not (span.label or "").strip():
                    raise line.error("a mark without a text or a type; mend or remove it")
            yield Example(str(line.number), text, tuple(sorted(entities, key=lambda e: (e.start, -e.end))))


def _brackets(line: Line) -> Reading:
    marks = list(_BRACKET.finditer(line.text))
    ends = _ends(line, marks)
    writing = _Writing(line.text)
    begun: list[tuple[int, str]] = []
    for mark in marks:
        writing.up_to(mark.start(), mark.end(), mark[1] or "")
        if mark[2] and (kind := ends[mark.start()]) is not None:
            begun.append((writing.length, kind))
        elif mark[2]:  # without a type behind it, it begins with its type
            first = _FIRST.match(line.text, mark.end())
            if not first:
                there = line.text[mark.start() :][:40]
                raise line.error(
                    f"{there!r}: no type; write [Oslo](location) or [location Oslo], \\[ for the text's own"
                )
            begun.append((writing.length, first[1]))
            writing.end = first.end()
        elif not mark[1]:
            start, label = begun.pop()
            writing.found.append(Span(start, writing.length, label.strip()))
    return writing.done()


def _ends(line: Line, marks: list[re.Match[str]]) -> dict[int, str | None]:
    """What stands in round brackets behind the end of each opening bracket, by its offset; None if nothing does."""
    found: dict[int, str | None] = {}
    begun: list[int] = []
    for mark in marks:
        if mark[2]:
            begun.append(mark.start())
        elif not mark[1] and begun:
            found[begun.pop()] = mark[3]
        elif not mark[1]:
            raise line.error("a ] without its [; write \\] for one of the text")
    if begun:
        raise line.error("a [ without its ]; write \\[ for one of the text")
    return found


def _tags(line: Line) -> Reading:
    writing = _Writing(line.text)
    begun: list[tuple[str, str, int]] = []
    for mark in _TAG.finditer(line.text):
        closing, name, kind, entity = mark.groups()
        writing.up_to(mark.start(), mark.end(), _ENTITIES[entity.lower()] if entity else "")
        if not entity and not name:
            there = line.text[mark.start() :][:20]
            raise line.error(f"{there!r} is no tag such as <person>; write &lt; for a < of the text")
        if name and not closing:
            begun.append((name, kind or name, writing.length))
        elif name and (not begun or begun[-1][0] != name):
            raise line.error(f"</{name[:40]}> without its <{name[:40]}>; tags nest, and do not cross")
        elif name:
            _, label, start = begun.pop()
            writing.found.append(Span(start, writing.length, label))
    if begun:
        raise line.error(f"<{begun[-1][0][:40]}> does not end; write </{begun[-1][0][:40]}>")
    return writing.done()


@dataclass(slots=True)
class _Writing:
    """The text without its marks, as it is put together: how much of `marked` is done, and what was found in it."""

    marked: str
    end: int = 0
    length: int = 0
    pieces: list[str] = field(default_factory=list)
    found: list[Span] = field(default_factory=list)

    def up_to(self, start: int, end: int, instead: str) -> None:
        """Takes over what stands before a mark, and `instead` for the mark."""
        piece = self.marked[self.end : start] + instead
        self.pieces.append(piece)
        self.length += len(piece)
        self.end = end

    def done(self) -> Reading:
        return "".join([*self.pieces, self.marked[self.end :]]), self.found


def _format(name: str, read: Callable[[Line], Reading]) -> Format:
    return Format(name, partial(_documents, read=read), partial(_examples, read=read))


BRACKETS = _format("brackets", _brackets)
INLINE = _format("inline", _tags)
