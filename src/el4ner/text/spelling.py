"""The same string in another spelling: what a model writes for what a text has, character for character."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

Fold = Callable[[str], str]
_SINGLE = "'‘’‚‛`´ʹʼʻˈ′＇՚׳"
_DOUBLE = '"“”„‟«»″＂״〃「」『』'
_VARIANTS = "\ufe00\ufe01\ufe02\ufe0e\ufe0f"


def respelt(text: str, surface: str, fold: Fold) -> list[tuple[int, int]]:
    """Places of the text that are `surface` once both are folded, from left to right, apart from each other.

    `fold` maps a character to what it counts as: a string, or nothing. Runs of white space count as one blank.
    """
    wanted = _folded(surface, fold)[0].strip()
    if not wanted:
        return []
    folded, origin = _folded(text, fold)
    places = []
    at = folded.find(wanted)
    while at >= 0:
        last = at + len(wanted)
        # A character that folds to several is found whole or not at all.
        inside = (at > 0 and origin[at - 1] == origin[at]) or (last < len(folded) and origin[last - 1] == origin[last])
        if not inside:
            places.append((origin[at], origin[last - 1] + 1))
        at = folded.find(wanted, at + 1 if inside else last)
    return places


@lru_cache(maxsize=64)  # the names of a passage are looked for one after the other
def _folded(text: str, fold: Fold) -> tuple[str, list[int]]:
    """The text folded, and for each of its characters the place that it comes from."""
    pieces: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text):
        for said in fold(char):
            if pieces and pieces[-1] == " " and (said == " " or (fold is fold_loosely and not said.isalnum())):
                del pieces[-1], origin[-1]
            if said != " " or fold is not fold_loosely or (pieces and pieces[-1].isalnum()):
                pieces.append(said)
                origin.append(at)
    return "".join(pieces), origin


@lru_cache(maxsize=4096)
def fold_spelling(char: str) -> str:
    """One form for composed and decomposed characters, case, width, dashes and quotes; none for what is not seen."""
    if unicodedata.category(char) == "Cf" or char in _VARIANTS:  # zero width, soft hyphens, direction marks
        return ""
    if char in _SINGLE:
        return "'"
    if char in _DOUBLE:
        return '"'
    if unicodedata.category(char) == "Pd" or char in "−⁃﹘":
        return "-"
    return " " if char.isspace() else unicodedata.normalize("NFKD", char).casefold()


@lru_cache(maxsize=4096)
def fold_loosely(char: str) -> str:
    """The same without accents, and blanks count between letters alone: texts that were cut into tokens have others."""
    return "".join(c for c in fold_spelling(char) if unicodedata.category(c) != "Mn")
