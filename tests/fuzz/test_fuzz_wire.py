"""Whatever JSON a server answers, it is a reply: as it says where it is well formed, else a failure with a reason."""

from __future__ import annotations

import json
import math
import random

import pytest
from campaign import campaign
from corpus_wire import ANSWERS, CHAT, CHAT_ANSWER, PLAIN, PLAIN_ANSWER, REQUESTS
from growth import in_line
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mutation import mutated_value, value

from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.openai.protocol import read_reply

pytestmark = pytest.mark.fuzz
_MOST = 10**12  # tokens: more than that is nobody's count
Asked = tuple[object, Request]


def sound(reply: Reply) -> None:
    """A reply that everything behind it can rely on."""
    assert isinstance(reply, Reply)
    assert isinstance(reply.text, str)
    assert isinstance(reply.error, str)
    assert reply.outcome in Outcome
    if reply.outcome is Outcome.FAILED:
        assert reply.error.strip()
        assert len(reply.error.splitlines()) == 1
        assert len(reply.error) <= 1000
    for count in (reply.usage.prompt, reply.usage.cached, reply.usage.generated):
        assert isinstance(count, int), reply.usage
        assert not isinstance(count, bool), reply.usage
        assert 0 <= count < _MOST, reply.usage
    for token in reply.tokens:
        assert isinstance(token.logprob, float)
        assert math.isfinite(token.logprob), token
        assert token.logprob <= 0
    assert not reply.tokens or "".join(token.text for token in reply.tokens) == reply.text


def check(asked: Asked) -> None:
    answer, request = asked
    sound(read_reply(answer, request))


def anything(rng: random.Random) -> Asked:
    """Any JSON, or any JSON where a text, a token list or a count belongs."""
    request, odd = rng.choice(REQUESTS), value(rng)
    match rng.randint(0, 5):
        case 0:
            return odd, request
        case 1:
            return {"choices": odd}, request
        case 2:
            return {"choices": [odd], "usage": value(rng)}, request
        case 3:
            return {"choices": [{"message": {"content": odd}, "text": odd, "finish_reason": value(rng, 1)}]}, request
        case 4:
            choice = {
                "message": {"content": "Anna"},
                "text": "Anna",
                "logprobs": rng.choice((odd, {"content": odd}, {"tokens": odd})),
            }
            return {"choices": [choice]}, request
        case _:
            usage = {name: value(rng, 1) for name in ("prompt_tokens", "completion_tokens", "prompt_tokens_details")}
            return {
                "choices": [{"message": {"content": "Anna"}, "text": "Anna"}],
                "usage": usage,
                "error": value(rng, 2),
            }, request


def changed(rng: random.Random) -> Asked:
    answer = rng.choice(ANSWERS)
    for _ in range(rng.choice((1, 1, 2, 3))):
        answer = mutated_value(rng, answer)
    return answer, rng.choice(REQUESTS)


def test_any_json_is_a_reply() -> None:
    campaign("answers", anything, check)


def test_a_changed_answer_is_a_reply() -> None:
    campaign("mutated answers", changed, check)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=300, phases=[Phase.explicit, Phase.generate])  # to make its inputs smaller takes minutes
@given(st.sampled_from(REQUESTS), _json, _json, _json, _json)
def test_any_json_at_any_place_is_a_reply(
    request_: Request, content: object, logprobs: object, usage: object, end: object
) -> None:
    choice = {"message": {"content": content}, "text": content, "logprobs": logprobs, "finish_reason": end}
    check(({"choices": [choice], "usage": usage}, request_))


@pytest.mark.parametrize(("answer", "asked"), [(CHAT_ANSWER, CHAT), (PLAIN_ANSWER, PLAIN)])
def test_what_is_well_formed_is_read_right(answer: object, asked: Request) -> None:
    reply = read_reply(json.loads(json.dumps(answer)), asked)
    assert reply.text == "Anna (person)"
    assert reply.outcome is (Outcome.DONE if asked is CHAT else Outcome.CUT)
    assert [token.logprob for token in reply.tokens] == [-0.1, -0.2, -0.3, -0.4]
    assert (reply.usage.prompt, reply.usage.cached, reply.usage.generated) == (7, 2, 3)


@pytest.mark.parametrize("asked", [CHAT, PLAIN])
def test_the_time_to_read_an_answer_grows_with_it(asked: Request) -> None:
    def work(text: str) -> None:
        content = [{"token": char, "logprob": -0.1} for char in text]
        choice = {"message": {"content": text}, "text": text, "logprobs": {"content": content}}
        sound(read_reply({"choices": [choice]}, asked))

    in_line(work, patterns=("a", "\n", "中", "\u0301", "🇳🇴", "a (person); "))
