"""JSON in replies, however it is wrapped: in words, in lists, under one key or another, broken off."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from el4ner.data import EMPTY
from el4ner.prompts.item import Item

_LISTING = re.compile(r'\s*\{\s*"entities"\s*:\s*\[')
_ANSWER = re.compile(r'\s*\{\s*"answer"\s*:\s*("(?:[^"\\]|\\.)*")')
_ESCAPE = re.compile(r"(\\[\\'\"abfnrtvxuUN0-7\n])|\\")  # one that Python knows, or else a mere backslash
_GAP = re.compile(r"[\s,]*")
_OPENING = re.compile(r"[\[{]")
_TRIES = 20  # places at which JSON could begin that are tried
_LONGEST = 50_000  # characters of a Python literal that are parsed
_DEEPEST = 4  # wrappers around a list that are taken off
_TEXTS = (
    "text",
    "entity",
    "name",
    "span",
    "word",
    "mention",
    "surface",
    "value",
    "string",
    "entity_text",
    "entity_name",
)
_WRAPPERS = (
    "entities",
    "arguments",
    "parameters",
    "function",
    "input",
    "output",
    "result",
    "results",
    "data",
    "answer",
)
_TYPES = ("type", "label", "category", "entity_type", "class", "tag", "entity_group", "ner", "kind", "entity")


def json_items(text: str, labels: Collection[str]) -> list[Item] | None:
    """The entries of JSON that a text is, or holds; None where there is none. Broken off: those that are complete.

    A list of objects with a text and a type, of strings, or of pairs; types with their lists; names with their types.
    """
    if broken := _LISTING.match(text):
        value = loaded(text)
        return _listed(_complete(text, broken.end()) if value is None else value, labels)
    for value in _values(text):
        if (found := _listed(value, labels)) or value in ([], {}) or _all_empty(value):
            return found
    return [] if isinstance(loaded(text), dict | list) else None


def json_answer(text: str) -> str | None:
    """The answer in JSON: a string, or the one string among an object's values; None where there is none."""
    if broken := _ANSWER.match(text):
        return str(loaded(broken[1]))
    for value in _values(text):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, dict):
            said = [v for k, v in value.items() if k in ("answer", *_TYPES)] or list(value.values())
            value = said[0] if len(said) == 1 and not isinstance(said[0], int | float) else _weighed(value)
            value = str(value).lower() if isinstance(value, bool) else value
        if isinstance(value, str):
            return value
    return None


def _weighed(value: Mapping[str, object]) -> object:
    """The answer where each option has a truth value or a number; an answer that is one of these."""
    if len(value) == 1 and (said := value.get("answer")) is not None:
        return said
    numbers = {key: float(said) for key, said in value.items() if isinstance(said, int | float)}
    best = [key for key, number in numbers.items() if number == max(numbers.values())]
    return best[0] if len(best) == 1 and len(numbers) == len(value) and numbers[best[0]] > 0 else None


def loaded(text: str) -> object:
    """The value that a text spells in JSON, or in Python's quotes; None where it spells none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _LONGEST or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        # Python would warn of escapes that it does not know, on the terminal.
        return ast.literal_eval(_ESCAPE.sub(lambda found: found[1] or "\\\\", text.strip()))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _values(text: str) -> Iterator[object]:
    """What a text spells, whole; else, where words stand around it, what the first places spell that open a bracket.

    Objects on lines of their own come as a list.
    """
    if (whole := loaded(text)) is not None:
        yield whole
        return
    decoder = json.JSONDecoder()
    found: list[object] = []
    at = tries = 0
    while tries < _TRIES and (opening := _OPENING.search(text, at)):
        tries += not found
        try:
            value, at = decoder.raw_decode(text, opening.start())
            found.append(value)
        except (ValueError, RecursionError):
            at = opening.end()
            if found:
                break
    if found and all(isinstance(value, dict) for value in found):
        yield found if len(found) > 1 else found[0]
    yield from found


def _listed(value: object, labels: Collection[str], depth: int = 0) -> list[Item]:
    if depth > _DEEPEST:
        return []
    if isinstance(value, list | tuple):
        items = [item for entry in value for item in _entry(entry, labels)]
        return [item for item in items if not item.empty]
    if not isinstance(value, dict):
        return []
    for key in _WRAPPERS:
        inner = value.get(key)
        inner = loaded(inner) if isinstance(inner, str) else inner
        if isinstance(inner, list | dict):
            return _listed(inner, labels, depth + 1)
    if single := [item for item in _entry(value, labels) if not item.empty]:
        return single
    known = {label.casefold(): label for label in labels}
    if all(isinstance(v, str) and v.casefold() in known for v in value.values()):  # name: type
        return [Item(str(name), known[str(v).casefold()]) for name, v in value.items()]
    typed = {k: v for k, v in value.items() if str(k).casefold() in known}
    if typed:  # type: names
        return [
            Item(name, known[str(k).casefold()])
            for k, v in typed.items()
            for name in ([v] if isinstance(v, str) else v if isinstance(v, list | tuple | set) else [])
            if isinstance(name, str) and not Item(name).empty
        ]
    return _listed(next(iter(value.values())), labels, depth + 1) if len(value) == 1 else []


def _entry(entry: object, labels: Collection[str]) -> Iterator[Item]:
    """One entry: a string, an object, or a pair of name and type."""
    if isinstance(entry, str):
        yield Item(entry)
    elif isinstance(entry, list | tuple) and len(entry) == 2 and all(isinstance(part, str) for part in entry):
        name, kind = entry[::-1] if _is_label(entry[0], labels) and not _is_label(entry[1], labels) else entry
        yield _typed(name, kind, labels)
    elif isinstance(entry, dict):
        keys = {str(key).casefold(): key for key in entry}
        kind = next((k for k in _TYPES if k in keys and _is_label(entry[keys[k]], labels)), None)
        kind = kind or next((k for k in _TYPES if k in keys and k != "entity"), None)
        kind = kind or next((k for k, key in keys.items() if _is_label(entry[key], labels)), None)
        name = next((k for k in _TEXTS if k in keys and k != kind and isinstance(entry[keys[k]], str)), None)
        said = entry[keys[kind]] if kind is not None else None
        if name is not None:
            yield _typed(entry[keys[name]], said if isinstance(said, str) else None, labels)
        elif isinstance(said, str) and type(entry.get("start")) is type(entry.get("end")) is int:
            yield replace(_typed("", said, labels), at=(entry["start"], entry["end"]))


def _typed(name: str, said: str | None, labels: Collection[str]) -> Item:
    """The type as it is known, if it differs in case alone."""
    alike = [label for label in labels if said is not None and label.casefold() == said.strip().casefold()]
    return Item(name, said if said in labels or len(alike) != 1 else alike[0])


def _is_label(value: object, labels: Collection[str]) -> bool:
    return isinstance(value, str) and value.strip().casefold() in {label.casefold() for label in labels}


def _all_empty(value: object) -> bool:
    """Whether this says that there is nothing: `{"entities": []}`, `{"person": [], "location": []}`, `["none"]`."""
    if isinstance(value, dict):
        return bool(value) and all(v in ([], {}, None, "") or str(v).casefold() == EMPTY for v in value.values())
    return isinstance(value, list) and all(isinstance(v, str) and Item(v).empty for v in value)


def _complete(text: str, at: int) -> list[object]:
    """The entries of a JSON list that was broken off: those that were complete."""
    entries: list[object] = []
    decoder = json.JSONDecoder()
    while gap := _GAP.match(text, at):
        try:
            entry, at = decoder.raw_decode(text, gap.end())
        except (ValueError, RecursionError):
            break
        entries.append(entry)
    return entries
