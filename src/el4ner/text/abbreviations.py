"""Whether a full stop ends a word, and not a sentence.

No list is complete. A word that is missing is cut behind as sentences are; a word too many costs a place to cut, of
which there are others. So words that often end sentences ("art", "no", "mar") are left to the number behind them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

_TAILS = ("str", "nr")  # of one word with what is numbered: Hauptstr. 5
_ROMAN = re.compile(r"[IVXLCDM]{2,}")
_LONGEST = 24  # characters of an abbreviation at most, with what stands before it


def abbreviates(word: str) -> bool:
    """Whether a full stop behind `word` (what stands before it, without it) belongs to an abbreviation.

    So are the words of abbreviations.txt, single letters (J. K. Rowling), letters with stops between them (U.S., z.B.,
    sig.ra) and the ordinals of many languages (3. Oktober, Ludwig XIV. von).
    """
    if not word or len(word) > _LONGEST:
        return False
    last = re.split(r"[-/’']", unicodedata.normalize("NFC", word))[-1]
    if not last:
        return False
    if "." in last:
        parts = [part for part in last.split(".") if part]
        return all(len(part) <= 4 and part.isalpha() for part in parts)
    if _letters(last) == 1 or _ROMAN.fullmatch(last) or (last.isdecimal() and len(last) <= 2):
        return True
    return not _known().isdisjoint((last, last.casefold())) or last.casefold().endswith(_TAILS)


@cache
def _known() -> frozenset[str]:
    lines = files("el4ner.text").joinpath("abbreviations.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _letters(word: str) -> int:
    """How many letters with their marks a word is; many if it holds something else."""
    bases = [char for char in word if unicodedata.category(char)[0] != "M"]
    return len(bases) if all(char.isalpha() for char in bases) else len(word) + 2
