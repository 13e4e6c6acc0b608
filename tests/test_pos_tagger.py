from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import el4ner.text.pos_tagger
from el4ner.text.pos_tagger import ASSET, default_pos_tagger, features
from el4ner.text.words import words

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
UPOS = {"ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"}
UPOS |= {"PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"}
tag = default_pos_tagger().tag
SENTENCE = "Anna Kowalska from the University of Warsaw sent her a letter about the old bridge ."


def forms(text: str) -> list[str]:
    return [text[s.start : s.end] for s in words(text)]


@given(ANY_TEXT)
@example("👩‍👩‍👧 e\u0301tude שָׁלוֹם 北京 a\x00b \ud800 \U0001f1e9\U0001f1ea")
@example("\u0301\u200d\ufe0f\x1c\u3000")
@settings(max_examples=200, deadline=None)
def test_words_cover_what_is_visible_in_order(text: str) -> None:
    spans = words(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    covered = {i for s in spans for i in range(s.start, s.end)}
    assert covered == {i for i, c in enumerate(text) if not c.isspace()}


@given(ANY_TEXT)
@example("\ud800\x00 \udfff")
@settings(max_examples=100, deadline=None)
def test_one_known_tag_a_word(text: str) -> None:
    tags = tag(forms(text))
    assert len(tags) == len(forms(text))
    assert set(tags) <= UPOS


def test_words_of_any_kind_are_taken_empty_ones_too() -> None:
    assert tag([]) == []
    assert len(tag(["", " ", "a b", "x" * 100_000])) == 4


def test_tags_are_those_of_a_reader() -> None:
    by_word = dict(zip(forms(SENTENCE), tag(forms(SENTENCE)), strict=True))
    assert [by_word[w] for w in ("Anna", "Kowalska", "Warsaw")] == ["PROPN"] * 3
    assert [by_word[w] for w in ("letter", "bridge")] == ["NOUN"] * 2
    assert by_word["her"] == "PRON"
    assert by_word["sent"] == "VERB"


@pytest.mark.parametrize("case", ["lower", "upper", "title"])
def test_casing_is_not_everything(case: str) -> None:
    sentence = forms("We flew from London to New York with John on Monday .")
    by_word = dict(zip(sentence, tag([getattr(w, case)() for w in sentence]), strict=True))
    assert [by_word[w] for w in ("London", "York", "John")] == ["PROPN"] * 3
    assert by_word["We"] == "PRON"


def test_handles_are_names_and_places_of_meeting_are_not() -> None:
    assert tag(forms("thanks @paulwalk_99 for that"))[2] == "PROPN"
    assert tag(forms("see you @ the office"))[3] == "DET"


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tag(forms(SENTENCE))
    monkeypatch.setattr(el4ner.text.pos_tagger, "_BLOCK", 3)
    assert tag(forms(SENTENCE)) == whole


@pytest.mark.parametrize(
    ("text", "english"),
    [
        (SENTENCE, True),
        (SENTENCE.lower(), True),
        ("lol justin bieber is at the mall again smh", True),
        ("", True),
        ("Empire State Building", True),  # too short to tell
        ("Die Regierung der Stadt hat gestern einen neuen Plan für den Bahnhof vorgelegt .", False),
        ("El presidente del Gobierno anunció ayer nuevas medidas para los jóvenes .", False),
        ("科技全方位资讯智能，快捷的汽车生活", False),
        ("北京 OK", False),
        ("Президент прибыл в Москву", False),
    ],
)
def test_reads_english_only(text: str, english: bool) -> None:
    assert default_pos_tagger().reads(forms(text)) is english


def test_features_are_of_one_text() -> None:
    rows = list(features(["Hi", "there"]))
    assert len(rows) == 2
    assert all(len(set(row)) == len(row) for row in rows)
    assert "+1=there" in rows[0]
    assert "-1=hi" in rows[1]


def test_the_asset_is_small() -> None:
    assert ASSET.stat().st_size < 3e6
    assert default_pos_tagger() is default_pos_tagger()
