"""Who may come in."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from el4ner.errors import ConfigError
from el4ner.web import guard as module
from el4ner.web.asgi import Event, Receive, Scope, Send
from el4ner.web.guard import Guard, guarded, is_loopback
from el4ner.web.server import listen
from el4ner.web.token import read_token, same, told_in

TOKEN = "a-long-word"
LOCAL = {"host": "127.0.0.1:8000"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how many bytes it was given, and sets a header of ours wrongly."""
    event = await receive()
    headers = [(b"content-security-policy", b"none of it")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(len(event["body"])).encode()})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("/secret/path")


class Answer:
    def __init__(self, sent: Sequence[Event]) -> None:
        self.status = sent[0]["status"] if sent else 0
        self.headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]} if sent else {}
        self.body = b"".join(event.get("body", b"") for event in sent[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


def ask(
    guard: Guard,
    method: str = "GET",
    path: str = "/v1/labels",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = LOCAL,
    pieces: Sequence[bytes] = (b"",),
    app: Any = echo,
    query: bytes = b"",
    inner: Any = None,
) -> Answer:
    sent: list[Event] = []
    rest = [{"type": "http.request", "body": p, "more_body": n < len(pieces)} for n, p in enumerate(pieces, 1)]

    async def receive() -> Event:
        return rest.pop(0) if rest else {"type": "http.disconnect"}

    async def send(event: Event) -> None:
        sent.append(event)

    pairs = headers.items() if isinstance(headers, Mapping) else headers
    scope = {"type": "http", "method": method, "path": path, "query_string": query,
             "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs]}  # fmt: skip
    asyncio.run((inner or guarded(app, guard))(scope, receive, send))
    return Answer(sent)


OPEN = Guard.at("127.0.0.1", None, max_body=100)
SHUT = Guard.at("127.0.0.1", TOKEN, max_body=100, open_paths=("/healthz",))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "[::1]:80", "127.0.0.1:8000"])
def test_a_name_of_ours_is_let_in(host: str) -> None:
    assert ask(OPEN, headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost:x", "a@localhost", "localhost/", "", "10.0.0.1", "[::1",
     "localhost:0", "localhost:99999", "127.0.0.1:8000, evil.example", "localhost#", "localhost?x"],
)  # fmt: skip
def test_another_name_is_not(host: str) -> None:
    answer = ask(OPEN, headers={"host": host})
    assert answer.status == 421
    assert "--allow-host" in answer.problem["detail"]


def test_a_request_names_its_host_once() -> None:
    assert ask(OPEN, headers={}).status == 421
    assert ask(OPEN, headers=[("host", "localhost"), ("host", "localhost")]).status == 421


def test_names_can_be_allowed() -> None:
    guard = Guard.at("0.0.0.0", TOKEN, ["Box.local"])
    login = {"authorization": f"Bearer {TOKEN}"}
    assert ask(guard, headers={"host": "box.local:8000", **login}).status == 200
    assert ask(guard, headers={"host": "else.local:8000", **login}).status == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "https://127.0.0.1:8000"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://127.0.0.1:9000"}, 403),
        ({"origin": "http://localhost:8000"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": ""}, 403),
    ],
)
def test_pages_of_others_change_nothing(headers: Mapping[str, str], status: int) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "NONSENSE"):
        assert ask(OPEN, method, headers={**LOCAL, **headers}).status == status
    assert ask(OPEN, "GET", headers={**LOCAL, **headers}).status == 200  # links from elsewhere lead here


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        ("Basic " + base64.b64encode(f"anyone:{TOKEN}".encode()).decode(), 200),
        ("Basic " + base64.b64encode(TOKEN.encode()).decode(), 401),
        ("Basic ***", 401),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        ("Bearer", 401),
        ("Bearer \xe9", 401),
        (TOKEN, 401),
        ("", 401),
    ],
)
def test_a_token_is_asked_for(authorization: str, status: int) -> None:
    answer = ask(SHUT, headers={**LOCAL, "authorization": authorization})
    assert answer.status == status
    if status == 401:
        assert "Bearer TOKEN" in answer.problem["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"


def test_some_paths_need_no_token() -> None:
    assert ask(SHUT, path="/healthz").status == 200
    assert ask(SHUT, path="/healthz/").status == 401


def test_a_page_is_entered_by_a_cookie() -> None:
    guard = Guard.at("127.0.0.1", TOKEN, door="/enter")
    inner = guarded(echo, guard)
    assert ask(guard, path="/enter", query=b"token=wrong", inner=inner).status == 401
    assert ask(guard, path="/enter", inner=inner).status == 401
    entered = ask(guard, path="/enter", query=f"token={TOKEN}".encode(), inner=inner)
    assert (entered.status, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert TOKEN not in cookie
    assert cookie.endswith("; HttpOnly; SameSite=Strict; Path=/")
    held = cookie.partition(";")[0]
    assert ask(guard, headers={**LOCAL, "cookie": f"a=b; {held}"}, inner=inner).status == 200
    assert ask(guard, headers={**LOCAL, "cookie": f"{held}x"}, inner=inner).status == 401
    assert ask(guard, headers={**LOCAL, "cookie": held}).status == 401  # of another process


def test_without_a_door_no_cookie_opens() -> None:
    assert ask(SHUT, path="/enter", query=f"token={TOKEN}".encode()).status == 401


@pytest.mark.parametrize("pieces", [[b"x" * 100], [b"x" * 60, b"x" * 40], [b"", b""]])
def test_a_body_comes_whole(pieces: Sequence[bytes]) -> None:
    assert ask(OPEN, "POST", pieces=pieces).body == str(len(b"".join(pieces))).encode()


@pytest.mark.parametrize(
    ("pieces", "length"),
    [
        ([b"x" * 101], None),
        ([b"x" * 60, b"x" * 41], None),
        ([b"x" * 60] * 1000, None),
        ([b"x"], "101"),
        ([b"x"], "9" * 40),
        ([b"x"], "-1"),
    ],
)
def test_a_large_body_is_refused(pieces: Sequence[bytes], length: str | None) -> None:
    headers = {**LOCAL, **({"content-length": length} if length else {})}
    answer = ask(OPEN, "POST", headers=headers, pieces=pieces)
    assert answer.status == 413
    assert "100 bytes" in answer.problem["detail"]


def test_what_is_held_at_once_has_an_end() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.05)
        await echo(scope, receive, send)

    app, statuses = guarded(slow, OPEN), []

    async def one() -> None:
        async def receive() -> Event:
            return {"type": "http.request", "body": b"x" * 100}

        async def send(event: Event) -> None:
            if event["type"] == "http.response.start":
                statuses.append(event["status"])

        await app({"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}, receive, send)

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(20)))
        await one()

    asyncio.run(many())
    assert sorted(statuses) == [200] * 17 + [429] * 4


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BODY_SECONDS", 0.05)
    sent: list[Event] = []

    async def receive() -> Event:
        await asyncio.sleep(10)
        raise AssertionError

    async def send(event: Event) -> None:
        sent.append(event)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    asyncio.run(guarded(echo, OPEN)(scope, receive, send))
    assert Answer(sent).status == 408


def test_who_hangs_up_within_a_body_is_not_answered() -> None:
    assert ask(OPEN, "POST", pieces=()).status == 0


def test_all_answers_tell_the_browser_to_be_strict() -> None:
    asked = (ask(OPEN), ask(SHUT), ask(OPEN, headers={"host": "evil"}), ask(OPEN, "POST", pieces=[b"x" * 101]))
    assert [answer.status for answer in asked] == [200, 401, 421, 413]
    for answer in asked:
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_a_fault_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(OPEN, app=broken)
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "/secret/path" in caplog.text  # but logged


def test_the_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(SHUT)


def test_sockets_of_browsers_are_not_taken() -> None:
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    async def receive() -> Event:
        return {"type": "websocket.connect"}

    asyncio.run(guarded(echo, OPEN)({"type": "websocket", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "box.local", "127.1"])
def test_others_come_in_by_a_token_only(host: str) -> None:
    with pytest.raises(ConfigError, match="--token-file"):
        Guard.at(host, None)
    assert Guard.at(host, TOKEN).hosts >= {"localhost"}


@pytest.mark.parametrize(("host", "own"), [("127.8.0.1", True), ("[::1]", True), ("localhost", True), ("", False)])
def test_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def token_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("content", [b"s3cret!", b"s3cret!\n", b"s3cret!\r\n"])
def test_a_token_file(tmp_path: Path, content: bytes) -> None:
    assert read_token(token_file(tmp_path, content)) == "s3cret!"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601, 0o610])
def test_a_token_file_is_its_owners_alone(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        read_token(token_file(tmp_path, b"s3cret!", mode))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b" ", b"two words", b"two\nlines", b"\xc3\xa9", b"a\0b", b"a\x1bb", b"x" * 5000]
)
def test_a_token_is_a_word(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="token") as told:
        read_token(token_file(tmp_path, content))
    assert "two" not in str(told.value).replace(str(tmp_path), "")


def test_a_token_file_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(ConfigError, match=str(path)):
            read_token(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="no file"):
        read_token(tmp_path / "pipe")


def test_tokens_are_compared_whole() -> None:
    assert same("a", "a")
    assert not same("", "a")
    assert not same("\ud800", "a")
    assert told_in("Basic " + base64.b64encode(b"user:with:colons").decode()) == "with:colons"


def test_a_port_in_use() -> None:
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert bound.proto == socket.IPPROTO_TCP  # else every answer takes 40 ms more
        with pytest.raises(ConfigError, match=f"^port {port} is in use; choose another by --port$"):
            listen("localhost", port)


@pytest.mark.parametrize("host", ["203.0.113.9", "no.such.name.invalid", "a" * 70, "", "\ud800"])
def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(ConfigError, match="--host"):
        listen(host, 0)


SERVING = """
import sys
from el4ner.web.guard import Guard, guarded
from el4ner.web.server import listen, run_app
sys.path.insert(0, "tests")
from test_web_guard import echo
bound = listen("127.0.0.1", 0)
print(bound.getsockname()[1], flush=True)
run_app(guarded(echo, Guard.at("127.0.0.1", None, max_body=1000)), bound)
print("tidied up")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_in_order(number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"http://127.0.0.1:{port}/"
        assert _first(url).headers["x-content-type-options"] == "nosniff"
        assert httpx2.post(url, content=b"x" * 10).text == "10"
        assert httpx2.post(url, content=b"x" * 3000).status_code == 413
        with socket.create_connection(("127.0.0.1", port)) as plain:  # sends on after the limit, and is answered
            plain.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3900\r\n\r\n" + b"x" * 3900)
            assert plain.recv(100).startswith(b"HTTP/1.1 413")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "tidied up\n", "")


def _first(url: str) -> httpx2.Response:
    for _ in range(100):
        try:
            return httpx2.get(url)
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
