"""From a model's strings to places in the text: every mention, or an honest "not found".

Nothing is guessed: a string has a place where it stands in the text as a run of characters, or where it differs from
one stretch of the text by spelling alone (`text.spelling`), or within words that may be cut.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from html import unescape

from el4ner.text.spelling import fold_loosely, fold_spelling, respelt
from el4ner.text.words import AFFIXING, cuts_through, splits_word

_QUOTES = "\"'“”‘’«»「」`*_"
_EMPHASIS = "_*"
_LONGEST = 2000  # characters of a name: what is longer is a text that was copied
_SHORTEST = 2  # characters of a name that is looked for within words


def ground(text: str, surface: str, scripts: Collection[str] = AFFIXING) -> list[tuple[int, int]]:
    """All places `(start, end)` where `surface` stands in `text`, from left to right.

    Places that begin or end inside a word are left out ("art" is not mentioned in "party"). The string as given is
    looked for first; only if it is nowhere, without quotes around it, and then without regard to case and full or
    half width. Then in another spelling (other dashes, quotes, blanks, accents): where all that fits is the same
    string. At last within words of `scripts` (`text.words.script`), whose names carry particles and prefixes.
    """
    surface = surface.strip()
    if len(surface) > _LONGEST:
        return []
    if len(surface) > _SHORTEST and surface[0] == surface[-1] and surface[0] in _EMPHASIS:
        surface = surface.strip(_EMPHASIS).strip()
    for wanted in dict.fromkeys((surface, surface.strip(_QUOTES).strip())):
        if wanted and (places := _places(text, wanted, partial(splits_word, text))):
            return places
    bare = surface.strip(_QUOTES).strip()
    folded, wanted = _fold(text), _fold(bare)
    if wanted and len(folded) == len(text) and (places := _places(folded, wanted, partial(splits_word, folded))):
        return places
    whole = partial(splits_word, text)
    for fold in (fold_spelling, fold_loosely):
        if places := [p for p in respelt(text, unescape(bare), fold) if not whole(p[0]) and not whole(p[1])]:
            return places if len({text[start:end] for start, end in places}) == 1 else []
    if len(bare) < _SHORTEST:
        return []
    return _places(text, bare, lambda at: cuts_through(text, at, scripts))


def _places(text: str, wanted: str, splits: Callable[[int], bool]) -> list[tuple[int, int]]:
    places = []
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not splits(at) and not splits(end):
            places.append((at, end))
            at = text.find(wanted, end)
        else:
            at = text.find(wanted, at + 1)
    return places


@lru_cache(maxsize=64)  # the names of a passage are looked for one after the other
def _fold(text: str) -> str:
    """Lower case and standard width, character by character, so that offsets stay what they are."""
    return "".join(folded if len(folded := _fold_char(char)) == 1 else char for char in text)


def _fold_char(char: str) -> str:
    return unicodedata.normalize("NFKC", char).lower()
