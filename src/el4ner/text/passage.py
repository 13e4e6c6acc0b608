"""What a model is shown of a text, and the way back.

A model is shown one line: every run of white space and control characters is one space, and what a tokenizer could
take for its own control tokens (`<|im_end|>`, `[INST]`, `</s>`, `[|user|]`) is spelt with look-alikes. Each shown
character remembers the offset that it stands for, so that a place in the shown text is a place in the text as given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from el4ner.data import Span
from el4ner.text.breaks import breaks
from el4ner.text.graphemes import splits_grapheme
from el4ner.text.words import words

_CONTROL_TOKEN = re.compile(
    r"<[｜|][^<>]{0,40}[｜|]>|\[[｜|][^\[\]]{0,40}[｜|]\]|\[/?[a-z]?[A-Z_][A-Z0-9_]{1,24}\]|</?[A-Za-z_][A-Za-z0-9_:]{0,20}>"
)
_LOOKALIKE = str.maketrans({"<": "‹", ">": "›", "|": "¦", "｜": "¦", "[": "⁅", "]": "⁆"})
_STEP = 1024  # characters that are tried first when a passage's end is looked for


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
    """Cut a text into passages that fit: at the end of a paragraph, else of a sentence, a line, a clause, a word, else
    anywhere, but not within what a reader takes for one character, if that fits.

    Together they cover the whole text; a text that shows nothing gives no passage. A line must not begin to fit when
    it grows.
    """
    whole = passage(text, document=document)
    if not whole.shown or fits(whole.shown):
        return [whole] if whole.shown else []
    places = [[bisect_left(whole.origin, at) for at in found] for found in breaks(text)]
    pieces: list[Passage] = []
    start = 0
    while start < len(whole.shown):
        end = _end(whole.shown, start, _furthest(whole.shown, start, fits), places)
        pieces.append(_part(whole, start, end))
        start = end + (whole.shown[end : end + 1] == " ")
    return pieces


def _part(whole: Passage, start: int, end: int) -> Passage:
    """A stretch of what is shown, without the space at its end."""
    end -= whole.shown[end - 1] == " "
    return Passage(whole.document, whole.shown[start:end], whole.origin[start:end])


def _furthest(shown: str, start: int, fits: Callable[[str], bool]) -> int:
    """The end of the longest stretch from `start` that fits, of one character at least."""
    step = _STEP
    while start + step < len(shown) and fits(shown[start : start + step].rstrip(" ")):
        step *= 2
    ends = range(start + 2, min(start + step, len(shown)) + 1)
    return start + 1 + bisect_left(ends, True, key=lambda end: not fits(shown[start:end].rstrip(" ")))


def _end(shown: str, start: int, furthest: int, places: Sequence[Sequence[int]]) -> int:
    """The last of the best places to cut between these two."""
    for found in places:
        at = bisect_right(found, furthest + (shown[furthest : furthest + 1] == " "))
        if at and found[at - 1] > start:
            return found[at - 1]
    stretch = shown[start : furthest + 1]
    inner = (word.start for word in reversed(words(stretch)) if word.start and not _one_run(stretch, word.start))
    anywhere = range(furthest - start, 0, -1)
    ends = (at for at in (*inner, *anywhere) if not splits_grapheme(stretch, at))
    return start + next(ends, furthest - start)


def _one_run(line: str, at: int) -> bool:
    """Whether a cut goes through an address, a number, or a word with a hyphen."""
    return line[at - 1].isascii() and line[at].isascii()
