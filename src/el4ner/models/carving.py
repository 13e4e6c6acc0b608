"""Rows of a reply store, read from the bytes of its file, whatever SQLite makes of it.

A row stands in a page as a record: the length of its head, the head (a number for the type of each column), the values;
what does not fit is in a chain of overflow pages. All rows of a store begin with a digest of 32 or 16 bytes, by which
they are found, and a reply's checksum tells whether it is sound. So neither the file's header, nor the tree of pages,
nor a table's definition need be whole. After https://sqlite.org/fileformat2.html, sections 1.5, 1.6, 2.1 and 4.1.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from el4ner.models.store_file import PAGE
from el4ner.models.stored_reply import load_row

Value = int | float | bytes | str | None
Row = tuple[str, tuple[Value, ...]]  # the table, and what is put into it
_Pages = Callable[[int], bytes]  # by number, from 1

_HEAD = re.compile(rb"(?=[\x04-\x10][\x2c\x4c])")  # its length, then the type of a digest
_DIGESTS = {16: 0x2C, 32: 0x4C}
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes by type
_MOST = (PAGE - 12) * 64 // 255 - 23  # bytes of a record that stand in its page
_LEAST = (PAGE - 12) * 32 // 255 - 23  # if there are overflow pages
_LARGEST = 1 << 26  # bytes of a record
_FRAME = struct.Struct(">II8s8x")  # page, pages of the file or 0, salt, checksum


def carved(path: Path) -> Iterator[Row]:
    """All rows that can be read of a store's file and what was written ahead of it; a row may come twice.

    Those that were written later come later. Raises `OSError`.
    """
    with path.open("rb") as file:
        for number in range(1, path.stat().st_size // PAGE + 2):
            yield from _rows(_page(file, (number - 1) * PAGE), lambda n: _page(file, (n - 1) * PAGE))
        ahead = path.with_name(f"{path.name}-wal")
        if ahead.exists():
            with ahead.open("rb") as log:
                yield from _ahead(log, file)


def _ahead(log: IO[bytes], file: IO[bytes]) -> Iterator[Row]:
    """Rows of the write-ahead log: pages that are newer than the file's."""
    salt, at, frames = log.read(32)[16:24], 32, []
    while len(head := _page(log, at)[: _FRAME.size]) == _FRAME.size:
        number, _, own = _FRAME.unpack(head)
        if own == salt:  # others are left from before the log was begun anew
            frames.append((number, at + _FRAME.size))
        at += _FRAME.size + PAGE
    newest = dict(frames)

    def page(number: int) -> bytes:
        return _page(log, newest[number]) if number in newest else _page(file, (number - 1) * PAGE)

    for _, place in frames:
        yield from _rows(_page(log, place), page)


def _page(file: IO[bytes], at: int) -> bytes:
    file.seek(max(0, at))
    return file.read(PAGE)


def _rows(page: bytes, pages: _Pages) -> Iterator[Row]:
    for found in _HEAD.finditer(page):
        if (record := _record(page, found.start(), pages)) and (row := _row(record)):
            yield row


def _record(page: bytes, at: int, pages: _Pages) -> list[Value] | None:
    """The values of the record that begins here, if one does; texts as bytes."""
    types = _types(page[at + 1 : at + page[at]])
    sizes = [_size(kind) for kind in types]
    whole = page[at] + sum(sizes)
    payload = _payload(page, at, whole, pages) if types and whole <= _LARGEST else b""
    if len(payload) < whole:
        return None
    values, start = [], page[at]
    for kind, size in zip(types, sizes, strict=True):
        values.append(_value(kind, payload[start : start + size]))
        start += size
    return values


def _types(head: bytes) -> list[int]:
    """The numbers of a head, each of one or more bytes."""
    types, number = [], 0
    for byte in head:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            types.append(number)
            number = 0
    return types


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return 8 if kind == 7 else _INTEGERS.get(kind, 0)


def _payload(page: bytes, at: int, whole: int, pages: _Pages) -> bytes:
    """The bytes of a record; fewer where some are not there."""
    if whole <= _MOST:
        return page[at : at + whole]
    here = _LEAST + (whole - _LEAST) % (PAGE - 4)
    here = here if here <= _MOST else _LEAST
    parts, left, following = [page[at : at + here]], whole - here, page[at + here : at + here + 4]
    while left > 0 and len(following) == 4 and any(following):
        more = pages(int.from_bytes(following, "big"))
        following, part = more[:4], more[4 : 4 + left]
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _value(kind: int, raw: bytes) -> Value:
    if kind >= 12:
        return raw
    if kind == 7:
        return float(struct.unpack(">d", raw)[0])
    if kind in (8, 9):
        return kind - 8
    return int.from_bytes(raw, "big", signed=True) if kind in _INTEGERS else None


def _row(record: list[Value]) -> Row | None:
    """What a record is a row of, if it is sound."""
    match record:
        case [bytes(key), bytes(model), bytes(reply), int(), int(), int(), *rest] if len(rest) < 2:
            sum_ = rest[0] if rest else None
            if len(key) == 32 and load_row(key, reply, sum_) and (name := _text(model)):
                return "replies", (key, name, reply.decode(), *record[3:6], sum_)
        case [bytes(key), bytes(model), int(context), int() | float() as used] if len(key) == 32 and context > 0:
            if name := _text(model):
                return "models", (key, name, context, used)
        case [bytes(key), int(tokens), int(used)] if len(key) == 16 and tokens >= 0:
            return "counts", (key, tokens, used)
    return None


def _text(raw: bytes) -> str:
    """The text, empty where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return ""
