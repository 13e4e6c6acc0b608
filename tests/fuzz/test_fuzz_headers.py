"""Headers and bodies of any kind: a pause that can be waited for, and an answer or a failure in one line."""

from __future__ import annotations

import gzip
import json
import math
import random
import zlib

import httpx2
import pytest
from campaign import campaign
from corpus_wire import ANSWERS, CHAT
from growth import in_line
from mutation import mutated_bytes, mutated_text, nasty, value
from test_fuzz_wire import sound

from el4ner.models.base import Outcome, Reply
from el4ner.models.openai.protocol import read_json, read_reply
from el4ner.models.openai.retry import one_line, pause

pytestmark = pytest.mark.fuzz
_URL = httpx2.Request("POST", "http://127.0.0.1:1/v1/chat/completions")
_PAUSES = (
    "0", "1", "-1", "0.5", "1e3", "1e999", "9" * 400, "NaN", "inf", "", " ", "soon", "1,5", "٣", "²", "½", "1.2.3",
    ".", "..", "+5", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "Sun, 06 Nov 1994 08:49:37",
    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Thu, 99 Foo 99999 99:99:99 +99999",
)  # fmt: skip
_TYPES = (
    "application/json", "text/html", "text/event-stream", "application/json; charset=utf-16",
    "text/plain; charset=nonsense", "application/json; charset=", "application/json; charset=\"utf-8", "", ";;;",
    "text/plain; charset=hex", "text/plain; charset=idna", "text/plain; charset=rot13",
    "text/plain; charset=undefined", "text/plain; charset=unicode_escape",
)  # fmt: skip


def waiting(rng: random.Random) -> tuple[int, list[tuple[str, str]], int]:
    """A status, headers that say when to come again, and the number of the try."""
    said = rng.choice(_PAUSES)
    if rng.random() < 0.7:
        said = mutated_text(rng, said)
    told = [
        (
            rng.choice(
                ("Retry-After", "retry-after", "Retry-After-Ms", "X-RateLimit-Reset-Requests", "RateLimit-Reset")
            ),
            said,
        )
    ]
    if rng.random() < 0.3:
        told.append(("Retry-After", rng.choice(_PAUSES)))
    return rng.choice((429, 429, 503, 500, 408, 409, 400, 529, 599)), told, rng.choice((0, 0, 1, 3, 10))


def response(status: int, headers: list[tuple[str, str]], content: bytes) -> httpx2.Response:
    sent = [(name.encode("ascii", "ignore"), text.encode("utf-8", "replace")) for name, text in headers]
    return httpx2.Response(status, headers=sent, content=content, request=_URL)


def wait(given: tuple[int, list[tuple[str, str]], int]) -> None:
    status, headers, attempt = given
    try:
        response(status, headers, b"{}").raise_for_status()
    except httpx2.HTTPStatusError as error:
        seconds = pause(error, attempt, 4, spent=False)
    assert seconds is None or (seconds >= 0 and not math.isnan(seconds)), seconds


def test_any_pause_can_be_waited_for() -> None:
    campaign("pauses", waiting, wait)


def body(rng: random.Random) -> tuple[int, list[tuple[str, str]], bytes]:
    """A status, a content type and encoding, and bytes that may be what they say."""
    content = json.dumps(rng.choice((rng.choice(ANSWERS), value(rng)))).encode(
        rng.choice(("utf-8", "utf-16", "utf-8", "utf-8-sig"))
    )
    match rng.randint(0, 5):
        case 0:
            content = mutated_bytes(rng, content)
        case 1:
            content = nasty(rng, 20).encode("utf-8", "surrogatepass")
        case 2:
            content = rng.choice((b"[", b'{"a":', b"[{}")) * rng.choice((10, 2000, 60_000))
        case 3:
            content = b'{"choices": [' + b"9" * rng.choice((10, 5000)) + b"]}"
    headers = [("Content-Type", rng.choice(_TYPES) if rng.random() < 0.8 else nasty(rng, 2))]
    if rng.random() < 0.3:
        headers.append(
            ("Content-Encoding", coding := rng.choice(("gzip", "deflate", "br", "zstd", "gzip, gzip", "nonsense", "")))
        )
        if rng.random() < 0.7:
            packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(coding, bytes)(content)
            content = packed if rng.random() < 0.5 else mutated_bytes(rng, packed)
    return rng.choice((200, 200, 200, 400, 404, 422, 429, 500, 302)), headers, content


def read(given: tuple[int, list[tuple[str, str]], bytes]) -> None:
    """As an engine reads an answer: what is wrong with it can be told in a line (`test_fuzz_http` has the engine)."""
    status, headers, content = given
    try:
        answer = response(status, headers, content)
        answer.raise_for_status()
        reply = read_reply(read_json(answer), CHAT)
    except Exception as error:
        reply = Reply("", Outcome.FAILED, error=one_line(error) or type(error).__name__)
    sound(reply)


def test_any_body_is_a_reply_or_a_failure() -> None:
    campaign("bodies", body, read)


def test_the_time_to_read_a_header_grows_with_it() -> None:
    in_line(
        lambda text: wait((429, [("Retry-After", text)], 0)),
        ("", "Wed, 21 Oct ", "1"),
        patterns=(" ", "1", ",", "-", "(", "a ", ".", ":"),
    )


def test_the_time_to_tell_a_refusal_grows_with_it() -> None:
    in_line(lambda text: read((500, [], text.encode())), ("", '{"error": {"message": "'))
