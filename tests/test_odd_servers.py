"""Servers that answer oddly, slowly or not at all, and what leaves this machine."""

from __future__ import annotations

import gzip
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_models_openai import CHAT, PLAIN, Answer, Script, ask, generate, opened, refused, said, served, served_at

from el4ner.models.base import Outcome, Reply, Request, Usage
from el4ner.models.openai.advice import find_fields
from el4ner.models.openai.card import model_of, read_card
from el4ner.models.openai.engine import OpenAIModel
from el4ner.models.openai.protocol import body_of, read_reply, refusal
from el4ner.models.openai.retry import pause, too_long
from el4ner.models.openai.settings import OpenAISettings

ASK = Request(CHAT, 9)


def chat(content: Any, **more: Any) -> Answer:
    return 200, {"choices": [{"message": {"content": content, **more}, "finish_reason": "stop"}]}


# What answers hold


def test_content_in_parts_is_put_together() -> None:
    parts = [
        {"type": "text", "text": "loca"},
        {"type": "text", "text": "tion"},
        {"type": "image_url", "image_url": "x"},
    ]
    assert ask(chat(parts), request=ASK)[0].text == "location"


@pytest.mark.parametrize("content", ["", None, " \n", [], [{"type": "refusal"}]])
def test_an_empty_answer_of_a_chat_is_a_failure(content: Any) -> None:
    reply, _ = ask(chat(content), request=ASK)
    assert reply.outcome is Outcome.FAILED
    assert reply.error.startswith(("an empty answer", "no text in the answer"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"object": "error", "message": "no such adapter", "code": 400}), "no such adapter"),
        ((200, "<html><body>It works!</body></html>"), "It works!"),
        ((200, {"detail": "Not Found here"}), "Not Found here"),
        (chat(None, refusal="I will not read this"), "refused: 'I will not read this'"),
    ],
)
def test_what_a_server_says_instead_of_an_answer_is_told(answer: Answer, words: str) -> None:
    reply, _ = ask(answer, request=ASK, retries=0)
    assert reply.outcome is Outcome.FAILED
    assert words in reply.error


def test_the_first_choice_is_that_of_number_0() -> None:
    choices = [{"index": n, "message": {"content": f"choice {n}"}, "finish_reason": "stop"} for n in (1, 0)]
    assert ask((200, {"choices": choices}), request=ASK)[0].text == "choice 0"


def test_an_answer_longer_than_its_tokens_could_be_is_a_failure() -> None:
    reply, _ = ask(chat("Porto (location); " * 10_000), request=ASK)
    assert reply.outcome is Outcome.FAILED
    assert "180,000 characters, where 9 tokens were asked for" in reply.error


def test_a_model_that_spends_all_on_reasoning_is_told_so() -> None:
    for key in ("reasoning_content", "reasoning"):
        reply, _ = ask(chat("", **{key: "hm"}), request=ASK)
        assert "spent its tokens on reasoning" in reply.error
        assert "thinking = 2048" in reply.error
    assert ask(chat("person", reasoning_content="hm"), request=ASK)[0].text == "person"


def test_thinking_is_paid_for() -> None:
    assert body_of(ASK, served_at("http://x/v1", thinking=100))[1]["max_tokens"] == 109
    assert body_of(PLAIN, served_at("http://x/v1", thinking=100))[1]["max_tokens"] == 9


def test_fields_are_renamed_or_left_out() -> None:
    fields = {"max_tokens": "max_completion_tokens", "seed": "", "temperature": ""}
    reply, script = ask(said("x"), request=ASK, fields=fields)
    assert script.asked[0]["max_completion_tokens"] == 9
    assert not {"max_tokens", "seed", "temperature"} & script.asked[0].keys()
    assert reply.text == "x"


def test_an_error_inside_an_answer_is_shown_and_asked_again_where_that_may_help() -> None:
    busy = 200, {"error": {"message": "rate limited", "code": 429}}
    reply, script = ask(busy, said("good"))
    assert (reply.text, len(script.asked)) == ("good", 2)
    reply, script = ask((200, {"error": {"message": "no such deployment", "code": 404}}))
    assert "no such deployment" in reply.error
    assert len(script.asked) == 1
    assert "out of memory" in ask((200, {"error": "out of memory"}))[0].error


@pytest.mark.parametrize("odd", ["many", 10**30, -1, None, True, [], {}, 1.5])
def test_odd_usage_counts_as_none(odd: Any) -> None:
    status, body, *_ = said("good")
    body["usage"] = {"prompt_tokens": odd, "completion_tokens": odd, "prompt_tokens_details": odd}
    reply, _ = ask((status, body))
    assert (reply.text, reply.usage) == ("good", Usage())


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, "NaN", None, 10**400])
def test_log_probabilities_that_are_no_numbers_are_not_told(odd: Any) -> None:
    logprobs = {"content": [{"token": "good", "logprob": odd, "bytes": None}]}
    choice = {"message": {"content": "good"}, "logprobs": logprobs, "finish_reason": "stop"}
    reply = read_reply({"choices": [choice], "usage": {"completion_tokens": 1}}, ASK)
    assert (reply.text, reply.tokens) == ("good", ())


def test_an_answer_that_is_nested_without_end_fails_alone() -> None:
    deep = b'{"choices":' + b"[" * 200_000
    with served(Script(lambda n, _: (200, deep) if n == 1 else said("good"))) as script:
        replies = generate(script, PLAIN, PLAIN, PLAIN, concurrency=1)
    assert [reply.text for reply in replies] == ["good", "", "good"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe\x00", {}),
        (b"not gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b'{"choices": []}')[:-8], {"Content-Encoding": "gzip"}),
        (b"{}", {"Content-Type": "application/json; charset=no-such"}),
        (b'{"choices": [{"text": "\\ud800", "finish_reason": 7}]}', {}),
        (b"", {}),
        (b"NaN", {}),
        (b"[" * 1000 + b"]" * 1000, {}),
    ],
)
def test_whatever_comes_is_a_reply(body: bytes, headers: dict[str, str]) -> None:
    reply, _ = ask((200, body, headers))
    assert isinstance(reply, Reply)
    assert reply.text or reply.error


@pytest.mark.parametrize(
    "header",
    ["Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400, "-5", "nan", "inf", "²", "٣", "soon", "Mon, 99 Foo 2020", "1e999", ""],
)
def test_any_retry_after_is_a_pause_or_an_end(header: str) -> None:
    response = httpx2.Response(429, headers={"retry-after": header.encode()}, request=httpx2.Request("GET", "http://x"))
    error = httpx2.HTTPStatusError("busy", request=response.request, response=response)
    wait = pause(error, 0, 4, spent=False)
    assert wait is not None
    assert wait >= 0


KEYS = [
    "choices",
    "message",
    "content",
    "text",
    "usage",
    "prompt_tokens",
    "logprobs",
    "token",
    "bytes",
    "error",
    "tokens",
    "token_logprobs",
    "finish_reason",
    "data",
    "id",
    "owned_by",
    "max_model_len",
    "meta",
    "code",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON, st.sampled_from([ASK, PLAIN]))
def test_any_json_is_read_as_a_reply_and_as_a_card(answer: Any, request: Request) -> None:
    for wrapped in (answer, {"choices": [answer]}, {"choices": [{"text": "a", "message": answer, "logprobs": answer}]}):
        assert isinstance(read_reply(wrapped, request), Reply)
        refusal(wrapped)
    card = read_card(model_of({"data": [answer]}, "m"), answer)
    assert card.context is None or card.context > 0


def test_odd_cards_are_no_cards() -> None:
    for odd in ("4096", -1, 10**30, None, True, [4096]):
        script = Script(lambda *_: said("x"), {"/v1/models": {"data": [{"id": "m", "max_model_len": odd}]}})
        with served(script) as there, opened(there) as model:
            assert model.context == 4096


# Too long


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (
            {"error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000"}},
            4096,
        ),
        ({"error": {"type": "exceed_context_size_error", "n_ctx": 2048, "message": "the request exceeds it"}}, 2048),
        ({"error": {"message": "prompt is too long", "code": "context_length_exceeded"}}, 0),
        ({"error": {"message": "input length exceeds the context window"}}, 0),
        ({"error": {"message": "no such field: seed"}}, None),
    ],
)
def test_a_refusal_for_length_is_known_and_its_number_read(body: Any, tokens: int | None) -> None:
    response = httpx2.Response(400, json=body, request=httpx2.Request("POST", "http://x"))
    assert too_long(httpx2.HTTPStatusError("", request=response.request, response=response)) == tokens


def test_a_context_that_is_refused_is_lowered() -> None:
    told = refused(400, "maximum context length is 1024 tokens")
    with served(Script(lambda *_: told)) as script, opened(script) as model:
        (reply,) = model.generate([PLAIN])
        assert reply.too_long
        assert model.context == 1024


# Servers that are down


@contextmanager
def dripping(pause: float) -> Iterator[str]:
    """A server that takes connections and sends a byte now and then."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(one: socket.socket) -> None:
        with one:
            try:
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not stop.wait(pause):
                    one.sendall(b" ")
            except OSError:
                pass

    def accept() -> None:
        while not stop.is_set():
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(one,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    stop.set()
    listener.close()


def test_an_answer_that_drips_ends_with_the_time_of_a_try() -> None:
    with dripping(0.05) as url, closing(OpenAIModel(served_at(url, timeout=0.5))) as model:
        start = time.monotonic()
        replies = model.generate([PLAIN] * 50)
        assert time.monotonic() - start < 6
    assert {reply.outcome for reply in replies} == {Outcome.FAILED}


def test_a_closed_port_costs_its_seconds_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with closing(OpenAIModel(served_at(url))) as model:
        start = time.monotonic()
        for _ in range(100):
            assert model.context == 4096
            assert model.generate([PLAIN])[0].outcome is Outcome.FAILED
        assert time.monotonic() - start < 6


def test_a_server_that_only_says_busy_is_given_up_and_taken_back() -> None:
    busy = [True]
    with (
        served(Script(lambda *_: refused(429, "busy", Retry_After="0.1") if busy[0] else said("good"))) as script,
        opened(script, patience=0.5, retries=1000) as model,
    ):
        start = time.monotonic()
        first = model.generate([PLAIN] * 20)
        assert time.monotonic() - start < 5
        assert {reply.outcome for reply in first} == {Outcome.FAILED}
        assert any("given up after" in reply.error and "busy" in reply.error for reply in first)
        busy[0] = False
        model._health._again = 0.0  # the rest is over
        assert [reply.text for reply in model.generate([PLAIN])] == ["good"]
        assert model.waiting == ""


def test_a_redirect_within_the_host_is_followed() -> None:
    reply, script = ask((307, {}, {"Location": "/v1/there/completions"}), said("good"))
    assert (reply.text, len(script.asked)) == ("good", 2)
    assert "in circles" in ask((307, {}, {"Location": "/v1/completions"}), retries=0)[0].error


# What doctor finds out


def _picky(*refused_fields: str) -> Script:
    """A server that refuses requests with these fields, one at a time, by name."""

    def play(number: int, body: dict[str, Any]) -> Answer:
        for field in refused_fields:
            if field in body:
                return refused(400, f"Unsupported parameter: '{field}' is not supported with this model")
        return said("Paris")

    return Script(play)


@pytest.mark.parametrize(
    ("refuses", "fields"),
    [
        ((), {}),
        (("seed",), {"seed": ""}),
        (("max_tokens", "temperature"), {"max_tokens": "max_completion_tokens", "temperature": ""}),
        (("logprobs", "top_logprobs"), {"logprobs": "", "top_logprobs": ""}),
        (("model",), None),
    ],
)
def test_fields_that_a_server_refuses_are_found(refuses: tuple[str, ...], fields: dict[str, str] | None) -> None:
    with served(_picky(*refuses)) as script:
        settings = served_at(script.url)
        assert find_fields(settings) == fields
        mended = settings.mended()
        assert isinstance(mended, OpenAISettings)
        assert mended.fields == (fields or {})


def test_fields_are_found_where_the_refusal_does_not_name_them() -> None:
    script = Script(lambda _, body: refused(422, "bad request") if "seed" in body else said("Paris"))
    with served(script) as there:
        assert find_fields(served_at(there.url)) == {"seed": ""}


def test_advice_names_the_line_to_write() -> None:
    with served(_picky("max_tokens")) as script:
        (line,) = served_at(script.url).advice()
    assert line.startswith('fields = {max_tokens = "max_completion_tokens"}')
    with served(Script(lambda *_: said("<think>Well, France ..."))) as script:
        (line,) = served_at(script.url).advice()
    assert "enable_thinking = false" in line
    assert "thinking = 2048" in line
