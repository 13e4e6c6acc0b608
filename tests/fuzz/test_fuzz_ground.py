"""A model's string has its places in the text, or none: inside it, in order, apart, and saying the same."""

from __future__ import annotations

import random
import unicodedata
from itertools import pairwise

import pytest
from campaign import campaign
from growth import in_line
from mutation import mutated_text, nasty, words

from el4ner.text import words as text_words
from el4ner.text.ground import ground
from el4ner.text.spelling import fold_loosely

pytestmark = pytest.mark.fuzz
_SPELT = {
    "'": "’",
    "-": "–",
    "é": "e\u0301",
    "ë": "e\u0308",
    " ": "\u00a0",
    "A": "Ａ",
    "P": "p",
    "o": "o\u200b",
    "r": "r\u00ad",
}


def bones(text: str) -> str:
    """What two spellings of one string have in common: their letters, digits and marks, in one case and form."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(
        char for char in folded if unicodedata.category(char)[0] in "LNM" and char not in "\ufe0e\ufe0f\u034f"
    )


def loosely(text: str) -> str:
    """Without accents either: a model's spelling of what is unique in a text."""
    return "".join(char for char in "".join(map(fold_loosely, text)) if char.isalnum())


def check(given: tuple[str, str]) -> list[tuple[int, int]]:
    """The places of a string, after a look at each."""
    text, surface = given
    places = ground(text, surface)
    for start, end in places:
        assert 0 <= start < end <= len(text)
        assert bones(text[start:end]) == bones(surface) or loosely(text[start:end]) == loosely(surface)
        assert text[start:end].strip()
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    return places


def pair(rng: random.Random) -> tuple[str, str]:
    """A text and a string: of it, spelt otherwise, or strange to it."""
    text = rng.choice((words, nasty))(rng, 10)
    start, end = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
    surface = text[start:end]
    match rng.randint(0, 5):
        case 0:
            surface = nasty(rng, 3)
        case 1:
            surface = mutated_text(rng, surface)
        case 2 | 3:
            surface = "".join(_SPELT.get(char, char) if rng.random() < 0.5 else char for char in surface)
        case 4:
            surface = rng.choice(('"{}"', " {} ", "“{}”", "**{}**", "{}.")).format(
                surface.replace("{", "").replace("}", "")
            )
    return text, surface


def test_places_are_in_the_text_and_say_the_same() -> None:
    campaign("grounding", pair, check)


def word(rng: random.Random) -> tuple[str, tuple[int, int]]:
    """A text and the place of some of its words, side by side."""
    text = rng.choice((words, nasty))(rng, 10)
    found = text_words.words(text)
    if not found:
        return "Porto", (0, 5)
    first = rng.randrange(len(found))
    last = min(len(found) - 1, first + rng.choice((0, 0, 0, 1, 2)))
    return text, (found[first].start, found[last].end)


def finds(given: tuple[str, tuple[int, int]]) -> None:
    """Words of a text have a place, and a single one has its own."""
    text, (start, end) = given
    places = check((text, text[start:end]))
    if not any(char.isalnum() for char in text[start:end]):
        return
    assert places
    if text[start:end].isalnum():
        assert any(at <= start and end <= to for at, to in places), places


def test_every_word_of_a_text_is_found_in_it() -> None:
    campaign("places", word, finds)


def test_the_time_to_find_a_string_grows_with_the_text() -> None:
    in_line(lambda text: ground(text, "Porto"))
    in_line(lambda text: ground(text, "a"), patterns=("a", "a ", "ab", "A", "_a", "a\u0301", "서a", "a-", "aa "))
    in_line(lambda text: ground(text, text[: len(text) // 2]))


def test_the_time_to_find_a_string_grows_with_it() -> None:
    in_line(lambda surface: ground("Anna Berg moved to Porto", surface))


def test_the_time_to_cut_words_grows_with_the_text() -> None:
    in_line(text_words.words)
