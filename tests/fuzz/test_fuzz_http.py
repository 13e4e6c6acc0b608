"""The engine against a server that sends anything: a reply to every request, in time, and never an exception."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from campaign import campaign
from corpus_wire import CARDS, CHAT, CHAT_ANSWER, ERRORS, PROPS
from mutation import mutated_bytes, mutated_value, nasty, value
from raw_server import RawServer, http, raw_server
from test_fuzz_headers import body
from test_fuzz_wire import sound

from el4ner.models.base import Outcome
from el4ner.models.openai.engine import OpenAIModel
from el4ner.models.openai.settings import OpenAISettings

pytestmark = pytest.mark.fuzz
_TIMEOUT = 1.0  # seconds a try
_TOKENS = (
    b"\r\n", b"\n", b"\r\n\r\n", b"HTTP/1.1 ", b"HTTP/2 ", b"HTTP/0.9 200\r\n", b"100 Continue\r\n\r\n", b"200",
    b"429", b"503", b"304", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n", b"Content-Length: x\r\n", b"Transfer-Encoding: chunked\r\n",
    b"5\r\nabcde\r\n", b"0\r\n\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: br\r\n", b"Location: /v1/models\r\n", b"Location: http://127.0.0.1:1/\r\n", b"Location: \r\n",
    b"Retry-After: 1e9\r\n", b"Set-Cookie: a\r\n", b": \r\n", b" folded\r\n", b"\x00", b"\xff", b"A" * 20_000,
)  # fmt: skip
Sent = tuple[bytes, bool]


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    with raw_server() as server:
        yield server


def chunked(rng: random.Random, content: bytes) -> bytes:
    """An answer in chunks."""
    sent = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    while content:
        part, content = content[: (size := rng.randint(1, 99))], content[size:]
        sent += f"{len(part):x}\r\n".encode() + part + b"\r\n"
    return sent + b"0\r\n\r\n"


def raw(rng: random.Random, good: object) -> Sent:
    """The bytes of an answer, most of them spoilt, and whether the line is left open."""
    answer = rng.choice((good, good, rng.choice(ERRORS), mutated_value(rng, good)))
    content = json.dumps(answer).encode()
    match rng.randint(0, 7):
        case 0:
            status, headers, content = body(rng)
            lines = "".join(f"{name}: {text}\r\n" for name, text in headers)
            length = f"Content-Length: {len(content)}\r\n\r\n"
            return f"HTTP/1.1 {status} X\r\n{lines}{length}".encode("utf-8", "replace") + content, False
        case 1:
            sent = nasty(rng, 20).encode("utf-8", "surrogatepass")
        case 2 | 3:
            sent = mutated_bytes(rng, chunked(rng, content), _TOKENS)
        case 4:
            sent = http(mutated_bytes(rng, content, _TOKENS))
        case _:
            status = rng.choice(
                (
                    "200 OK",
                    "200 OK",
                    "429 Slow",
                    "503 X",
                    "301 Moved",
                    "400 Bad",
                    "100 Go on",
                    "204 None",
                    "0 ?",
                    "999 ?",
                )
            )
            sent = mutated_bytes(rng, http(content, status), _TOKENS)
    return sent, rng.random() < 0.01


def opened(server: RawServer) -> OpenAIModel:
    return OpenAIModel(OpenAISettings(engine="openai", base_url=server.url, model="m", timeout=_TIMEOUT, retries=0))


def ask(server: RawServer, sent: Sent) -> None:
    """Every request has a reply, in time."""
    server.answers, server.held = {"/models": http(json.dumps(CARDS[0]).encode()), "/completions": sent[0]}, sent[1]
    began = time.monotonic()
    with closing(opened(server)) as model:
        (reply,) = model.generate([CHAT])
    sound(reply)
    assert time.monotonic() - began < 3 * _TIMEOUT + 5


def test_whatever_comes_over_the_line_is_a_reply(server: RawServer) -> None:
    campaign("raw answers", partial(raw, good=CHAT_ANSWER), partial(ask, server))


def card(rng: random.Random) -> tuple[Sent, Sent, Sent]:
    """What a server tells of itself: its models, its properties and its tokens."""
    models = raw(rng, rng.choice(CARDS))
    if rng.random() < 0.5:
        models = http(json.dumps(mutated_value(rng, rng.choice(CARDS))).encode()), False
    props = raw(rng, PROPS)[0], False
    tokens = rng.choice((http(json.dumps({"tokens": value(rng)}).encode()), raw(rng, {"tokens": [1, 2]})[0])), False
    return models, props, tokens


def look(server: RawServer, given: tuple[Sent, Sent, Sent]) -> None:
    """A card that cannot be read is no card: the context is a number, and questions are asked all the same."""
    models, props, tokens = given
    server.answers = {
        "/models": models[0],
        "/props": props[0],
        "/tokenize": tokens[0],
        "/completions": http(json.dumps(CHAT_ANSWER).encode()),
    }
    server.held = models[1]
    with closing(opened(server)) as model:
        context = model.context
        assert isinstance(context, int)
        assert not isinstance(context, bool)
        assert 0 < context < 10**12
        assert model.identity.startswith("openai m")
        assert len(model.identity.splitlines()) == 1
        counts = model.count(["Anna in Porto", ""])
        assert all(isinstance(count, int) and count >= 0 for count in counts)
        replies = model.generate([CHAT, CHAT])  # one of them may be sent on a line that has been hung up meanwhile
    for reply in replies:
        sound(reply)
    assert server.held or any((reply.outcome, reply.text) == (Outcome.DONE, "Anna (person)") for reply in replies), (
        replies
    )


def test_whatever_a_server_tells_of_itself_it_is_asked(server: RawServer) -> None:
    campaign("cards", card, partial(look, server))
