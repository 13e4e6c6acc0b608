"""JSONL: one object a line; also one array of objects, or objects over several lines.

    {"id": "a1", "text": "Ada met Bob .", "entities": [{"start": 0, "end": 3, "label": "PER"}]}
    {"id": "a1", "tokens": ["Ada", "met", "Bob", "."], "entities": [{"start": 0, "end": 1, "label": "PER"}]}

Offsets are half-open and count characters of the text, or tokens where there are tokens (see `offsets.join`). `id` may
be missing: it is then the line number. Blank lines are skipped. An entity may repeat its `text`, as annotations do: it
is then compared, which finds offsets that count bytes or UTF-16 units. Entities of some other tools are read, too (see
`foreign`). Of a text to annotate, an object under `meta` and what stands under keys that are none of these is carried
along; where both have a key, that of `meta` counts.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from el4ner.data import Document, Example, Span
from el4ner.errors import DataError
from el4ner.formats.foreign import as_ours, as_record, keys_seen, looks_like
from el4ner.formats.format import Format
from el4ner.formats.label_names import name_fault, quoted
from el4ner.formats.layout import FileLayout
from el4ner.formats.lines import Line
from el4ner.formats.offsets import fault, join, unit_of
from el4ner.formats.strict_json import load_values

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BEGINS = re.compile(r'\{|\[\s*(?:\{|\[\s*"|"(?:[^"\\]|\\.)*+"\s*,\s*\{)')
_EVIDENCE = frozenset(["el4ner", "decision", "ballots", "traces"])
_USUAL = FileLayout()
_IDS = 1_000_000  # ids that are remembered, to say which comes twice

_Placed = tuple[Line, dict[str, Any]]


def documents(lines: Iterable[Line], layout: FileLayout = _USUAL) -> Iterator[Document]:
    """The texts; entities are ignored. Raises `DataError`."""
    for line, record in _told_twice(records(lines), layout):
        yield Document(_id(line, record, layout), _text(line, record, layout)[0], _meta(line, record, layout))


def examples(lines: Iterable[Line], layout: FileLayout = _USUAL) -> Iterator[Example]:
    """The labelled texts. Raises `DataError`."""
    for line, given in _told_twice(records(lines), layout):
        try:
            record = as_ours(given)
        except ValueError as error:
            raise line.error(str(error)) from None
        if "text" in record and "tokens" in record:
            raise line.error('both "text" and "tokens"; leave one out, so that it is clear what the offsets count')
        text, tokens = _text(line, record, layout)
        rows = record.get("entities")
        if not isinstance(rows, list):
            missing = f'"entities" is {_kind(record, "entities")}'
            raise line.error(_advised(record, missing, "give a list, [] for a text without any"))
        found = tuple(_entity(line, f"entity {n}", row, text, tokens) for n, row in enumerate(rows, start=1))
        yield Example(_id(line, record, layout), text, found)


def lines(examples: Iterable[Example]) -> Iterator[str]:
    """One line for each example, with character offsets. Raises `DataError` for what could not be read back."""
    return (dumps(record_of(example)) for example in examples)


def record_of(example: Example) -> dict[str, Any]:
    """An example as the object of its line. Raises `DataError` for what could not be read back."""
    for span in example.entities:
        problem = fault(span.start, span.end, len(example.text))
        if problem or not span.label:
            raise DataError(f"example {example.id!r}: an entity {problem or 'has no label; give it one'}")
    rows = [{"start": s.start, "end": s.end, "label": s.label} for s in example.entities]
    return {"id": example.id, "text": example.text, "entities": rows}


def sniff(texts: Iterator[str]) -> bool:
    """Whether the first line opens an object, or an array of some."""
    first = next(texts, "").strip()
    if first == "[":
        first += next(texts, "").strip()
    return _BEGINS.match(first) is not None


def fit(lines: Iterator[Line], layout: FileLayout) -> Format:
    """The format that takes the text, or the id, from the keys that the layout names."""
    layout.only("JSONL", "text", "id")
    return Format(JSONL.name, partial(documents, layout=layout), partial(examples, layout=layout), JSONL.write)


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
    for line, value in load_values(lines):
        record = as_record(value)
        if record is None:
            raise line.error('not a JSON object; write one object with a "text" on each line')
        yield line, record


def _told_twice(records: Iterable[_Placed], layout: FileLayout) -> Iterator[_Placed]:
    """The same records; the first id that comes twice is warned of."""
    places: dict[str, int] = {}
    told = False
    for line, record in records:
        name = record.get(layout.id or "id")
        if name is not None and not told and len(places) < _IDS:
            first = places.setdefault(str(name), line.number)
            if first != line.number:
                told = True
                twice = f"the id {str(name)[:40]!r} stands in line {first}, too"
                warnings.warn(f"{line.file}, line {line.number}: {twice}; give each text its own", stacklevel=2)
        yield line, record


def _id(line: Line, record: Mapping[str, Any], layout: FileLayout) -> str:
    key = layout.id or "id"
    value = record.get(key)
    if value is None and not layout.id:
        return str(line.number)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise line.error(f'"{key}" is {_kind(record, key)}; give a string or a whole number')
    return str(value)


def _text(line: Line, record: Mapping[str, Any], layout: FileLayout) -> tuple[str, list[Span] | None]:
    """The text and, if it is given as tokens, where each stands."""
    key = layout.text or "text"
    if key not in record and "tokens" in record and not layout.text:
        tokens = record["tokens"]
        if not isinstance(tokens, list) or not all(isinstance(token, str) and token for token in tokens):
            raise line.error('"tokens" is not a list of strings, none of them empty; mend it, or give "text"')
        return join(tokens)
    text = record.get(key)
    if not isinstance(text, str):
        advice = "give a string" if key in record else "give a string, or name its key by --column"
        raise line.error(_advised(record, f'"{key}" is {_kind(record, key)}', advice))
    return text, None


def _meta(line: Line, record: Mapping[str, Any], layout: FileLayout) -> dict[str, Any]:
    """What is carried along."""
    own = record.get("meta", {})
    if not isinstance(own, dict):
        raise line.error(f'"meta" is {_kind(record, "meta")}; give an object')
    known = _ours(record) | {layout.text or "text", layout.id or "id", "meta"}
    return {key: value for key, value in record.items() if key not in known} | own


def _ours(record: Mapping[str, Any]) -> frozenset[str]:
    """The keys under which stands what `el4ner annotate` writes, or a labelled text: not what others call so."""
    failed, told = record.get("failed"), record.get("warnings")
    ours = {
        "entities": True,
        "tokens": "text" not in record,
        "failed": "entities" in record and isinstance(failed, dict) and _are_texts(failed.values()),
        "warnings": "entities" in record and isinstance(told, list) and _are_texts(told),
    } | dict.fromkeys(_EVIDENCE, record.keys() >= _EVIDENCE)
    return frozenset(key for key, is_ours in ours.items() if is_ours)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _advised(record: Mapping[str, Any], fault: str, advice: str) -> str:
    """The fault, and whose form this looks like; or else the keys that there are, and what to do."""
    if whose := looks_like(dict(record)):
        return f"{fault}; {whose}"
    return f"{fault}; {advice}" + (f" (the keys are {keys_seen(dict(record))})" if record else "")


def _entity(line: Line, name: str, row: object, text: str, tokens: list[Span] | None) -> Span:
    if not isinstance(row, dict):
        raise line.error(f'{name} is not an object; write {{"start": 0, "end": 3, "label": "PER"}}')
    start, end = _offset(line, name, row, "start"), _offset(line, name, row, "end")
    label = row.get("label")
    if not isinstance(label, str) or not label.strip():
        fault_ = f'"label" of {name} is {_kind(row, "label")}'
        raise line.error(_advised(row, fault_, "give its type as a string"))
    if problem := name_fault(label):
        raise line.error(f"the label {quoted(label)} {problem}")
    problem = fault(start, end, len(text)) if tokens is None else fault(start, end, len(tokens), "token")
    if problem:
        raise line.error(f"{name} {problem}")
    if tokens is not None:
        start, end = tokens[start].start, tokens[end - 1].end
    _compare(line, name, row, text, Span(start, end), tokens is not None)
    return Span(start, end, label)


def _compare(line: Line, name: str, row: Mapping[str, Any], text: str, place: Span, by_tokens: bool) -> None:
    """Raises `DataError` where an entity tells its text, and another one stands at its offsets."""
    there = text[place.start : place.end]
    mention = row.get("text", there)
    if mention == there or (by_tokens and "".join(str(mention).split()) == "".join(there.split())):
        return
    unit = "" if by_tokens else unit_of(text, place.start, place.end, str(mention))
    advice = f"its offsets {unit}; count characters, the end exclusive" if unit else "count characters, not bytes"
    raise line.error(f"{name} says another text than stands at its offsets ({there[:40]!r}); {advice}")


def _offset(line: Line, name: str, row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise line.error(_advised(row, f'"{key}" of {name} is {_kind(row, key)}', "give a whole number"))
    return value


def _kind(record: Mapping[str, Any], key: str) -> str:
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


JSONL = Format("jsonl", documents, examples, lines, (".jsonl", ".json", ".ndjson"), sniff, fit)
