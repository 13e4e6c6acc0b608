"""From a published file's bytes to examples, and whether they are the right ones."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from el4ner.data import Example, Span
from el4ner.errors import DataError
from el4ner.evaluate.sets.known import KnownSplit
from el4ner.formats import Line, conll

_DOCUMENT = "-DOCSTART-"
_INVISIBLE = {"Cc", "Cf", "Me", "Mn", "Zl", "Zp", "Zs"}  # categories of Unicode


def convert(contents: Sequence[tuple[str, bytes]], split: KnownSplit, prefix: str) -> list[Example]:
    """The examples of a split's files, given as address and content; their ids are the prefix and a number.

    Tokens are joined as `formats` does. Those without a visible character, such as a variation selector that was cut
    off its emoji, are left out. Raises `DataError`.
    """
    layers: list[list[Example]] = []
    for address, content in contents:
        lines = list(_documents(_lines(address, content), split.documents))
        for columns in _layers(split.columns):
            layers.append(list(conll.examples(_visible(_picked(lines, columns)))))
    texts = [example.text for example in layers[0]]
    if any([example.text for example in layer] != texts for layer in layers):
        raise DataError(f"{contents[0][0]}: its layers do not hold the same texts; this is not the published data")
    return [_merged(f"{prefix}{n}", same) for n, same in enumerate(zip(*layers, strict=True), start=1)]


def digest(examples: Iterable[Example]) -> str:
    """SHA-256, in hexadecimal, over texts and entities in their order. Ids do not count."""
    sha = hashlib.sha256()
    for example in examples:
        entities = sorted((span.start, span.end, span.label or "") for span in example.entities)
        sha.update(json.dumps([example.text, entities]).encode() + b"\n")
    return sha.hexdigest()


def check(examples: Sequence[Example], split: KnownSplit, where: str, recorded: str = "") -> None:
    """Raise `DataError` unless these are the examples of the split; `recorded` stands in for a digest that it lacks."""
    entities = sum(len(example.entities) for example in examples)
    if (len(examples), entities) != (split.texts, split.entities):
        found = f"{len(examples):,} texts with {entities:,} entities"
        wanted = f"{split.texts:,} with {split.entities:,}"
        raise DataError(f"{where}: {found} instead of {wanted}; the data is incomplete or was changed")
    expected = split.digest or recorded
    if expected and digest(examples) != expected:
        raise DataError(f"{where}: texts or entities differ from those expected; the data was changed")


def _lines(address: str, content: bytes) -> Iterator[Line]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{address}: byte {error.start} is not valid UTF-8; this is not the published data") from None
    for number, line in enumerate(text.split("\n"), start=1):
        yield Line(address, number, line.rstrip("\r"))


def _documents(lines: Iterable[Line], wanted: Sequence[int]) -> Iterator[Line]:
    chosen, at = set(wanted), 0
    for line in lines:
        at += line.text.startswith(_DOCUMENT)
        if not chosen or at in chosen:
            yield line


def _layers(columns: Sequence[int]) -> list[tuple[int, int] | None]:
    return [(columns[0], tag) for tag in columns[1:]] or [None]


def _picked(lines: Iterable[Line], columns: tuple[int, int] | None) -> Iterator[Line]:
    for line in lines:
        cells = line.text.split("\t")
        if columns and max(columns) < len(cells):
            yield replace(line, text=f"{cells[columns[0]]}\t{cells[columns[1]]}")
        else:
            yield line


def _visible(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        token, *others = line.text.split("\t")
        if not any(others) or any(unicodedata.category(character) not in _INVISIBLE for character in token):
            yield line


def _merged(id: str, same: Sequence[Example]) -> Example:
    entities = {span for example in same for span in example.entities}
    return Example(id, same[0].text, tuple(sorted(entities, key=_rank)))


def _rank(span: Span) -> tuple[int, int, str]:
    return span.start, -span.end, span.label or ""
