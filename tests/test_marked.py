"""Entities marked within the sentence, and the way back to offsets."""

from __future__ import annotations

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.data import Example, Span
from el4ner.models.base import Outcome, Reply, Token
from el4ner.prompts.marked import mark, markable, marked, read_marks
from el4ner.text.passage import passage, show

TEXT = "Anna Berg lives in Berlin ."
signs = st.lists(st.sampled_from(["@", "#", "@@", "##", "@@@", "###", "a", "Berg", " ", "C#", "@x", "北", "é"])).map(
    "".join
)
lines = st.one_of(any_text, signs, st.builds("".join, st.lists(st.one_of(any_text, signs), max_size=3))).map(show)


def places(text: str, reply: str) -> list[tuple[int, int] | None]:
    return [item.at for item in read_marks(Reply(reply), text)]


def test_a_marked_copy_has_its_places() -> None:
    (anna, berlin) = read_marks(Reply(" @@Anna Berg## lives in @@Berlin## ."), TEXT)
    assert (anna.text, anna.at, anna.label) == ("Anna Berg", (0, 9), None)
    assert (berlin.text, berlin.at) == ("Berlin", (19, 25))


@given(lines, st.data())
def test_what_is_marked_is_read_back(line: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, len(line)), max_size=8)))
    wanted = list(zip(edges[::2], edges[1::2], strict=False))
    wanted = [(a, b) for a, b in wanted if line[a:b] == line[a:b].strip()]
    told = mark(markable(line), wanted)
    items = read_marks(Reply(told), line)
    assert len(told) == len(line) + 4 * len(wanted)
    assert [item.at for item in items] == wanted


@given(lines, st.text("@# aBerlin\n", max_size=60))
def test_any_reply_is_read(line: str, reply: str) -> None:
    for outcome in (Outcome.DONE, Outcome.CUT):
        for item in read_marks(Reply(reply, outcome), line):
            assert item.text.strip() == item.text != ""
            if item.at is not None:
                start, end = item.at
                assert 0 <= start < end <= len(line)
                assert markable(line)[start:end] == markable(item.text)


@pytest.mark.parametrize(
    ("text", "reply", "found"),
    [
        ("hi @user !", "hi @@@user## !", [(3, 8)]),
        ("I like C# .", "I like @@C### .", [(7, 9)]),
        ("a @@ b ## Oslo", "a ＠＠ b ＃＃ @@Oslo##", [(10, 14)]),
        ("Oslo and Rome", "@@Oslo and @@Rome##", [(9, 13)]),  # the first was never closed
        ("Oslo and Rome", "@@Oslo## and @@Ro", [(0, 4)]),
        ("Oslo", "@@## Oslo", []),
        ("Oslo", "", []),
        ("Oslo here", "@@ Oslo ## here", [(0, 4)]),
        ("I 'm in Oslo", "I'm in @@Oslo##", [None]),
        ("Oslo , I 'm in Rome", "@@Oslo## , I'm in @@Rome##", [(0, 4), None]),
    ],
)
def test_signs_copies_and_near_copies(text: str, reply: str, found: list[tuple[int, int] | None]) -> None:
    assert places(text, reply) == found


def test_a_text_that_holds_the_signs_is_shown_with_their_twins() -> None:
    assert markable("a @@ b ### c @ d #") == "a ＠＠ b ＃＃＃ c @ d #"


def test_of_nested_entities_the_outermost_is_marked() -> None:
    example = Example("1", "The University of\n Oslo .", (Span(4, 23, "group"), Span(19, 23, "location")))
    assert marked(example) == "The @@University of Oslo## ."


@given(any_text)
def test_an_example_is_marked_where_its_entities_are(text: str) -> None:
    seen = passage(text)
    if seen.shown:
        whole = Span(seen.origin[0], seen.origin[-1] + 1, "x")
        assert marked(Example("1", text, (whole,))) == mark(markable(seen.shown), [(0, len(seen.shown))])


def test_the_probability_is_that_of_the_mark() -> None:
    tokens = (Token(" in", -9.0), Token(" @@", -0.25), Token("Berlin", -0.5), Token("##", -0.25), Token(" .", -9.0))
    (item,) = read_marks(Reply(" in @@Berlin## .", tokens=tokens), "in Berlin .")
    assert item.probability == item.label_probability == pytest.approx(0.3679, abs=1e-4)
