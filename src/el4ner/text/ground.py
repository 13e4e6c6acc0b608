"""From a model's strings to places in the text: every mention, or an honest "not found".

Nothing is guessed: a string that does not stand in the text as a run of characters (case and width aside) has no place.
"""

from __future__ import annotations

import unicodedata

from el4ner.text.words import splits_word

_QUOTES = "\"'“”‘’«»「」`"


def ground(text: str, surface: str) -> list[tuple[int, int]]:
    """All places `(start, end)` where `surface` stands in `text`, from left to right.

    Places that begin or end inside a word are left out ("art" is not mentioned in "party"). The string as given is
    looked for first; only if it is nowhere, without quotes around it, and then without regard to case and full or
    half width.
    """
    surface = surface.strip()
    for wanted in dict.fromkeys((surface, surface.strip(_QUOTES).strip())):
        if wanted and (places := _places(text, wanted)):
            return places
    folded, wanted = _fold(text), _fold(surface.strip(_QUOTES).strip())
    return _places(folded, wanted) if wanted and len(folded) == len(text) else []


def _places(text: str, wanted: str) -> list[tuple[int, int]]:
    places = []
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not splits_word(text, at) and not splits_word(text, end):
            places.append((at, end))
            at = text.find(wanted, end)
        else:
            at = text.find(wanted, at + 1)
    return places


def _fold(text: str) -> str:
    """Lower case and standard width, character by character, so that offsets stay what they are."""
    return "".join(folded if len(folded := _fold_char(char)) == 1 else char for char in text)


def _fold_char(char: str) -> str:
    return unicodedata.normalize("NFKC", char).lower()
