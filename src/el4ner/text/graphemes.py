"""What a reader takes for one character: a letter with its marks, an emoji of several, a flag.

The rules are those of Unicode's grapheme clusters (UAX #29) that matter for a cut, from the tables that Python has.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_VIRAMA = 9  # combining class of what ties two consonants of an Indian script together


def splits_grapheme(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` goes through one character as readers see it."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    if _extends(after) or before == _JOINER:
        return True
    if unicodedata.combining(before) == _VIRAMA:
        return after.isalpha()
    if _flag(before) and _flag(after):
        start = at
        while start and _flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff"  # Hangul in pieces


def _extends(char: str) -> bool:
    """A mark, a joiner, a tone of skin, a tag: what belongs to the character before it."""
    return (
        unicodedata.category(char)[0] == "M"
        or char in "\u200c\u200d\u0e33\u0eb3"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )


def _flag(char: str) -> bool:
    """Half of a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"
