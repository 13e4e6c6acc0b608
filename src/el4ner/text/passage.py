"""What a model is shown of a text, and the way back.

A model is shown one line: every run of white space and control characters is one space, and what a tokenizer could
take for its own control tokens (`<|im_end|>`, `[INST]`, `</s>`, `[|user|]`) is spelt with look-alikes. Each shown
character remembers the offset that it stands for, so that a place in the shown text is a place in the text as given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from el4ner.data import Span

_CONTROL_TOKEN = re.compile(
    r"<[｜|][^<>]{0,40}[｜|]>|\[[｜|][^\[\]]{0,40}[｜|]\]|\[/?[a-z]?[A-Z_][A-Z0-9_]{1,24}\]|</?[A-Za-z_][A-Za-z0-9_:]{0,20}>"
)
_LOOKALIKE = str.maketrans({"<": "‹", ">": "›", "|": "¦", "｜": "¦", "[": "⁅", "]": "⁆"})
_SENTENCE_END = re.compile(r"[.!?]+[\"')\]]*(?=\s)|[。！？]+[”’」』）]*|\n+")
_SPACE = re.compile(r"\s+")
_LONGEST = 8000  # characters of a passage at most: keeps the search for a cut linear in the text


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a text as models see it: `shown[i]` stands for the character at `origin[i]` of the given text."""

    document: int
    shown: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int, label: str | None = None) -> Span:
        """The span of the given text that `shown[start:end]` stands for."""
        return Span(self.origin[start], self.origin[end - 1] + 1, label)


def passage(text: str, start: int = 0, end: int | None = None, document: int = 0) -> Passage:
    """Show `text[start:end]`."""
    shown: list[str] = []
    origin: list[int] = []
    for at in range(start, len(text) if end is None else end):
        char = _shown(text[at])
        if char == " " and (not shown or shown[-1] == " "):
            continue
        shown.append(char)
        origin.append(at)
    if shown and shown[-1] == " ":
        shown.pop()
        origin.pop()
    line = _CONTROL_TOKEN.sub(lambda m: m[0].translate(_LOOKALIKE), "".join(shown))
    return Passage(document, line, tuple(origin))


def show(text: str) -> str:
    """The line that a model is shown for a text, where no way back is needed."""
    if text.isprintable():  # then spaces are all that there is to tidy: a tenth of the time
        return _CONTROL_TOKEN.sub(lambda m: m[0].translate(_LOOKALIKE), " ".join(text.split()))
    return passage(text).shown


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "\ufffd" if category == "Cs" else char


def bytes_up_to(limit: int) -> Callable[[str], bool]:
    """Whether a shown line has so many bytes of UTF-8 at most, for `cut`."""
    return lambda line: len(line.encode()) <= limit


def cut(text: str, fits: Callable[[str], bool], document: int = 0) -> list[Passage]:
    """Cut a text into passages that fit, at sentence ends where there are any, else at spaces, else anywhere.

    Together they cover the whole text; a text that shows nothing gives no passage.
    """
    if len(text) <= _LONGEST:
        whole = passage(text, document=document)
        if not whole.shown or fits(whole.shown):
            return [whole] if whole.shown else []
    pieces: list[Passage] = []
    start = 0
    while start < len(text):
        end = _furthest(text, start, fits)
        piece = passage(text, start, end, document)
        if piece.shown:
            pieces.append(piece)
        start = end
    return pieces


def _furthest(text: str, start: int, fits: Callable[[str], bool]) -> int:
    """The end of the longest stretch from `start` that fits."""
    limit = min(len(text), start + _LONGEST)
    for pattern in (_SENTENCE_END, _SPACE):
        ends = list(_breaks(pattern, text, start, limit))
        if fitting := bisect_left(ends, True, key=lambda end: not fits(show(text[start:end]))):
            return ends[fitting - 1]
    low, high = start + 1, limit  # no break fits: the longest run of characters that does, at least one
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(show(text[start:middle])) else (low, middle - 1)
    return low


def _breaks(pattern: re.Pattern[str], text: str, start: int, limit: int) -> Iterator[int]:
    yield from (match.end() for match in pattern.finditer(text, start, limit))
    if limit == len(text):
        yield limit
