"""JSONL: one object a line.

    {"id": "a1", "text": "Ada met Bob .", "entities": [{"start": 0, "end": 3, "label": "PER"}]}
    {"id": "a1", "tokens": ["Ada", "met", "Bob", "."], "entities": [{"start": 0, "end": 1, "label": "PER"}]}

Offsets are half-open and count characters of the text, or tokens where there are tokens (see `offsets.join`). `id` may
be missing: it is then the line number. Blank lines are skipped, further keys ignored. An entity may repeat its `text`,
as annotations do: it is then compared, which finds offsets that count bytes or UTF-16 units.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from el4ner.data import Document, Example, Span
from el4ner.errors import DataError
from el4ner.formats.format import Format
from el4ner.formats.lines import Line
from el4ner.formats.offsets import fault, join

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def documents(lines: Iterable[Line]) -> Iterator[Document]:
    """The texts; entities are ignored. Raises `DataError`."""
    for line, record in records(lines):
        yield Document(_id(line, record), _text(line, record)[0])


def examples(lines: Iterable[Line]) -> Iterator[Example]:
    """The labelled texts. Raises `DataError`."""
    for line, record in records(lines):
        if "text" in record and "tokens" in record:
            raise line.error('both "text" and "tokens"; leave one out, so that it is clear what the offsets count')
        text, tokens = _text(line, record)
        rows = record.get("entities")
        if not isinstance(rows, list):
            raise line.error(f'"entities" is {_kind(record, "entities")}; give a list, [] for a text without any')
        found = tuple(_entity(line, f"entity {n}", row, text, tokens) for n, row in enumerate(rows, start=1))
        yield Example(_id(line, record), text, found)


def lines(examples: Iterable[Example]) -> Iterator[str]:
    """One line for each example, with character offsets. Raises `DataError` for what could not be read back."""
    for example in examples:
        for span in example.entities:
            problem = fault(span.start, span.end, len(example.text))
            if problem or not span.label:
                raise DataError(f"example {example.id!r}: an entity {problem or 'has no label; give it one'}")
        rows = [{"start": s.start, "end": s.end, "label": s.label} for s in example.entities]
        yield dumps({"id": example.id, "text": example.text, "entities": rows})


def sniff(texts: Iterator[str]) -> bool:
    """Whether the first line opens an object."""
    return next(texts, "").lstrip().startswith("{")


def dumps(record: Mapping[str, Any]) -> str:
    """A record as one line of JSON that can be encoded as UTF-8 and reads back as it was.

    Characters stand as they are, unless the record holds lone surrogates: that line is then written in ASCII escapes.
    Raises `DataError` for a high and a low surrogate side by side, which JSON takes for the character they make up.
    """
    line = json.dumps(record, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        if _PAIR.search(line):
            raise DataError(f"record {record.get('id')!r}: a split surrogate pair; join it to one character") from None
        return json.dumps(record)
    return line


def records(lines: Iterable[Line]) -> Iterator[tuple[Line, dict[str, Any]]]:
    """The objects of a file, each with its line; blank lines are passed over. Raises `DataError`."""
    for line in lines:
        if line.text.strip():
            yield line, _record(line)


def _record(line: Line) -> dict[str, Any]:
    try:
        record = json.loads(line.text)
    except json.JSONDecodeError as error:
        raise line.error(f"not valid JSON ({error.msg}, column {error.colno}); write one object a line") from None
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else "a number has too many digits"
        raise line.error(f"not usable JSON ({reason}); mend the line") from None
    if not isinstance(record, dict):
        raise line.error('not a JSON object; write one object with a "text" on each line')
    return record


def _id(line: Line, record: dict[str, Any]) -> str:
    value = record.get("id")
    if value is None:
        return str(line.number)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise line.error(f'"id" is {_kind(record, "id")}; give a string or a whole number')
    return str(value)


def _text(line: Line, record: dict[str, Any]) -> tuple[str, list[Span] | None]:
    """The text and, if it is given as tokens, where each stands."""
    if "text" not in record and "tokens" in record:
        tokens = record["tokens"]
        if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
            raise line.error('"tokens" is not a list of strings, none of them empty; mend it, or give "text"')
        return join(tokens)
    text = record.get("text")
    if not isinstance(text, str):
        raise line.error(f'"text" is {_kind(record, "text")}; give a string')
    return text, None


def _entity(line: Line, name: str, row: object, text: str, tokens: list[Span] | None) -> Span:
    if not isinstance(row, dict):
        raise line.error(f'{name} is not an object; write {{"start": 0, "end": 3, "label": "PER"}}')
    start, end = _offset(line, name, row, "start"), _offset(line, name, row, "end")
    label = row.get("label")
    if not isinstance(label, str) or not label.strip():
        raise line.error(f'"label" of {name} is {_kind(row, "label")}; give its type as a string')
    problem = fault(start, end, len(text)) if tokens is None else fault(start, end, len(tokens), "token")
    if problem:
        raise line.error(f"{name} {problem}")
    if tokens is not None:
        return Span(tokens[start].start, tokens[end - 1].end, label)
    mention = row.get("text", text[start:end])
    if mention != text[start:end]:
        there = text[start:end][:40]
        raise line.error(
            f"{name} says another text than stands at its offsets ({there!r}); count characters, not bytes"
        )
    return Span(start, end, label)


def _offset(line: Line, name: str, row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise line.error(f'"{key}" of {name} is {_kind(row, key)}; give a whole number')
    return value


def _kind(record: dict[str, Any], key: str) -> str:
    if key not in record:
        return "missing"
    value = record[key]
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value!r}, not a whole number"
    if isinstance(value, str) and not value.strip():
        return "blank"
    return {str: "a string", int: "a number", list: "a list", dict: "an object"}[type(value)]


JSONL = Format("jsonl", documents, examples, lines, (".jsonl", ".json", ".ndjson"), sniff)
