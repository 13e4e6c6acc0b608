from __future__ import annotations

import time
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
        ("ıstanbul İSTANBUL", "istanbul", ["İSTANBUL"]),
        ("Straße", "STRASSE", ["Straße"]),
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


NFD = unicodedata.normalize("NFD", "Café Müller in São Tomé")


@pytest.mark.parametrize(
    ("text", "surface", "expected"),
    [
        ("Mr O’Brien came", "O'Brien", ["O’Brien"]),
        ("Mr O'Brien came", "O’Brien", ["O'Brien"]),
        (NFD, "Café Müller", [NFD[: NFD.index(" in")]]),
        ("Café Müller", unicodedata.normalize("NFD", "Müller"), ["Müller"]),
        ("Anna\u200b Berg came", "Anna Berg", ["Anna\u200b Berg"]),
        ("Donau\u00addampf AG", "Donaudampf AG", ["Donau\u00addampf AG"]),
        ("the 2010–2011 season", "2010-2011", ["2010–2011"]),
        ("Jean‑Luc left", "Jean-Luc", ["Jean‑Luc"]),
        ("New\u00a0 York", "New York", ["New\u00a0 York"]),
        ("O ' Brien spoke", "O'Brien", ["O ' Brien"]),
        ("Acme , Inc. won", "Acme, Inc.", ["Acme , Inc."]),
        ("René saw René", "Rene", ["René", "René"]),
        ("AT&T said", "AT&amp;T", ["AT&T"]),
        ("Anna Berg", "**Anna Berg**", ["Anna Berg"]),
        ("O’Brien and O'Brien", "O`Brien", []),  # which of the two?
        ("ﬁne art", "ne", []),
        ("the … end", "the ... end", ["the … end"]),
    ],
)
def test_another_spelling_is_found_where_it_is_unique(text: str, surface: str, expected: list[str]) -> None:
    assert found(text, surface) == expected


@pytest.mark.parametrize(
    ("text", "surface", "places"),
    [
        ("서울에서 삼성전자가 발표했다.", "서울", [(0, 2)]),
        ("서울에서 삼성전자가 발표했다.", "삼성전자", [(5, 9)]),
        ("גר בתל אביב", "תל אביב", [(4, 11)]),
        ("وباريس", "باريس", [(1, 6)]),
        ("_Porto_ and Anna_Berg", "Porto", [(1, 6)]),
        ("_Porto_ and Anna_Berg", "_Porto_", [(1, 6)]),
        ("_Porto_ and Anna_Berg", "Berg", [(17, 21)]),
        ("Helsingissä", "Helsingi", []),
    ],
)
def test_names_within_a_written_word(text: str, surface: str, places: list[tuple[int, int]]) -> None:
    assert ground(text, surface) == places


def test_words_of_other_scripts_are_cut_where_the_pool_cuts_them() -> None:
    assert ground("Helsingissä on kylmä", "Helsingi", {"LATIN"}) == [(0, 8)]
    assert ground("Helsingissä on Helsingi", "Helsingi", {"LATIN"}) == [(15, 23)]  # a whole word comes first


@pytest.mark.parametrize("pattern", ["a", "_", "서울", " ", "a ", "' ", "é", "\u0301", "-", "ab"])
def test_long_texts_take_linear_time(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = (pattern * size)[:size]
        began = time.perf_counter()
        for surface in (pattern, (pattern * 9)[:9] + "z"):
            ground(text, surface)
        return time.perf_counter() - began

    assert seconds(80_000) < 12 * seconds(20_000) + 0.2
