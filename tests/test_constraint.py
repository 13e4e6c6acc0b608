from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.models.base import Reply
from el4ner.models.constraint import Constraint, Listing, OneOf, fingerprint, to_ebnf, to_json_schema
from el4ner.prompts.listing import read_listing
from el4ner.text.ground import ground
from el4ner.text.passage import show
from el4ner.text.words import words

LABELS = ("person", 'a "place" \\ (of)')
TEXT = "Anna Berg; of Rome (Italy) is none"
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')

any_line = any_text.map(show)


def rules(constraint: Constraint) -> dict[str, str]:
    grammar = to_ebnf(constraint)
    assert grammar.endswith("\n")
    return dict(line.split(" ::= ", 1) for line in grammar.splitlines())


def literals(rule: str) -> list[str]:
    return [json.loads(literal) for literal in LITERAL.findall(rule)]


def allows(constraint: Constraint, reply: str) -> bool:
    """Whether the grammar allows a reply: its rules, written out as one regular expression."""
    found = rules(constraint)

    @cache
    def pattern(rule: str) -> str:
        return re.sub(rf"{LITERAL.pattern}|\w+|[ (]", lambda part: written(part[0]), found[rule])

    def written(part: str) -> str:
        if part.startswith('"'):
            return re.escape(json.loads(part))
        return {" ": "", "(": "(?:"}[part] if part in " (" else f"(?:{pattern(part)})"

    return re.fullmatch(pattern("root"), reply) is not None


def size(dialect: Callable[[Constraint], Any], count: int) -> int:
    text = " ".join(f"word{number:04}" for number in range(count))
    return len(str(dialect(Listing(text, LABELS))))


@pytest.mark.parametrize("dialect", [to_ebnf, to_json_schema])
def test_the_size_is_linear_in_the_words(dialect: Callable[[Constraint], Any]) -> None:
    hundred, two, four = (size(dialect, count) for count in (100, 200, 400))
    assert four - two == pytest.approx(2 * (two - hundred), rel=0.1)


@given(any_line, st.sampled_from(["", " ", "("]))
def test_the_rules_follow_the_text_word_by_word(text: str, lead: str) -> None:
    text = text.replace("_", "-")
    found = rules(Listing(text, LABELS, lead))
    count = len(words(text))
    if not count:
        assert literals(found["root"]) == [lead, "none"][not lead :]
        return
    said = [literals(found[f"w{i}"]) for i in range(count)]
    assert "".join("".join(parts) for parts in said) == text
    for i in range(count):  # every word may end the span, or lead to the next alone
        assert LITERAL.sub("", found[f"w{i}"]).replace(" ", "") == (f"(w{i + 1})?" if i + 1 < count else "")
    assert found["span"].split(" | ") == [f"w{i}" for i in range(count)]
    assert literals(found["label"]) == list(LABELS)


@given(st.lists(any_line, min_size=1, max_size=4))
def test_choices_are_quoted(options: list[str]) -> None:
    assert literals(rules(OneOf(tuple(options)))["root"]) == options


def test_controls_and_quotes_never_stand_bare_in_a_grammar() -> None:
    awkward = "".join(map(chr, range(32))) + '"\\\x7f'
    (line,) = to_ebnf(OneOf((awkward,))).splitlines()
    assert line.isprintable()
    assert literals(line) == [awkward]


def test_the_schema_of_a_choice() -> None:
    schema = to_json_schema(OneOf(("a", "b")))
    assert schema["properties"]["answer"]["enum"] == ["a", "b"]
    assert schema["required"] == ["answer"]
    assert schema["additionalProperties"] is False


def test_the_schema_of_a_listing_holds_the_spans_of_the_text() -> None:
    item = to_json_schema(Listing(TEXT, LABELS))["properties"]["entities"]["items"]
    spans = item["properties"]["text"]["enum"]
    assert item["properties"]["type"]["enum"] == list(LABELS)
    assert "Anna Berg; of Rome" in spans
    assert all(span in TEXT for span in spans)
    assert len(spans) == len(set(spans))
    assert to_json_schema(Listing(TEXT))["properties"]["entities"]["items"]["enum"] == spans


def test_a_listing_of_no_text() -> None:
    for text in ("", "  "):
        assert literals(to_ebnf(Listing(text, LABELS))) == ["none"]
        assert json.dumps(to_json_schema(Listing(text, LABELS)))
        assert allows(Listing(text, LABELS), "none")
        assert not allows(Listing(text, LABELS), "")


@pytest.mark.parametrize(
    "reply",
    [
        "none",
        "Anna Berg (person)",
        'Rome (a "place" \\ (of))',
        "Anna (person); Berg (person); Anna (person)",
        "Anna Berg; of (person); Rome (Italy) (person)",
        "; (person)",
        TEXT + " (person)",
        "none (person)",
    ],
)
def test_a_listing_that_kept_to_its_text(reply: str) -> None:
    assert allows(Listing(TEXT, LABELS), reply)
    assert allows(Listing(TEXT, LABELS, lead=" "), " " + reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "None",
        "Paris (person)",
        "Anna Berg",
        "Anna Berg (city)",
        "Anna Ber (person)",
        "nna (person)",
        "Anna of (person)",
        "anna (person)",
        "Anna  Berg (person)",
        "Anna (person), Berg (person)",
        "Anna (person); ",
        "Anna (person); none",
        "Anna(person)",
        "Anna (person) Berg (person)",
        "The entities are: Anna (person)",
        '{"entities": []}',
    ],
)
def test_a_listing_that_did_not(reply: str) -> None:
    assert not allows(Listing(TEXT, LABELS), reply)


def test_without_types_a_listing_has_none() -> None:
    assert allows(Listing(TEXT), "Anna Berg; Rome")
    assert allows(Listing(TEXT), "Anna Berg; of; Rome (Italy)")
    assert not allows(Listing(TEXT), "Anna Berg (person)")


@st.composite
def listed(draw: st.DrawFn) -> tuple[Listing, str]:
    """A listing and a reply that its grammar allows."""
    text, labels = draw(any_line.filter(lambda line: line.strip("_ "))), draw(st.sampled_from([(), LABELS]))
    units = [unit for unit in words(text) if text[unit.start] != "_"]  # where spans begin and end
    entries = []
    for _ in range(draw(st.integers(1, 4))):
        i, j = sorted(draw(st.tuples(*[st.integers(0, len(units) - 1)] * 2)))
        closing = f" ({draw(st.sampled_from(labels))})" if labels else ""
        entries.append(text[units[i].start : units[j].end] + closing)
    return Listing(text, labels), "; ".join(entries)


@given(listed())
def test_spans_of_the_text_are_allowed(case: tuple[Listing, str]) -> None:
    listing, reply = case
    assert allows(listing, reply)
    assert allows(Listing(listing.text, listing.labels, " "), f" {reply}")


@given(st.lists(st.sampled_from(["Anna", "Berg", "of", "Rome", "中", "文"]), min_size=1, max_size=8), st.data())
def test_what_the_grammar_allows_can_be_read_and_placed(units: list[str], data: st.DataObject) -> None:
    text = " ".join(units)
    pieces = data.draw(
        st.lists(st.sampled_from([*units, "Oslo", "Ber", "中文", f"{units[0]} of"]), min_size=1, max_size=3)
    )
    reply = "; ".join(f"{piece} (person)" for piece in pieces)
    placed = all(ground(text, item.text) for item in read_listing(Reply(reply), ["person"]))
    assert allows(Listing(text, ("person",)), reply) == placed


@pytest.mark.parametrize(
    ("choice", "reply", "allowed"),
    [
        (OneOf(("true", "false")), "true", True),
        (OneOf(("true", "false")), "True", False),
        (OneOf(("true", "false")), "", False),
        (OneOf(("true", "false")), "true or false", False),
        (OneOf((" France", " Japan")), " France", True),
    ],
)
def test_choices_that_kept_to_the_options(choice: OneOf, reply: str, allowed: bool) -> None:
    assert allows(choice, reply) is allowed


def test_fingerprints_tell_constraints_apart() -> None:
    different = [
        None, OneOf(("a",)), OneOf(("a", "b")), OneOf(("b", "a")), Listing("a"),
        Listing("a", ("b",)), Listing("a", ("b", "c")), Listing("a", ("c", "b")), Listing("b"), Listing("a", (), " "),
    ]  # fmt: skip
    assert len({json.dumps(fingerprint(constraint)) for constraint in different}) == len(different)
    assert fingerprint(Listing("a", ("b",))) == fingerprint(Listing("a", ("b",)))


def test_words_are_parted_where_they_may_be_cut() -> None:
    cut = Listing("서울에서 왔다", ("place",), cuts=(1, 2, 3))
    assert cut.units == [("서", ""), ("울", ""), ("에", ""), ("서", " "), ("왔다", "")]
    assert "서울" in cut.ngrams()
    assert fingerprint(cut) != fingerprint(Listing("서울에서 왔다", ("place",)))


def test_no_span_begins_or_ends_with_an_underscore() -> None:
    spans = {s for s in Listing("to _Oslo_ in _a_b_").ngrams() if "Oslo" in s or "b" in s}
    assert {"Oslo", "to _Oslo", "a_b", "Oslo_ in"} <= spans
    assert not [s for s in spans if s.startswith("_") or s.endswith("_")]
    grammar = to_ebnf(Listing("_ _"))
    assert grammar == 'root ::= "none"\n'
