"""Candidates with a verdict and a reason each."""

from __future__ import annotations

import math

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.data import Example, Span
from el4ner.models.base import Outcome, Reply, Token
from el4ner.prompts.reasons import read_reasons, reasons

LABELS = ("person", "creative work", "location")
MEANINGS = {"person": "names of people", "location": ""}


def read(text: str, outcome: Outcome = Outcome.DONE) -> list[tuple[str, str | None]]:
    return [(item.text, item.label) for item in read_reasons(Reply(text, outcome), LABELS)]


def test_the_reasons_of_a_demonstration_come_from_the_pool() -> None:
    text = "The happy mayor of Quito met Maria Sol in the morning ."
    example = Example("1", text, (Span(29, 38, "person"), Span(19, 24, "location")))
    assert reasons(example, MEANINGS).splitlines() == [
        "- happy mayor | false | none of these types",
        "- Quito | true | (location)",
        "- Maria Sol | true | names of people (person)",
        "- morning | false | none of these types",
    ]


def test_there_are_no_more_wrong_candidates_than_right_ones_but_one() -> None:
    text = "The mayor met the teacher and the doctor in Quito ."
    assert reasons(Example("1", text), MEANINGS).count("false") == 1
    assert reasons(Example("1", text, (Span(44, 49, "location"),)), MEANINGS).count("false") == 1


def test_a_text_without_candidates_has_none() -> None:
    assert reasons(Example("1", "!"), MEANINGS) == ""


@given(any_text)
def test_a_demonstration_is_read_as_it_was_written(text: str) -> None:
    written = reasons(Example("1", f"a{text}b", (Span(0, len(text) + 2, "person"),)), MEANINGS)
    assert len(written.splitlines()) == 1 or "\u0085" in written
    if " | " not in text:
        (item,) = read_reasons(Reply(written), LABELS)
        assert item.label == "person"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Tom | true | names of people (person)\nrain | false | none of these types", [("Tom", "person")]),
        ("\n Tom | TRUE | it is one (creative work).", [("Tom", "creative work")]),
        ("Tom | true | a hero (hero)", [("Tom", "hero")]),
        ("- Tom | true | (person)\n- - x | true | (location)", [("Tom", "person"), ("- x", "location")]),
        ("Tom | true", [("Tom", None)]),
        ("Tom | true |", [("Tom", None)]),
        ("a | b | true | (person)", [("a | b", "person")]),
        ("Tom (person); Oslo (location)", []),
        ("none", []),
        ("Tom | truely | (person)", []),
        ("Tom | true | (person)\nTom | true | (person)", [("Tom", "person")]),
    ],
)
def test_replies(reply: str, found: list[tuple[str, str | None]]) -> None:
    assert read(reply) == found


def test_a_line_that_was_broken_off_is_left_out() -> None:
    assert read("Tom | true | (person)\nOslo | true | (loc", Outcome.CUT) == [("Tom", "person")]
    assert read("Tom | true | (per", Outcome.CUT) == []


@given(st.text("|truefalsTom ()\n;", max_size=80))
def test_any_reply_is_read(reply: str) -> None:
    for text, _ in read(reply):
        assert text.strip() == text != ""


def test_the_probability_of_a_type_counts_the_verdict() -> None:
    tokens = (Token("Tom", -1.0), Token(" | ", -9.0), Token("true", -0.5), Token(" | (", -9.0), Token("person", -0.25))
    (item,) = read_reasons(Reply("Tom | true | (person)", tokens=(*tokens, Token(")", -9.0))), LABELS)
    assert item.probability == pytest.approx(math.exp(-1.0))
    assert item.label_probability == pytest.approx(math.exp(-0.75))
