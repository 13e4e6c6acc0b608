"""JSON as its standard has it, for what users give: whatever would be lost or could not be written again is refused.

The standard library reads NaN and Infinity, takes 1e999 for infinite, and of a key that stands twice the last value.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from math import isinf
from pathlib import Path
from typing import Any

from el4ner.errors import DataError
from el4ner.formats.lines import Line

_DEEPEST = 100  # levels of lists and objects
_SPACE = re.compile(r"[ \t\r\n]*")
_OPEN = re.compile(r"\s*[\[{](?:.*[\[{,:])?\s*")  # a line that ends within a value
_ARRAY = re.compile(r"\s*\[\s*(?:[\[{\]]|$)")  # of objects or lists; a value on a line of its own may begin with ["


class NotJSON(ValueError):
    """Why a text is no JSON, in a few words, and the offset at which that shows (None where it is not known)."""

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason)
        self.at = at


def loads(text: str) -> Any:
    """The value of a text. Raises `NotJSON`."""
    value, end = _decode(text, _skip(text, 0))
    if end < len(text):
        raise NotJSON("not valid JSON (something stands behind the value)", end)
    return value


def load_json(file: Path, advice: str) -> Any:
    """The one value of a file. Raises `DataError`, which ends with the advice."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        return loads(text)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start} is not valid UTF-8; save the file as UTF-8") from None
    except NotJSON as error:
        where = "" if error.at is None else f", line {text.count(chr(10), 0, error.at) + 1}"
        raise DataError(f"{file}{where}: {error}; {advice}") from None


def load_values(lines: Iterable[Line]) -> Iterator[tuple[Line, Any]]:
    """The values of a file, each with the line where it begins.

    One stands on each line, and blank lines are passed over; but a file may also be one array of them, or begin with a
    value that goes on over several lines, as printers that indent write them: it is then read whole. Raises `DataError`
    with the line.
    """
    filled = (line for line in lines if line.text.strip())
    for first in filled:
        array = _ARRAY.match(first.text) is not None
        if array or _OPEN.fullmatch(first.text):
            yield from _spread([first, *filled], array)
        else:
            yield from ((line, _on_one(line)) for line in chain([first], filled))


def _on_one(line: Line) -> Any:
    try:
        return loads(line.text)
    except NotJSON as error:
        column = "" if error.at is None else f", column {error.at + 1}"
        raise line.error(f"{error}{column}; write one object a line") from None


def _spread(lines: list[Line], array: bool) -> Iterator[tuple[Line, Any]]:
    """Values that do not keep to lines: those in an array, or one behind the other."""
    text = "\n".join(line.text for line in lines)
    starts = list(accumulate((len(line.text) + 1 for line in lines), initial=0))[:-1]

    def line_at(at: int) -> Line:
        return lines[bisect_right(starts, min(at, len(text) - 1)) - 1]

    at = _skip(text, 0)
    if array:
        at = _skip(text, at + 1)
        if text.startswith("]", at):
            at, array = _skip(text, at + 1), False
    while at < len(text):
        line = line_at(at)
        try:
            value, at = _decode(text, at)
        except NotJSON as error:
            raise (line_at(error.at) if error.at else line).error(f"{error}; mend the file") from None
        yield line, value
        if array and text.startswith("]", at):
            at, array = _skip(text, at + 1), False
            if at < len(text):
                raise line_at(at).error("something stands behind the array; keep one array in a file")
        elif array and text.startswith(",", at):
            at = _skip(text, at + 1)
        elif array and at < len(text):
            raise line_at(at).error("not valid JSON (a comma or the array's end is missing); mend the file")
    if array:
        raise lines[-1].error("not valid JSON (the array does not end); the file seems cut off")


def _decode(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at an offset, and the offset behind it and the white space that follows."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise NotJSON(f"not valid JSON ({error.msg})", error.pos) from None
    except _Refused as error:
        raise NotJSON(f"not usable JSON ({error})", error.found(text, at)) from None
    except RecursionError:
        raise NotJSON("not usable JSON (too deeply nested)") from None
    except ValueError:
        raise NotJSON("not usable JSON (a number has too many digits)") from None
    if _deep(value):
        raise NotJSON(f"not usable JSON (too deeply nested, more than {_DEEPEST} levels)")
    return value, _skip(text, end)


class _Refused(Exception):
    """What the standard library would let pass; `word` is a regular expression of what stands there outside strings."""

    def __init__(self, reason: str, word: str) -> None:
        super().__init__(reason)
        self.word = word

    def found(self, text: str, at: int) -> int | None:
        """The offset of the word."""
        parts = re.compile(rf'({self.word})|"(?:[^"\\]|\\.)*+"?').finditer(text, at)
        return next((part.start() for part in parts if part[1]), None)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _Refused(f"the key {json.dumps(key[:40])} stands twice in one object", re.escape(json.dumps(key)))
    return record


def _constant(word: str) -> float:
    raise _Refused(f"{word} is no number in JSON; write null", word)


def _float(word: str) -> float:
    number = float(word)
    if isinf(number):
        raise _Refused(f"{word[:40]} is too large for a number", re.escape(word))
    return number


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner for v in level if isinstance(v, dict | list) for inner in (v.values() if isinstance(v, dict) else v)
        ]
        if not level:
            return False
    return True


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
