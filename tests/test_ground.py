from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.text.ground import ground
from el4ner.text.words import words

QUOTES = "\"'“”‘’«»「」`"


def fold(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", char).lower() for char in text)


def found(text: str, surface: str) -> list[str]:
    return [text[start:end] for start, end in ground(text, surface)]


def test_every_mention_is_found() -> None:
    assert ground("Rome, then Rome again: Rome", "Rome") == [(0, 4), (11, 15), (23, 27)]


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("a party in a cart", "art"),
        ("Obama's", "Oba"),
        ("item12", "item1"),
        ("snake_case", "snake"),
        ("naïve", "na"),
        ("nai\u0308ve", "nai"),  # the mark belongs to the letter before it
        ("বাংলা", "ব"),
        ("தமிழ்", "தமி"),
    ],
)
def test_nothing_is_found_inside_a_word(text: str, surface: str) -> None:
    assert ground(text, surface) == []


def test_a_mention_inside_a_word_does_not_hide_the_one_after_it() -> None:
    assert ground("artart art", "art") == [(7, 10)]


@pytest.mark.parametrize(
    ("text", "surface", "places"),
    [
        ("Obama's plan", "Obama", [(0, 5)]),
        ("(Rome)", "Rome", [(1, 5)]),
        ("pre-Rome-post", "Rome", [(4, 8)]),
        ("#taipei @wei", "taipei", [(1, 7)]),
        ("Rome🎉", "Rome", [(0, 4)]),
        ("C++ and C", "C++", [(0, 3)]),
    ],
)
def test_punctuation_ends_a_word(text: str, surface: str, places: list[tuple[int, int]]) -> None:
    assert ground(text, surface) == places


def test_scripts_without_spaces_have_no_word_ends() -> None:
    assert ground("李明在北京大学学习，北京很大。", "北京") == [(3, 5), (10, 12)]
    assert found("東京タワーへ行く", "タワー") == ["タワー"]


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("in NEW york", "New York", ["NEW york"]),
        ("ＮＡＴＯ met", "NATO", ["ＮＡＴＯ"]),
        ("ıstanbul İSTANBUL", "istanbul", []),  # folding may not change lengths, so that this is an honest "not found"
        ("Straße", "STRASSE", []),
        ("ΑΘΗΝΑ", "Αθηνα", ["ΑΘΗΝΑ"]),
    ],
)
def test_case_and_width_are_a_last_resort(text: str, surface: str, expected: list[str]) -> None:
    assert found(text, surface) == expected


def test_an_exact_mention_excludes_those_of_other_case() -> None:
    assert found("May I come in may ?", "may") == ["may"]


@pytest.mark.parametrize("surface", ['"Rome"', "'Rome'", "“Rome”", "`Rome`", " Rome ", '"rome"', "「Rome」"])
def test_quotes_and_space_around_a_name_do_not_matter(surface: str) -> None:
    assert ground("I saw Rome .", surface) == [(6, 10)]


def test_quotes_that_belong_to_the_mention_stay() -> None:
    assert found('the "Old" town, Old', '"Old"') == ['"Old"']


@pytest.mark.parametrize("surface", ["", " ", '""', "Paris", "Rome Paris", "R ome", "\0"])
def test_what_does_not_stand_there_has_no_place(surface: str) -> None:
    assert ground("I saw Rome .", surface) == []


@given(any_text, st.data())
def test_places_are_in_order_apart_and_what_was_looked_for(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    change = data.draw(st.sampled_from([str, str.upper, str.lower, lambda s: f'"{s}"', lambda s: s + "x"]))
    surface = change(text[start:end])
    wanted = {fold(surface.strip()), fold(surface.strip().strip(QUOTES).strip())}
    places = ground(text, surface)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(one[1] <= other[0] for one, other in pairwise(places))
    assert all(fold(text[start:end]) in wanted for start, end in places)


@given(any_text, st.data())
def test_any_run_of_words_is_found_where_it_stands(text: str, data: st.DataObject) -> None:
    units = words(text)
    if not units:
        return
    i, j = sorted(data.draw(st.tuples(st.integers(0, len(units) - 1), st.integers(0, len(units) - 1))))
    start, end = units[i].start, units[j].end
    places = ground(text, text[start:end])
    assert any(s < end and start < e for s, e in places)  # itself, or one that overlaps it and stands before it
    assert all(text[s:e] == text[start:end] for s, e in places)
