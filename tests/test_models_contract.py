"""What every engine keeps to, whichever it is: one suite, run over all of them with the same weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from contract import ENGINES, is_item, items

from el4ner.models.base import Message, Model, Outcome, Reply, Request
from el4ner.models.constraint import Listing, OneOf

ORDINARY = "Angela Merkel met Barack Obama in New York City on Tuesday ."
AWKWARD = 'She said "the [Old] Town" at C:\\Temp\\new, {a|b}* 李明 and Zoë 🎉👩‍🚀\twere there\x0c (again).'
CHINESE = "李明在北京大学学习，后来搬到上海。"


@pytest.fixture(scope="session", params=sorted(ENGINES))
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    with ENGINES[request.param]() as opened:
        yield opened
        opened.close()  # and once more at the end: that is harmless


def ask(model: Model, request: Request) -> Reply:
    (reply,) = model.generate([request])
    return reply


def test_no_requests_no_replies(model: Model) -> None:
    assert model.generate([]) == []


def test_replies_come_in_the_order_of_the_requests(model: Model) -> None:
    wanted = [f"{number}th" for number in range(24)]
    replies = model.generate([Request("Say:", 8, constraint=OneOf((word,))) for word in wanted])
    assert [reply.text for reply in replies] == wanted


def test_replies_are_told_of_once_each_before_the_call_ends(model: Model) -> None:
    told: dict[int, Reply] = {}

    def hear(done: Sequence[tuple[int, Reply]]) -> None:
        assert not told.keys() & dict(done).keys()
        told.update(done)

    replies = model.generate([Request(f"{number}, {number + 1},", 4) for number in range(5)], hear)
    assert told == dict(enumerate(replies))


def test_a_plain_prompt_is_continued(model: Model) -> None:
    assert ask(model, Request("The capital of France is", 4)).text.startswith(" Paris")


def test_a_chat_is_answered(model: Model) -> None:
    reply = ask(model, Request((Message("system", "You are helpful."), Message("user", "Say hello.")), 12))
    assert reply.outcome is not Outcome.FAILED
    assert reply.text.strip()
    assert "<|im_" not in reply.text


def test_a_chat_is_held_to_its_constraint(model: Model) -> None:
    reply = ask(model, Request((Message("user", "Is Paris a city?"),), 8, constraint=OneOf(("true", "false"))))
    assert reply.text in ("true", "false")


def test_a_stop_string_ends_the_reply_and_is_not_part_of_it(model: Model) -> None:
    reply = ask(model, Request("One, two, three, four, five,", 32, stop=("eight", "\n")))
    assert reply.text.rstrip() == " six, seven,"  # an engine may drop the whole token that holds the stop string
    assert reply.outcome is Outcome.DONE


def test_a_stop_string_ends_a_constrained_reply_too(model: Model) -> None:
    reply = ask(model, Request("Say:", 32, stop=(" beta",), constraint=OneOf(("alpha beta gamma",))))
    assert reply.text == "alpha"
    assert reply.outcome is Outcome.DONE


def test_the_token_limit_is_told(model: Model) -> None:
    reply = ask(model, Request("Once upon a time", 3))
    assert reply.outcome is Outcome.CUT
    assert reply.usage.generated == 3


def test_one_of_is_kept(model: Model) -> None:
    constraints = [
        OneOf(("person", "location", "none of these")),
        OneOf((" person", " location")),
        OneOf(('a "quoted" \\ one', "[x] (y) {z}|*")),
        OneOf(("北京 🎉", "Zoë")),
        OneOf(("\b\f\t\r\x1f\x7f",)),
    ]
    replies = model.generate([Request("Angela Merkel is a", 24, constraint=constraint) for constraint in constraints])
    for reply, constraint in zip(replies, constraints, strict=True):
        assert reply.text in constraint.options
        assert reply.outcome is Outcome.DONE


@pytest.mark.parametrize("text", [ORDINARY, AWKWARD, CHINESE], ids=["ordinary", "awkward", "chinese"])
def test_a_listing_is_of_the_text(model: Model, text: str) -> None:
    listings = [Listing(text), Listing(text, ("person", 'a "place" (of) \\ 市'), lead=" ")]
    prompt = f"Text: Tom Hanks is in Rome .\nEntities: Tom Hanks; Rome\n\nText: {text}\nEntities:"
    replies = model.generate([Request(prompt, 80, constraint=listing) for listing in listings])
    for reply, listing in zip(replies, listings, strict=True):
        assert reply.outcome is not Outcome.FAILED, reply.error
        assert all(is_item(item, listing) for item in items(reply, listing)), reply.text
    assert any(items(reply, listing) for reply, listing in zip(replies, listings, strict=True))


@pytest.mark.parametrize("text", ["", " \n"], ids=["empty", "blank"])
def test_a_text_without_words_has_no_spans(model: Model, text: str) -> None:
    assert ask(model, Request("Entities:", 8, constraint=Listing(text))).text == "none"


def test_tokens_make_up_the_reply(model: Model) -> None:
    requests = [
        Request("The capital of France is", 12),
        Request("One, two, three, four, five,", 32, stop=(" eight",)),
        Request("Say:", 8, constraint=OneOf(("person", "location"))),
        Request((Message("user", "What is the capital of France?"),), 12),
    ]
    for reply in model.generate(requests):
        assert "".join(token.text for token in reply.tokens) == reply.text != ""
        assert all(token.logprob <= 0 for token in reply.tokens)


@pytest.mark.parametrize("constraint", [OneOf(("北京🎉",)), Listing(CHINESE)], ids=["one-of", "listing"])
def test_tokens_of_characters_in_several_pieces_make_up_the_reply_or_are_none(
    model: Model, constraint: OneOf | Listing
) -> None:
    reply = ask(model, Request("Say:", 32, constraint=constraint))
    assert "".join(token.text for token in reply.tokens) in ("", reply.text)


def test_the_likelier_choice_is_made(model: Model) -> None:
    request = Request("Paris is the capital of", 8, constraint=OneOf((" France", " Japan")))
    assert ask(model, request).text == " France"


def test_temperature_zero_repeats_itself(model: Model) -> None:
    request = Request(f"Text: {ORDINARY}\nPeople:", 12)
    assert ask(model, request).text == ask(model, request).text


def test_a_request_that_fails_fails_alone(model: Model) -> None:
    good, long = Request("The capital of France is", 4), Request("word " * (model.context + 1), 4)
    first, failed, last = model.generate([good, long, good])
    assert failed.outcome is Outcome.FAILED
    assert failed.error
    assert "\n" not in failed.error
    assert not failed.text
    assert first.text == last.text == ask(model, good).text


def test_usage_is_counted(model: Model) -> None:
    usage = ask(model, Request("The capital of France is", 4)).usage
    assert usage.prompt > 0
    assert 0 <= usage.cached <= usage.prompt
    assert usage.generated == 4


def test_counts_are_positive_grow_with_the_text_and_cover_the_prompt(model: Model) -> None:
    counts = model.count([ORDINARY, ORDINARY * 2, ORDINARY * 4, CHINESE])
    assert 0 < counts[0] < counts[1] < counts[2] < model.context
    assert counts[0] >= ask(model, Request(ORDINARY, 1)).usage.prompt
    assert counts[3] >= ask(model, Request(CHINESE, 1)).usage.prompt
    assert model.count([]) == []


def test_the_identity_stays_and_is_one_line(model: Model) -> None:
    assert model.identity == model.identity
    assert model.identity.strip()
    assert "\n" not in model.identity
