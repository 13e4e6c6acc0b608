from __future__ import annotations

import json
import math
import re
from itertools import pairwise

import pytest
from fakes import any_text
from hypothesis import given
from hypothesis import strategies as st

from el4ner.models.base import Outcome, Reply, Token
from el4ner.prompts.choice import read_choice
from el4ner.prompts.item import Item
from el4ner.prompts.listing import read_listing

LABELS = ("person", "location", "work of art", "type", "product type")
OPTIONS = ("person", "location", "misc.", "true", "none")


def pairs(text: str, outcome: Outcome = Outcome.DONE, labels: tuple[str, ...] = LABELS) -> list[tuple[str, str | None]]:
    return [(item.text, item.label) for item in read_listing(Reply(text, outcome), labels)]


def spelt(text: str, **inside: float) -> Reply:
    """A reply in tokens of one character, all of them improbable but those of the words `inside`."""
    logprobs = [-20.0] * len(text)
    for word, logprob in inside.items():
        at = text.rindex(word)
        logprobs[at : at + len(word)] = [logprob] * len(word)
    return Reply(text, tokens=tuple(map(Token, text, logprobs)))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Anna Berg (person); Rome (location)", [("Anna Berg", "person"), ("Rome", "location")]),
        (" Anna Berg (person)\n", [("Anna Berg", "person")]),
        ("- Anna Berg (person)\n- Rome (location)", [("Anna Berg", "person"), ("Rome", "location")]),
        ("Rome(location)", [("Rome", "location")]),
        ("-40 degrees (type)", [("-40 degrees", "type")]),
        ("Sex; Lies (work of art); Rome (location)", [("Sex; Lies", "work of art"), ("Rome", "location")]),
        ("Paris (Texas) (location)", [("Paris (Texas)", "location")]),
        ("f(x) (type); a (b) c (person)", [("f(x)", "type"), ("a (b) c", "person")]),
        ("kettle (product type)", [("kettle", "product type")]),
        ("Rome (city)", [("Rome", "city")]),
        ("Rome (Location)", [("Rome", "location")]),
        ("Rome (location), Berg, Anna (person),", [("Rome", "location"), ("Berg, Anna", "person")]),
        ("Rome (Location), Anna (PERSON, 0.98)", [("Rome", "location"), ("Anna", "person")]),
        ("Rome (location, a city), Oslo (city)", [("Rome (location, a city), Oslo", "city")]),
        ("Rome (location); Anna (person).", [("Rome", "location"), ("Anna", "person")]),
        ("St. (person). (location)", [("St. (person).", "location")]),
        ("a; Rome (city); b (person)", [("a", None), ("Rome", "city"), ("b", "person")]),
        ("Here they are:\nRome (location)", [("Here they are:", None), ("Rome", "location")]),
        ("Rome; Anna", [("Rome", None), ("Anna", None)]),
        ("Rome (location); Anna", [("Rome", "location"), ("Anna", None)]),
        ("Rome (location); Rome (location); Rome (person)", [("Rome", "location")] * 2 + [("Rome", "person")]),
        ("none", []),
        (" None", []),
        ("", []),
        ("\n;; ;\n-\n", []),
        ("(person)", []),
    ],
)
def test_listings(reply: str, expected: list[tuple[str, str | None]]) -> None:
    assert pairs(reply) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [("Rome; Paris (Texas)", ["Rome", "Paris (Texas)"]), ("none", []), ("* Rome\n* Oslo;", ["Rome", "Oslo"])],
)
def test_without_types_no_brackets_are_read(reply: str, expected: list[str]) -> None:
    assert pairs(reply, labels=()) == [(text, None) for text in expected]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Rome (location); Anna (per", [("Rome", "location")]),
        ("Rome (location); Anna (person)", [("Rome", "location")]),  # the name may have gone on
        ("Rome (location); ", [("Rome", "location")]),
        ("Ro", []),
        ("", []),
    ],
)
def test_the_entry_that_the_token_limit_broke_off_is_left_out(reply: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(reply, Outcome.CUT) == expected


ENTRIES = [{"text": "Rome; a", "type": "location"}, {"text": "Anna (x)", "type": "person"}]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (json.dumps({"entities": ENTRIES}), [("Rome; a", "location"), ("Anna (x)", "person")]),
        (json.dumps({"entities": ["Rome", "Rome", "a; b"]}), [("Rome", None), ("a; b", None)]),
        (json.dumps({"entities": []}), []),
        (json.dumps({"entities": ["", " ", "none"]}), []),
        (json.dumps({"entities": [{"text": "Rome", "type": None}]}), [("Rome", None)]),
        (json.dumps({"entities": [3, None, {"text": 4}, {"other": "x"}, ["Rome"]]}), []),
        (json.dumps({"entities": "Rome"}), []),
        (json.dumps({"answer": "Rome"}), []),
    ],
)
def test_json_listings(reply: str, expected: list[tuple[str, str | None]]) -> None:
    assert pairs(reply) == expected


def test_a_json_listing_that_was_broken_off_gives_its_complete_entries() -> None:
    whole = json.dumps({"entities": ENTRIES})
    read = [len(pairs(whole[:end], Outcome.CUT)) for end in range(len('{"entities": ['), len(whole))]
    assert read == sorted(read)
    assert (read[0], read[-1]) == (0, 2)
    assert pairs(whole[:-3], Outcome.CUT) == [("Rome; a", "location")]


plain = st.text(st.characters(exclude_categories=()), min_size=1, max_size=20).map(str.strip)
names = plain.filter(
    lambda s: s and not set(s) & {";", "\n"} and s.casefold() != "none" and not re.match(r"\{|[-*•](\s|$)", s)
)


@given(st.lists(st.tuples(names, st.sampled_from(LABELS)), min_size=1, max_size=6, unique=True))
def test_what_is_listed_with_types_is_read_back(items: list[tuple[str, str]]) -> None:
    assert pairs("; ".join(f"{text} ({label})" for text, label in items)) == items


@given(st.lists(names, min_size=1, max_size=6, unique=True))
def test_what_is_listed_without_types_is_read_back(items: list[str]) -> None:
    assert pairs("; ".join(items), labels=()) == [(text, None) for text in items]


@given(st.lists(st.tuples(plain.filter(bool), st.sampled_from(LABELS)), max_size=6, unique=True))
def test_what_is_listed_in_json_is_read_back(items: list[tuple[str, str]]) -> None:
    items = [item for item in items if item[0].casefold() != "none"]
    reply = json.dumps({"entities": [{"text": text, "type": label} for text, label in items]})
    assert pairs(reply) == items


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entities", "text", "type", "answer", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
any_reply = st.one_of(
    any_text,
    st.text('();\n-{}[]": none(person)', max_size=30),
    json_values.map(json.dumps),
    json_values.map(lambda value: json.dumps({"entities": [value, value]})[:-3]),
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """Any reply, its text cut into tokens somehow, with log-probabilities that may even be a little above 0."""
    text = draw(any_reply)
    cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=8))})
    pieces = [text[a:b] for a, b in pairwise(cuts)]
    logprob = st.floats(-1e4, 0.1)
    tokens = tuple(Token(piece, draw(logprob)) for piece in pieces) if draw(st.booleans()) else ()
    return Reply(text, draw(st.sampled_from(list(Outcome))), tokens)


@given(replies(), st.sampled_from([(), LABELS]))
def test_any_reply_is_read_as_a_listing(reply: Reply, labels: tuple[str, ...]) -> None:
    for item in read_listing(reply, labels):
        assert isinstance(item, Item)
        assert item.text.strip()
        assert labels or item.label is None or reply.text.lstrip().startswith("{")
        for probability in (item.probability, item.label_probability):
            assert probability is None or 0 <= probability <= 1


@given(replies())
def test_any_reply_is_read_as_a_choice(reply: Reply) -> None:
    chosen, probability = read_choice(reply, OPTIONS)
    assert chosen in (None, *OPTIONS)
    assert probability is None or (chosen is not None and 0 <= probability <= 1)


@pytest.mark.parametrize(
    "text",
    ['{"entities":' + "[" * 100_000, '{"a":' * 100_000, '{"entities":[' + "9" * 10_000, "(" * 50_000, ";" * 50_000]
)  # fmt: skip
def test_endless_replies_are_read(text: str) -> None:
    assert len(pairs(text)) <= 1
    assert read_choice(Reply(text), OPTIONS) == (None, None)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("person", "person"),
        (" Person.", "person"),
        ("person)", "person"),
        ('"location"', "location"),
        ("**location**\n", "location"),
        ("misc.", "misc."),
        ("misc", "misc."),
        ("none", "none"),
        ('{"answer": "location"}', "location"),
        ('{"answer": true}', "true"),
        ('{"reply": "location"}', "location"),
        ("personal", None),
        ("a person", "person"),
        ("person location", None),
        ("", None),
        ("...", None),
    ],
)
def test_choices(text: str, chosen: str | None) -> None:
    assert read_choice(Reply(text), OPTIONS)[0] == chosen


def test_a_type_with_a_confidence_behind_it_is_that_type() -> None:
    said = read_listing(
        Reply("Oslo (location, 0.93); Rex (dog, 0.93); Ada (location, 0.9, 0.8)"), {"location", "dog, 0.93"}
    )
    assert [(item.text, item.label) for item in said] == [
        ("Oslo", "location"),
        ("Rex", "dog, 0.93"),
        ("Ada", "location, 0.9, 0.8"),
    ]


def test_of_options_that_differ_in_case_the_exact_one_is_meant() -> None:
    options = ("US", "us", "Us")
    assert [read_choice(Reply(f" {option}."), options)[0] for option in options] == list(options)


def test_probabilities_are_those_of_the_tokens_of_each_part() -> None:
    reply = spelt(" - Anna (person); Rome (location)", Anna=-0.1, person=-0.2, Rome=-0.3, location=-0.4)
    first, second = read_listing(reply, LABELS)
    assert first.probability == pytest.approx(math.exp(4 * -0.1))
    assert first.label_probability == pytest.approx(math.exp(6 * -0.2))
    assert second.probability == pytest.approx(math.exp(4 * -0.3))
    assert second.label_probability == pytest.approx(math.exp(8 * -0.4))


def test_a_token_counts_for_every_part_that_it_touches() -> None:
    reply = Reply("Rome (location)", tokens=(Token("Ro", -1.0), Token("me (lo", -2.0), Token("cation)", -4.0)))
    (item,) = read_listing(reply, LABELS)
    assert item.probability == pytest.approx(math.exp(-3))
    assert item.label_probability == pytest.approx(math.exp(-6))


def test_without_log_probabilities_there_are_none() -> None:
    assert read_listing(Reply("Rome (location)"), LABELS) == [Item("Rome", "location", None, None)]
    assert read_choice(Reply("true"), OPTIONS) == ("true", None)


@pytest.mark.parametrize(("text", "option"), [(" true)", "true"), ('{"answer": "a"}', "a"), ("“a”", "a")])
def test_the_probability_of_a_choice_is_that_of_its_own_tokens(text: str, option: str) -> None:
    chosen, probability = read_choice(spelt(text, **{option: -0.5}), ("true", "a"))
    assert chosen == option
    assert probability == pytest.approx(math.exp(-0.5 * len(option)))


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ('{"answer": "person"', "person"),
        ('{ "answer" : "person"  ', "person"),
        ('{"answer": "per', None),
        ('{"answer": 3', None),
    ],
)
def test_a_broken_json_answer_counts_if_it_is_complete(text: str, chosen: str | None) -> None:
    assert read_choice(Reply(text, Outcome.CUT), ("person", "location"))[0] == chosen


@pytest.mark.filterwarnings("error")
def test_odd_escapes_in_python_literals_are_read_without_a_word() -> None:
    (item,) = read_listing(Reply(r"[{'text': 'O\'Brien \yz \\q', 'type': 'person'}]"), LABELS)
    assert item.text == r"O'Brien \yz \q"
