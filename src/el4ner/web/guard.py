"""Who may come in: nobody from elsewhere, nobody by way of another page, nobody with more than can be held.

Around an ASGI application, and before any of it runs:

    Host        a name that this server is known by (else a page could rebind its own name to this machine)     421
    token       where there is one: as a bearer's, as the password of a basic login, or in a page's cookie      401
    Origin      this server's own, on requests that change something, and not `Sec-Fetch-Site: cross-site`      403
    body        read whole, up to a size and within a time                                                   413 408

All answers leave with headers that let a page load what comes from here, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from el4ner.errors import ConfigError
from el4ner.web.asgi import ASGIApp, Event, Receive, Scope, Send, headers_of
from el4ner.web.problem import Problem
from el4ner.web.token import same, told_in

_SAFE = {"GET", "HEAD", "OPTIONS"}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_BODY_SECONDS = 30.0  # within which a body has to be here
_READ_ON = 4  # times the largest size of a body, which are read of one that is larger
_HELD = 16  # bodies of the largest size that are held at once, over all requests
_ALWAYS = {
    b"content-security-policy": b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    b" object-src 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guard:
    """What is let in.

    `hosts`: the names, in lower case and without port, that `Host` may have. `token`: what requests must hold, None for
    no such thing. `max_body`: bytes of a body. `open_paths`: those that need no token. `door`: a path which, given
    `?token=`, sets a cookie in its place and leads to `/`; "" for none, as is fit for what has no pages.
    """

    hosts: frozenset[str]
    token: str | None = field(default=None, repr=False)
    max_body: int = 4 << 20
    open_paths: frozenset[str] = frozenset()
    door: str = ""

    @classmethod
    def at(
        cls,
        host: str,
        token: str | None,
        names: Iterable[str] = (),
        *,
        max_body: int = 4 << 20,
        open_paths: Iterable[str] = (),
        door: str = "",
    ) -> Guard:
        """The guard of a server that listens on `host`, and is also called by `names`.

        Raises `ConfigError` where `host` is not this machine alone and there is no token.
        """
        if token is None and not is_loopback(host):
            advice = "give --token-file FILE, or leave --host out to listen on this machine alone"
            raise ConfigError(f"host {host}: others could come in, and there is no token; {advice}")
        known = {*_LOCAL, host.strip("[]"), *names}
        return cls(frozenset(map(str.lower, known)), token, max_body, frozenset(open_paths), door)


def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is of this machine alone; a name that must be looked up is not."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guarded(app: ASGIApp, guard: Guard) -> ASGIApp:
    """The application behind the guard. Whatever it fails with is logged, and answered without a word of it (500)."""
    return _Guarded(app, guard)


class _Guarded:
    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard
        self._cookie = f"el4ner-{secrets.token_hex(4)}"  # browsers send those of one port to another
        self._session = secrets.token_urlsafe(32)
        self._held = 0  # bytes of bodies, over all requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, taken = False, 0

        async def sent(event: Event) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                event = {**event, "headers": _with_ours(event.get("headers", ()))}
            await send(event)

        try:
            _known_host(scope, self._guard)
            if self._guard.door and scope["path"] == self._guard.door:
                await self._enter(scope, sent)
                return
            self._holds_token(scope)
            _own_origin(scope)
            body = await self._body(scope, receive)
            if body is None:  # hung up
                return
            taken = len(body)
            await self._app(scope, _replayed(body, receive), sent)
        except Problem as problem:
            await problem.answer(sent)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not started:
                await Problem(500, "this is a fault of the server; its log says more").answer(sent)
        finally:
            self._held -= taken

    async def _enter(self, scope: Scope, send: Send) -> None:
        """From the address that holds the token to a cookie that does not, and to the page."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if self._guard.token is None or not same(given, self._guard.token):
            raise _unknown()
        cookie = f"{self._cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _holds_token(self, scope: Scope) -> None:
        if self._guard.token is None or scope["path"] in self._guard.open_paths:
            return
        if any(same(told_in(value), self._guard.token) for value in headers_of(scope, b"authorization")):
            return
        cookies = [pair.strip() for value in headers_of(scope, b"cookie") for pair in value.split(";")]
        if self._guard.door and any(same(pair, f"{self._cookie}={self._session}") for pair in cookies):
            return
        raise _unknown()

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, which counts as held until the request is done; None where the client hung up."""
        most = self._guard.max_body
        told = max(map(_size, headers_of(scope, b"content-length")), default=0)
        body, read, more = bytearray(), 0, told <= _READ_ON * most
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                while more and read <= _READ_ON * most:
                    event = await receive()
                    if event["type"] == "http.disconnect":
                        return None
                    piece, more = event.get("body", b""), event.get("more_body", False)
                    read += len(piece)
                    if max(told, read) <= most:  # else it is read and dropped: cut off, the client might see no answer
                        body += piece
        except TimeoutError:
            raise Problem(408, f"the body was not here within {_BODY_SECONDS:.0f} s; send it at once") from None
        if max(told, read) > most:
            raise Problem(413, f"the body is larger than {most:,} bytes; send fewer texts at a time")
        if self._held + read > _HELD * most:
            raise Problem(429, "too much is being sent at once; try again", headers={"Retry-After": "1"})
        self._held += len(body)
        return bytes(body)


def _unknown() -> Problem:
    advice = "send the header Authorization: Bearer TOKEN, with what the server's token file holds"
    return Problem(401, f"a token is needed; {advice}", headers={"WWW-Authenticate": "Bearer"})


def _size(header: str) -> int:
    return int(header) if header.isdecimal() and len(header) < 20 else 1 << 62


def _known_host(scope: Scope, guard: Guard) -> None:
    given = headers_of(scope, b"host")
    if len(given) != 1 or _name(given[0]) not in guard.hosts:
        raise Problem(421, "this server is not known by the name in Host; start it with --allow-host NAME to let it in")


def _name(authority: str) -> str:
    """The name in `name:port` or `[address]:port`, in lower case; "" where it is neither."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port  # raises where it is no number
    except ValueError:
        return ""
    plain = parts.netloc == authority and "@" not in authority and port != 0
    return parts.hostname or "" if plain else ""


def _own_origin(scope: Scope) -> None:
    """Browsers say from where they were sent; programs say nothing. Raises `Problem` for another page's request."""
    if scope["method"] in _SAFE:
        return
    (host,) = headers_of(scope, b"host")
    own = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}
    foreign = any(value.lower() not in own for value in headers_of(scope, b"origin"))
    if foreign or any(value not in ("same-origin", "none") for value in headers_of(scope, b"sec-fetch-site")):
        raise Problem(403, "the request comes from a page of another origin; send it from a page of this server's own")


def _with_ours(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() not in _ALWAYS]
    if not any(name.lower() == b"cache-control" for name, _ in kept):
        kept.append((b"cache-control", b"no-store"))
    return [*kept, *_ALWAYS.items()]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body in one piece, and then what comes after it: the client hanging up."""
    given = False

    async def events() -> Event:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return events
