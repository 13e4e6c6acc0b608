"""How the HTTP engine takes what servers do to it, played by scripted servers on the loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from el4ner.errors import ModelError
from el4ner.models.base import Message, Outcome, Reply, Request, Usage
from el4ner.models.constraint import Listing, OneOf
from el4ner.models.openai.engine import OpenAIModel, estimate
from el4ner.models.openai.settings import Dialect, OpenAISettings

CHAT = (Message("user", "hello"),)
CHOICE = OneOf(("yes", "no"))
PLAIN = Request("?", 9)
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


def said(text: str, logprobs: Any = None, generated: int = 1, end: str = "stop") -> Answer:
    """An answer that fits both kinds of question."""
    choice = {"text": text, "message": {"content": text}, "finish_reason": end, "logprobs": logprobs}
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": generated}}


def refused(status: int, message: str = "no", **headers: str) -> Answer:
    return status, {"error": {"message": message}}, {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Script:
    """A server that answers as it is told, and what it was asked: `play` gets a question's number and its body."""

    play: Callable[[int, dict[str, Any]], Answer]
    others: dict[str, Any] = field(default_factory=dict)  # path -> answer, for all but the two questions
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # what came in Authorization
    peers: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        if not path.endswith("/completions"):
            found = self.others.get(path, {"data": []} if path == "/v1/models" else None)
            return (404, {}) if found is None else (200, found)
        with self.lock:
            number = len(self.asked)
            self.asked.append(body)
        return self.play(number, body)


@contextmanager
def served(script: Script) -> Iterator[Script]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.reply(script.answer(self.path, {}))

        def do_POST(self) -> None:
            script.keys.append(self.headers["Authorization"])
            script.peers.add(self.client_address[1])
            self.reply(script.answer(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def reply(self, answer: Answer) -> None:
            status, body, *more = answer
            if not status:  # hang up
                self.close_connection = True
                return
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | (
                more[0] if more else {}
            )
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients that gave up are no error."""

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield script
    server.shutdown()
    server.server_close()


def served_at(url: str, model: str = "m", **settings: Any) -> OpenAISettings:
    return OpenAISettings(engine="openai", base_url=url, model=model, **settings)


@contextmanager
def opened(script: Script, model: str = "m", **settings: Any) -> Iterator[OpenAIModel]:
    with closing(OpenAIModel(served_at(script.url, model=model, **settings))) as opened:
        yield opened


def generate(script: Script, *requests: Request, **settings: Any) -> list[Reply]:
    with opened(script, **settings) as model:
        return model.generate(requests)


def ask(*answers: Answer, request: Request = PLAIN, **settings: Any) -> tuple[Reply, Script]:
    """The reply to one request where the server gives these answers, the last of them again and again."""
    with served(Script(lambda number, _: answers[min(number, len(answers) - 1)])) as script:
        (reply,) = generate(script, request, **settings)
    return reply, script


# Asking again


def test_a_busy_server_is_asked_again_after_the_pause_it_names() -> None:
    start = time.monotonic()
    reply, script = ask(refused(429, Retry_After="0.8"), said("good"))
    assert reply.text == "good"
    assert len(script.asked) == 2
    assert time.monotonic() - start > 0.8


def test_an_overloaded_server_gets_fewer_at_once() -> None:
    under_way, peaks, lock = [0], [], threading.Lock()

    def play(number: int, body: dict[str, Any]) -> Answer:
        with lock:
            under_way[0] += 1
            peaks.append(under_way[0])
            crowded = under_way[0] > 4
        time.sleep(0.02)
        with lock:
            under_way[0] -= 1
        return refused(429, Retry_After="0.02") if crowded else said("good")

    with served(Script(play)) as script, opened(script, concurrency=16, retries=20) as model:
        assert {r.text for r in model.generate([PLAIN] * 16)} == {"good"}
        crowd = max(peaks)
        peaks.clear()
        assert {r.text for r in model.generate([PLAIN] * 16)} == {"good"}
    assert crowd > 4
    assert max(peaks) <= 12  # halved at least once; 32 answers regain four at most


def test_the_pause_may_be_named_by_a_date() -> None:
    reply, _ = ask(refused(429, Retry_After="Fri, 01 Jan 2021 00:00:00 GMT"), said("good"), timeout=0.2)
    assert reply.text == "good"  # a pause of its own would be longer than the time there is


def test_pauses_do_not_add_up_to_more_than_the_timeout() -> None:
    start = time.monotonic()
    reply, script = ask(refused(429, "later", Retry_After="3600"), timeout=1.0)
    assert (reply.outcome, reply.error) == (Outcome.FAILED, "HTTP 429: later")
    assert len(script.asked) == 1
    assert time.monotonic() - start < 1


def test_a_broken_connection_is_made_again() -> None:
    reply, script = ask((0, None), said("good"))
    assert reply.text == "good"
    assert len(script.asked) == 2


def test_what_cannot_help_is_not_asked_again() -> None:
    reply, script = ask(refused(401, "who are you?"))
    assert reply.error == "HTTP 401: who are you?"
    assert len(script.asked) == 1


def test_one_request_that_the_server_cannot_bear_fails_alone() -> None:
    def play(number: int, body: dict[str, Any]) -> Answer:
        return refused(500, "broken\n  inside") if body["prompt"] == "bad" else said(body["prompt"])

    with served(Script(play)) as script:
        replies = generate(script, *(Request(prompt, 9) for prompt in ("a", "bad", "b")), retries=1)
    assert [reply.text for reply in replies] == ["a", "", "b"]
    assert [reply.error for reply in replies] == ["", "HTTP 500: broken inside", ""]
    assert sum(body["prompt"] == "bad" for body in script.asked) == 2


def test_a_server_that_always_fails_does_not_make_every_request_wait() -> None:
    start = time.monotonic()
    with served(Script(lambda *_: refused(503))) as script:
        replies = generate(script, *[PLAIN] * 100, retries=2)
    assert {reply.outcome for reply in replies} == {Outcome.FAILED}
    assert time.monotonic() - start < 5
    assert 100 <= len(script.asked) <= 100 + 2 * 8


def test_where_nobody_listens_all_fail_quickly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    start = time.monotonic()
    with closing(OpenAIModel(served_at(url))) as model:
        replies = model.generate([PLAIN] * 500)
        assert {reply.outcome for reply in replies} == {Outcome.FAILED}
        assert all("onnection" in reply.error for reply in replies)
        assert time.monotonic() - start < 4
        assert model.context == 4096


# Waiting


def slow(seconds: float) -> Callable[[int, dict[str, Any]], Answer]:
    def play(number: int, body: dict[str, Any]) -> Answer:
        time.sleep(seconds if body["prompt"] == "slow" else 0)
        return said("good")

    return play


def test_a_request_without_an_answer_in_time_fails_alone_and_once() -> None:
    with served(Script(slow(4.0))) as script:  # the others have two seconds: time enough on a busy machine
        replies = generate(script, Request("slow", 9), *[PLAIN] * 9, timeout=2.0)
    assert [reply.outcome for reply in replies] == [Outcome.FAILED] + [Outcome.DONE] * 9
    assert "timed out" in replies[0].error
    assert len(script.asked) == 10


def test_a_server_that_hangs_is_given_up_after_one_round() -> None:
    start = time.monotonic()
    with served(Script(slow(1.0))) as script:
        replies = generate(script, *[Request("slow", 9)] * 100, timeout=0.3, concurrency=4)
    assert {reply.outcome for reply in replies} == {Outcome.FAILED}
    assert time.monotonic() - start < 3
    assert len(script.asked) <= 8


def test_no_more_requests_are_under_way_than_allowed_whoever_asks() -> None:
    active, peak, lock = 0, 0, threading.Lock()

    def play(number: int, body: dict[str, Any]) -> Answer:
        nonlocal active, peak
        with lock:
            active += 1
            peak = max(peak, active)
        time.sleep(0.03)
        with lock:
            active -= 1
        return said(body["prompt"])

    with served(Script(play)) as script, opened(script, concurrency=3) as model:
        callers = [threading.Thread(target=model.generate, args=([PLAIN] * 8,)) for _ in range(2)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert len(script.asked) == 16
    assert peak == 3


def test_connections_are_used_again() -> None:
    with served(Script(lambda *_: said("good"))) as script, opened(script, concurrency=2) as model:
        for _ in range(4):
            model.generate([PLAIN] * 4)
    assert len(script.peers) <= 2


def test_closing_ends_what_is_under_way() -> None:
    failures: list[BaseException] = []

    def call(model: OpenAIModel) -> None:
        try:
            model.generate([Request("slow", 9)])
        except ModelError as error:
            failures.append(error)

    with served(Script(slow(1.5))) as script:
        model = OpenAIModel(served_at(script.url))
        caller = threading.Thread(target=call, args=(model,), daemon=True)
        caller.start()
        while caller.is_alive() and not script.asked:
            time.sleep(0.01)
        model.close()
        caller.join(timeout=1)
        assert len(failures) == 1
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.generate([PLAIN])


# Answers


@pytest.mark.parametrize(
    "answer",
    [
        (200, b'{"choices": [{"te'),
        (200, b"<html>hello</html>", {"Content-Type": "text/html"}),
        (200, {"answer": 42}),
        (200, {"choices": []}),
        (200, {"choices": [{"finish_reason": "length", "message": {"content": None}}]}),
        said("half of it", end="content_filter"),
    ],
    ids=["half", "html", "strange", "none", "null", "filtered"],
)
def test_an_answer_that_is_none_is_a_failed_reply(answer: Answer) -> None:
    reply, script = ask(answer)
    assert reply.outcome is Outcome.FAILED
    assert reply.error
    assert not reply.text
    assert len(script.asked) == 1


def test_a_text_that_cannot_be_sent_is_a_failed_reply() -> None:
    reply, _ = ask(said("good"), request=Request("\ud800", 9))
    assert reply.outcome is Outcome.FAILED


def test_usage_tells_what_was_cached() -> None:
    status, body, *_ = said("good", generated=3)
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 5}
    assert ask((status, body))[0].usage == Usage(prompt=7, cached=5, generated=3)


def test_a_stop_string_that_the_server_leaves_in_is_taken_out() -> None:
    reply, _ = ask(said("yes\nText: more", end="length"), request=Request("?", 9, stop=("Text", "\n")))
    assert (reply.text, reply.outcome) == ("yes", Outcome.DONE)


def content(*pieces: str | bytes) -> dict[str, Any]:
    """Log-probabilities as chats have them; bytes stand for a piece of a character."""
    raw = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return {"content": [{"token": r.decode(errors="replace"), "bytes": list(r), "logprob": -0.5} for r in raw]}


CUP = "🏆".encode()


@pytest.mark.parametrize(
    ("text", "logprobs", "generated", "tokens"),
    [
        ("a b", {"tokens": ["a", " b"], "token_logprobs": [-1.0, 0.0]}, 2, ["a", " b"]),
        ("a b", content("a", " b"), 2, ["a", " b"]),
        ("a", content("a", "\n", ""), 3, ["a"]),
        ("a", content("a."), 1, ["a"]),
        ("a🏆", content("a", CUP[:2], CUP[2:]), 3, ["a", "", "🏆"]),
        ("a🏆", content("a", "🏆"), 3, []),
        ("a b", content("a", "b"), 2, []),
        ("a b", content("a"), 2, []),
        ("a b", {"tokens": ["a", " b"], "token_logprobs": [None, -1.0]}, 2, []),
        ("a b", [1, 2], 2, []),
        ("a b", None, 2, []),
        ("a\ud800", {"content": []}, 0, []),
    ],
    ids=["lists", "content", "stop", "overlap", "bytes", "merged", "gap", "short", "null", "strange", "none", "half"],
)
def test_tokens_make_up_the_text_or_are_none(text: str, logprobs: Any, generated: int, tokens: list[str]) -> None:
    reply, _ = ask(said(text, logprobs, generated))
    assert reply.text == text
    assert [token.text for token in reply.tokens] == tokens
    assert all(token.logprob <= 0 for token in reply.tokens)


# Constraints


def constrained(body: dict[str, Any]) -> set[str]:
    return {"grammar", "structured_outputs", "response_format"} & set(body)


@pytest.mark.parametrize("prompt", ["?", CHAT], ids=["plain", "chat"])
@pytest.mark.parametrize(
    ("dialect", "field"),
    [("gbnf", {"grammar"}), ("vllm", {"structured_outputs"}), ("json_schema", {"response_format"}), ("none", set())],
)
def test_a_constraint_is_said_in_the_dialect_of_the_settings(dialect: Dialect, field: set[str], prompt: Any) -> None:
    _, script = ask(said("yes"), request=Request(prompt, 9, constraint=CHOICE), grammar=dialect)
    assert constrained(script.asked[0]) == field


def test_json_is_given_room_for_what_stands_around_the_answer() -> None:
    options = ("PER", "LOC", "none")
    request = Request(CHAT, 6, constraint=OneOf(options))
    _, script = ask(said('{\n  "answer": "none"\n}'), request=request, grammar="json_schema")
    assert script.asked[0]["max_tokens"] >= 6 + len('{\n  "answer": ""\n}')
    _, script = ask(said("none"), request=request, grammar="gbnf")
    assert script.asked[0]["max_tokens"] == 6


@pytest.mark.parametrize(
    "address", ["localhost:8000/v1", "http://localhost:80o1/v1", "http://", "", "ftp://a/v1", "http://[::1"]
)
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        served_at(address)


@pytest.mark.parametrize(
    ("server", "plain", "chat"),
    [
        ("llamacpp", {"grammar"}, {"grammar"}),
        ("vllm", {"structured_outputs"}, {"structured_outputs"}),
        ("library", set(), {"response_format"}),
    ],
)
def test_auto_goes_by_what_the_server_calls_itself(server: str, plain: set[str], chat: set[str]) -> None:
    models = {"data": [{"id": "m", "owned_by": server}]}
    with served(Script(lambda *_: said("yes"), {"/v1/models": models})) as script:
        generate(script, Request("?", 9, constraint=CHOICE), concurrency=1)
        generate(script, Request(CHAT, 9, constraint=CHOICE), concurrency=1)
    assert [constrained(body) for body in script.asked] == [plain, chat]


def test_a_server_that_takes_no_constraint_is_asked_without_and_that_is_remembered() -> None:
    def play(number: int, body: dict[str, Any]) -> Answer:
        return refused(400, "unknown field") if constrained(body) else said("yes")

    with served(Script(play)) as script:
        replies = generate(script, *[Request("?", 9, constraint=CHOICE)] * 4, grammar="gbnf", concurrency=1)
    assert [reply.text for reply in replies] == ["yes"] * 4
    assert [bool(constrained(body)) for body in script.asked] == [True, False, False, False, False]


def test_a_server_that_took_a_constraint_is_given_the_next_one_too() -> None:
    def play(number: int, body: dict[str, Any]) -> Answer:
        return refused(400, "too complex") if "odd" in body.get("grammar", "") else said("yes")

    choices = [CHOICE, OneOf(("odd",)), CHOICE]
    with served(Script(play)) as script:
        generate(script, *(Request("?", 9, constraint=c) for c in choices), grammar="gbnf", concurrency=1)
    assert [bool(constrained(body)) for body in script.asked] == [True, True, False, True]


def test_a_listing_that_is_too_much_for_the_server_says_nothing_about_choices() -> None:
    def play(number: int, body: dict[str, Any]) -> Answer:
        return refused(400, "too many rules") if "item" in body.get("grammar", "") else said("yes")

    asked = [Listing("Anna sees Bo", ("person",)), CHOICE, Listing("Anna", ("person",))]
    with served(Script(play)) as script:
        generate(script, *(Request("?", 9, constraint=c) for c in asked), grammar="gbnf", concurrency=1)
    assert [bool(constrained(body)) for body in script.asked] == [True, False, True, False]


def test_a_prompt_that_is_too_long_says_nothing_about_constraints() -> None:
    def play(number: int, body: dict[str, Any]) -> Answer:
        return refused(400, "too long") if body["prompt"] == "long" else said("yes")

    requests = [Request(prompt, 9, constraint=CHOICE) for prompt in ("long", "?")]
    with served(Script(play)) as script:
        replies = generate(script, *requests, grammar="gbnf", concurrency=1)
    assert [reply.error for reply in replies] == ["HTTP 400: too long", ""]
    assert constrained(script.asked[-1])


# Settings, and what servers tell


def test_what_is_asked_is_sent_and_the_settings_join_it() -> None:
    request = Request(CHAT, 9, stop=("\n",), temperature=0.5, seed=3)
    _, script = ask(said("good"), request=request, extra={"top_k": 1}, logprobs=False)
    messages = [{"role": "user", "content": "hello"}]
    asked = {
        "model": "m",
        "messages": messages,
        "max_tokens": 9,
        "temperature": 0.5,
        "seed": 3,
        "stop": ["\n"],
        "top_k": 1,
    }
    assert script.asked == [asked]


def test_only_a_named_variable_gives_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    keys = []
    monkeypatch.setenv("OTHER_KEY", "other")
    for name in ("OPENAI_API_KEY", "OTHER_KEY", "NO_SUCH_KEY", "", None):
        _, script = ask(said("good"), api_key_env=name)
        keys += script.keys
    assert keys == ["Bearer mine", "Bearer other", "Bearer EMPTY", "Bearer EMPTY", "Bearer EMPTY"]


def test_vllm_tells_its_context_its_weights_and_its_tokens() -> None:
    models = {"data": [{"id": "other"}, {"id": "m", "owned_by": "vllm", "root": "some/model", "max_model_len": 512}]}
    others = {"/v1/models": models, "/tokenize": {"tokens": [1, 2, 3], "count": 3}}
    with served(Script(lambda *_: said("good"), others)) as script:
        with opened(script) as model:
            assert model.context == 512
            assert "some/model" in model.identity
            assert model.count(["one two three"]) == [3]
        with opened(script, context=64) as model:
            assert model.context == 64


def test_a_server_that_tells_nothing_is_taken_as_it_comes() -> None:
    strange = {"/v1/models": ["no", "list"]}
    with served(Script(lambda *_: said("good"), strange)) as script, opened(script, "/models/m.gguf") as model:
        assert model.context == 4096
        assert model.identity == 'openai m.gguf {"grammar": "auto", "logprobs": true}'
        assert model.count(["hello world", "", "李明"]) == [6, 0, 6]


def test_an_estimate_is_no_less_than_half_of_the_letters_and_all_of_the_rest() -> None:
    assert [estimate(text) for text in ("", "a", "ab", "12", "é", "🏆")] == [0, 1, 1, 2, 2, 4]


@pytest.mark.parametrize("setting", [{"concurrency": 0}, {"timeout": 0.0}, {"retries": -1}])
def test_settings_that_cannot_be_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(setting))):
        served_at("http://127.0.0.1/v1", **setting)
