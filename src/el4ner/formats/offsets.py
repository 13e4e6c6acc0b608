"""Tokens to a text, and offsets that cannot be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from el4ner.data import Span

# Han, Kana and the punctuation and full-width forms that go with them. Hangul is written with spaces.
_CJK = (
    "\u2e80-\u2fdf\u3000-\u30ff\u31c0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"(?<=[{_CJK}])(?=[{_CJK}])")
_CHUNK = re.compile(r"[^ \t\r\n]+")


def join(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """The text of these tokens and where each stands in it.

    They are joined by one space, or by nothing where both neighbouring characters are Chinese or Japanese.
    """
    pieces: list[str] = []
    spans: list[Span] = []
    length, before = 0, ""
    for token in tokens:
        gap = " " if pieces and not _UNSPACED.search(before + token[:1]) else ""
        pieces.append(gap + token)
        spans.append(Span(length + len(gap), length + len(gap) + len(token)))
        length, before = spans[-1].end, token[-1:]
    return "".join(pieces), spans


def split(text: str, cuts: Sequence[int]) -> list[Span]:
    """The tokens of a text: cut at spaces, tabs and line ends, at `cuts`, and between Chinese or Japanese characters.

    For texts that `join` made, with cuts at its tokens' edges, `join` gives the same text again.
    """
    inner = sorted({*cuts, *(m.start() for m in _UNSPACED.finditer(text))})
    tokens: list[Span] = []
    at = 0
    for chunk in _CHUNK.finditer(text):
        start = chunk.start()
        while at < len(inner) and inner[at] < chunk.end():
            if inner[at] > start:
                tokens.append(Span(start, inner[at]))
                start = inner[at]
            at += 1
        tokens.append(Span(start, chunk.end()))
    return tokens


def fault(start: int, end: int, length: int, unit: str = "character") -> str:
    """What is wrong with the half-open offsets `start` to `end` into `length` units, and what to do; "" if nothing."""
    if start < 0:
        return f"starts at {_short(start)}, before the text; offsets count {unit}s from 0"
    if start >= end:
        return f"is empty (start {_short(start)}, end {_short(end)}); the end is the offset after its last {unit}"
    if end > length:
        return f"ends at {_short(end)} but the text has {length} {unit}s; count offsets in {unit}s, the end exclusive"
    return ""


def unit_of(text: str, start: int, end: int, mention: str) -> str:
    """What offsets count if `mention` stands there, but not at these characters: to go on "its offsets ..."."""
    if text[start : end + 1] == mention:
        return "have the last character as their end"
    if start and text[start - 1 : end] == mention:
        return "count from 1"
    if text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end] == mention.encode("utf-16-le", "surrogatepass"):
        return "count UTF-16 units"
    if text.encode("utf-8", "surrogatepass")[start:end] == mention.encode("utf-8", "surrogatepass"):
        return "count bytes"
    return "count line ends as two characters" if text.replace("\n", "\r\n")[start:end] == mention else ""


def _short(number: int) -> str:
    return str(number) if abs(number) < 10**15 else "more than 10^15" if number > 0 else "less than -10^15"
