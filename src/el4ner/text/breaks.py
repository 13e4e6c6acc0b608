"""Where a text may be cut, from the best places to the worst. One walk over it: linear in any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from el4ner.text.abbreviations import abbreviates


class Break(IntEnum):
    """A kind of place; the smaller, the better to cut at."""

    PARAGRAPH = 0  # behind it, a blank line
    SENTENCE = 1
    LINE = 2
    CLAUSE = 3
    WORD = 4
    TIED = 5  # white space that holds together: Dr. Weber, No. 5, 20 000, what no-break spaces join


_CHUNK = re.compile(r"\S+")
_NEWLINE = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_QUOTES = "\"'“”‘’»«›‹"
_CLOSERS = _QUOTES + ")]}）］】」』〉》*_"
_OPENERS = _QUOTES + "„‚([{（［【「『〈《¿¡-–—*_"
_STOPS = ".!?…‼⁇⁈⁉؟։።"
_PAUSES = ",;:–—،؛"
_NO_BREAK = "\u00a0\u202f\u2007\u2060"
_SHORT = 3  # letters of a word whose stop belongs to the number behind it: No. 5, Abs. 3
# Those that need no space behind them, in scripts that have none or their own.
_SELF_ENDING = re.compile(r"[。！？｡।॥။۔]+[”’」』）】》〉\"']*")
_SELF_PAUSING = re.compile(r"[、，；：](?!\d)")


def breaks(text: str) -> tuple[list[int], ...]:
    """The places by their kind, `Break` after `Break`, in order: before `text[at]` it may be cut.

    A place stands behind its white space. The text's own end is a place of every kind.
    """
    places: tuple[list[int], ...] = tuple([] for _ in Break)
    for kind, at in (*_inner(text), *_spaces(text)):
        places[kind].append(at)
    return tuple(sorted({*found, len(text)}) for found in places)


def _inner(text: str) -> Iterator[tuple[Break, int]]:
    for kind, sign in ((Break.SENTENCE, _SELF_ENDING), (Break.CLAUSE, _SELF_PAUSING)):
        yield from ((kind, match.end()) for match in sign.finditer(text))


def _spaces(text: str) -> Iterator[tuple[Break, int]]:
    before = None
    for after in _CHUNK.finditer(text):
        if before is not None:
            yield _kind(before[0], text[before.end() : after.start()], after[0]), after.start()
        before = after


def _kind(before: str, gap: str, after: str) -> Break:
    """What the white space between two words is."""
    lines = 0 if gap in (" ", "  ") else len(_NEWLINE.findall(gap))
    if lines > 1:
        return Break.PARAGRAPH
    said = _said(before, after)
    if said is Break.WORD and not lines and all(char in _NO_BREAK for char in gap):
        return Break.TIED
    return Break.LINE if lines and said in (Break.CLAUSE, Break.WORD) else said


def _said(before: str, after: str) -> Break:
    """What the signs say: a sentence ends, something shorter, nothing, or that the two belong together."""
    body = before.rstrip(_CLOSERS)
    word = body.rstrip(_STOPS)
    stops = body[len(word) :]
    if not stops:
        if before[-1] in _PAUSES or body[-1:] in _PAUSES:
            return Break.CLAUSE if body.strip(_PAUSES) or len(before) == 1 else Break.WORD
        return Break.TIED if _one_number(before, after) else Break.WORD
    bare = word.lstrip(_OPENERS)
    following = after.lstrip(_OPENERS)[:1] or after[0]
    quoted = any(char in _QUOTES for char in before[len(body) :])
    if stops == "." and not quoted:
        if abbreviates(bare) or (following.isdecimal() and len(bare) <= _SHORT):
            return Break.TIED
        if following.isdecimal():
            return Break.CLAUSE
    if following.islower() or not bare or stops == "…" or (len(stops) > 1 and set(stops) == {"."}):
        return Break.CLAUSE
    return Break.SENTENCE


def _one_number(before: str, after: str) -> bool:
    """Whether white space stands between the thousands of a number."""
    return before[-1].isdecimal() and after[:3].isdecimal() and len(after) >= 3 and not after[3:4].isdecimal()
