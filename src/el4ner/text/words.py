"""Words of a text with their offsets: the units of tagging, of grammars and of word boundaries.

A word is a run of letters and digits with the marks that belong to them; in scripts that are written without spaces
(Han, Kana, Thai, Lao, Khmer, Myanmar) it is a single character; any other visible character stands alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from el4ner.data import Span

# Scripts whose words carry particles or prefixes that are no part of a name: Korean, Hebrew, Arabic.
AFFIXING = frozenset({"HANGUL", "HEBREW", "ARABIC"})
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c)[0] == "M")
_WORD = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_][{_MARKS}]*)+|\\S")
_LETTER = re.compile(f"(?![{_UNSPACED}])[^\\W_]")
_MARK = re.compile(f"[{_MARKS}]")
_MOST_MARKS = 32  # on one letter: more are no word of any language


def words(text: str) -> list[Span]:
    """The words in order: they do not overlap and cover every character that is not white space."""
    return [Span(m.start(), m.end()) for m in _WORD.finditer(text)]


def splits_word(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` goes through a word."""
    if not 0 < at < len(text):
        return False
    base = at - 1
    while base > max(0, at - _MOST_MARKS) and _MARK.match(text, base):
        base -= 1
    return bool(_LETTER.match(text, base) and (_LETTER.match(text, at) or _MARK.match(text, at)))


def cuts_through(text: str, at: int, scripts: Collection[str]) -> bool:
    """Whether a cut before `text[at]` goes through a word that may not be cut: all but those of these scripts.

    Between a character and its marks nothing is cut.
    """
    if not splits_word(text, at):
        return False
    return bool(_MARK.match(text, at)) or script(text[at]) not in scripts


def inner_cuts(text: str, scripts: Collection[str]) -> tuple[int, ...]:
    """Where words of these scripts may be cut, in order."""
    if not scripts:
        return ()
    return tuple(at for at in range(1, len(text)) if splits_word(text, at) and not cuts_through(text, at, scripts))


def script(char: str) -> str:
    """The script of a letter, as its Unicode name begins: LATIN, HANGUL, HEBREW; of others some word, or nothing."""
    return unicodedata.name(char, "").partition(" ")[0]
