"""Whatever a model writes is read, or is left unread: nothing raises, and what was written well is read right."""

from __future__ import annotations

import json
import random
from functools import partial

import pytest
from campaign import campaign
from growth import in_line
from mutation import mutated_text, nasty, value, words

from el4ner.data import Example, Span
from el4ner.models.base import Outcome, Reply, Token
from el4ner.prompts.choice import read_choice
from el4ner.prompts.form import Form
from el4ner.prompts.item import Item
from el4ner.text.passage import show

pytestmark = pytest.mark.fuzz
LABELS = ("person", "location", "work of art", "type", "product type", "misc.", "C++", "人物")
_LOGPROBS = (0.0, -0.1, -3.0, -800.0, 0.5, float("-inf"), float("nan"), float("inf"))
_ENDINGS = ("", "", "<|im_end|>", "</s>", "\n\nText: ", ".", "\nExplanation: it is so.")
_LEADS = (
    "",
    "",
    " ",
    "Answer: ",
    "Sure! Here they are:\n",
    "<think>\nhm, {}\n</think>\n",
    "</think>",
    "<think>",
    "```json\n",
)


def entry(rng: random.Random, form: Form) -> str:
    """One line or piece of an answer in a form, well or badly made."""
    name, label = rng.choice((words, nasty))(rng, 3), rng.choice((*LABELS, "city", ""))
    if form is Form.MARKS:
        return f"{words(rng, 4)}@@{name}##"
    if form is Form.REASONS:
        return f"- {name} | {rng.choice(('true', 'false', 'True.', 'yes', ''))} | {words(rng, 3)} ({label})\n"
    shapes = (
        f"{name} ({label})", f"- **{name}** ({label})\n", f"{name}: {label}\n", f"{name}（{label}）",
        f"{name} [{label}]", name, json.dumps({"text": name, "type": label}), f"| {name} | {label} |\n",
    )  # fmt: skip
    return rng.choice(shapes) + rng.choice(("; ", "; ", "\n", ", ", ""))


def answer(rng: random.Random, form: Form) -> str:
    """An answer: well formed, spoilt, JSON of any kind, or anything."""
    match rng.randint(0, 5):
        case 0:
            return nasty(rng)
        case 1:
            listed = [
                value(rng, 2) if rng.random() < 0.3 else {"text": words(rng, 2), "type": "person"} for _ in range(3)
            ]
            said = json.dumps(rng.choice((listed, {"entities": listed}, {"answer": value(rng, 1)}, value(rng))))
            return said if rng.random() < 0.5 else mutated_text(rng, said)
        case _:
            said = "".join(entry(rng, form) for _ in range(rng.randint(0, 5)))
            said = rng.choice(_LEADS) + said + rng.choice(_ENDINGS)
            return said if rng.random() < 0.5 else mutated_text(rng, said)


def spoken(rng: random.Random, text: str) -> Reply:
    """A reply of this text, in tokens or without, whole or cut."""
    tokens: list[Token] = []
    at = 0
    while rng.random() < 0.97 and at < len(text):
        size = rng.randint(0, 6)
        tokens.append(Token(text[at : at + size], rng.choice(_LOGPROBS)))
        at += size
    whole = tuple(tokens) if at >= len(text) else ()
    return Reply(text, rng.choice((Outcome.DONE, Outcome.DONE, Outcome.CUT)), whole)


def probable(probability: float | None) -> bool:
    return probability is None or 0.0 <= probability <= 1.0


def read(form: Form, given: tuple[Reply, str, tuple[str, ...]]) -> list[Item]:
    """What is read, after a look at each item."""
    reply, shown, labels = given
    items = form.read(reply, shown, labels)
    for item in items:
        assert isinstance(item.text, str)
        assert item.text.strip()
        assert item.label is None or isinstance(item.label, str)
        assert probable(item.probability), item
        assert probable(item.label_probability), item
        if item.at is not None:
            start, end = item.at
            assert 0 <= start < end <= len(shown)
    return items


def question(form: Form, rng: random.Random) -> tuple[Reply, str, tuple[str, ...]]:
    shown = form.line(show(words(rng)))
    said = answer(rng, form)
    if form is Form.MARKS and rng.random() < 0.5:  # a copy of the text with marks in it
        said = shown
        for _ in range(rng.randint(1, 3)):
            start, end = sorted((rng.randint(0, len(said)), rng.randint(0, len(said))))
            said = f"{said[:start]}@@{said[start:end]}##{said[end:]}"
    return spoken(rng, said), shown, LABELS[: rng.randint(0, len(LABELS))]


TARGETS = (("listings", Form.LIST), ("names", Form.NAMES), ("marks", Form.MARKS), ("reasons", Form.REASONS))


@pytest.mark.parametrize(("target", "form"), TARGETS)
def test_any_answer_is_read_or_left(target: str, form: Form) -> None:
    campaign(target, partial(question, form), partial(read, form))


def choose(given: tuple[Reply, tuple[str, ...]]) -> None:
    reply, options = given
    chosen, probability = read_choice(reply, options)
    assert chosen is None or chosen in options
    assert probable(probability), probability


def choice(rng: random.Random) -> tuple[Reply, tuple[str, ...]]:
    options = rng.choice((("true", "false"), (*LABELS, "none"), LABELS[:2], ()))
    said = f"{rng.choice(_LEADS)}{rng.choice((*options, 'city'))}{rng.choice(_ENDINGS)}"
    if rng.random() < 0.5:
        said = rng.choice(
            (nasty(rng), mutated_text(rng, said), json.dumps({"answer": value(rng, 1)}), json.dumps(value(rng)))
        )
    return spoken(rng, said), options


def test_any_choice_is_read_or_left() -> None:
    campaign("choices", choice, choose)


def written(rng: random.Random) -> tuple[Form, Example]:
    """A text of plain names, some of them labelled, none of them twice."""
    names = rng.sample(("Anna Berg", "Acme Corp", "Porto", "Lisbon", "O'Brien", "AT&T", "李明", "U.S.", "Zoë", "3M"), 4)
    text, entities = "", []
    for name in names:
        text += rng.choice(("", "and then ", "by "))
        if rng.random() < 0.7:
            entities.append(Span(len(text), len(text) + len(name), rng.choice(LABELS)))
        text += name + " "
    return rng.choice((Form.LIST, Form.NAMES, Form.MARKS)), Example("1", text.strip(), tuple(entities))


def reread(given: tuple[Form, Example]) -> None:
    form, example = given
    reply = Reply(form.write(example, {}))
    found = [(item.text, item.label) for item in read(form, (reply, form.line(show(example.text)), LABELS))]
    typed = form is Form.LIST
    assert found == [(example.text[e.start : e.end], e.label if typed else None) for e in example.entities]


def test_what_was_written_well_is_read_right() -> None:
    campaign("written", written, reread)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.CUT])
def test_the_time_to_read_an_answer_grows_with_its_length(form: Form, outcome: Outcome) -> None:
    leads = ("", '{"entities": [', "<think>") if form is Form.LIST else ("", "@@") if form is Form.MARKS else ("",)
    in_line(lambda said: form.read(Reply(said, outcome), "Anna in Porto", LABELS), leads)


@pytest.mark.parametrize("form", [Form.LIST, Form.MARKS, Form.REASONS])
def test_the_time_to_read_tokens_grows_with_their_number(form: Form) -> None:
    def work(said: str) -> object:
        return form.read(Reply(said, tokens=tuple(Token(char, -0.1) for char in said)), "a", LABELS)

    in_line(work, patterns=("a (person); ", "@@a##", "a | true | (person)\n", "a; "))


def test_the_time_to_read_a_choice_grows_with_its_length() -> None:
    leads = ("", '{"answer": "', "<think>")
    in_line(lambda said: read_choice(Reply(said), (*LABELS, "none")), leads)
