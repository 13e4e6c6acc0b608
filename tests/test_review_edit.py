"""What the review page's script does to spans, without a browser."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

SCRIPT = (files("el4ner.review") / "page" / "edit.js").read_text("utf-8")
TEXT = "Ada 👩‍🚀 met  Bob-Lee in Rome."


@pytest.fixture(scope="module")
def page() -> MiniRacer:
    racer = MiniRacer()
    racer.eval(SCRIPT)
    return racer


def said(page: MiniRacer, call: str, *given: Any) -> Any:
    values = ", ".join(json.dumps(value) for value in given)
    return json.loads(page.eval(f"JSON.stringify({call}({values}) ?? null)"))


@pytest.mark.parametrize(
    ("at", "direction", "by_word", "next_"),
    [(3, 1, False, 4), (0, -1, False, 0), (3, -1, True, 0), (0, 1, True, 3), (7, 1, True, 11), (11, 1, True, 16)],
)
def test_edges_move_by_words_and_by_characters(
    page: MiniRacer, at: int, direction: int, by_word: bool, next_: int
) -> None:
    assert said(page, "nextEdge", list(TEXT), at, direction, by_word) == next_


def test_a_span_keeps_something_of_itself(page: MiniRacer) -> None:
    span = {"start": 0, "end": 3, "label": 0}
    assert said(page, "moved", span, "end", list(TEXT), -1, True) is None
    assert said(page, "moved", span, "start", list(TEXT), 1, False)["start"] == 1


def test_blanks_at_the_edges_of_what_is_selected_are_left_out(page: MiniRacer) -> None:
    assert said(page, "trimmed", {"start": 11, "end": 17}, list(TEXT)) == {"start": 13, "end": 17}
    assert said(page, "trimmed", {"start": 11, "end": 13}, list(TEXT)) is None


def test_the_sign_of_a_carriage_return_is_no_word(page: MiniRacer) -> None:
    assert said(page, "wordAt", list("Ada␍\nBob"), 3, 1) == {"start": 5, "end": 8}


def test_what_is_found_and_what_was_left_out(page: MiniRacer) -> None:
    ballot = {"start": 0, "end": 3, "label": "person", "score": 0.9, "votes": [["a", "person", 1], ["b", None, 1]]}
    out = {**ballot, "start": 4, "label": "place", "score": 0.1, "out": "below the threshold", "doubtful": True}
    told = said(page, "found", [out, {**ballot, "out": "", "doubtful": False}], ["person", "place"])
    assert [(one["start"], one["label"], one["votes"]) for one in told["entities"]] == [(0, 0, [True, False])]
    assert [(one["start"], one["label"], one["out"]) for one in told["others"]] == [(4, 1, "below the threshold")]


@given(st.text(max_size=30), st.integers(0, 30), st.sampled_from([-1, 1]), st.booleans())
def test_edges_stay_within_any_text(page: MiniRacer, text: str, at: int, direction: int, by_word: bool) -> None:
    characters = list(text)
    start = min(at, len(characters))
    next_ = said(page, "nextEdge", characters, start, direction, by_word)
    assert 0 <= next_ <= len(characters)
    assert (next_ - start) * direction >= 0
