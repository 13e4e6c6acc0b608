"""Words of a text with their offsets: the units of tagging, of grammars and of word boundaries.

A word is a run of letters, digits and underscores with the marks that belong to them; in scripts that are written
without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) it is a single character; any other visible character stands
alone.
"""

from __future__ import annotations

import re
import unicodedata

from el4ner.data import Span

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")
_WORD = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\\w[{_MARKS}]*)+|\\S")
_MARK = re.compile(f"[{_MARKS}]")


def words(text: str) -> list[Span]:
    """The words in order: they do not overlap and cover every character that is not white space."""
    return [Span(m.start(), m.end()) for m in _WORD.finditer(text)]


def splits_word(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` goes through a word."""
    if not 0 < at < len(text):
        return False
    start = at - 1
    while start > 0 and _MARK.match(text, start):
        start -= 1
    match = _WORD.match(text, start)
    return match is not None and match.end() > at
