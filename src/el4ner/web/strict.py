"""Bodies that are JSON as its standard has it, before any of the application reads them."""

from __future__ import annotations

from typing import Any

from el4ner.formats.strict_json import NotJSON, loads
from el4ner.web.asgi import ASGIApp, Event, Receive, Scope, Send, headers_of
from el4ner.web.problem import Problem


def json_only(app: ASGIApp) -> ASGIApp:
    """The application for bodies of JSON alone, to stand behind the guard, which gives a body in one piece.

    Refused are NaN, keys that stand twice and what is nested too deeply (400), and bodies that say they are something
    else (415): a form of another page cannot send JSON without being asked about.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await app(scope, receive, send)
            return
        first = await receive()
        read_json(scope, first.get("body", b""))
        events = [first]

        async def given() -> Event:
            return events.pop() if events else await receive()

        await app(scope, given, send)

    return checked


def read_json(scope: Scope, body: bytes) -> Any:
    """The value of a body, None where there is none. Raises `Problem`."""
    if not body:
        return None
    kinds = [value.partition(";")[0].strip().lower() for value in headers_of(scope, b"content-type")]
    if kinds != ["application/json"]:
        raise Problem(415, "the body is not said to be JSON; send the header Content-Type: application/json")
    try:
        return loads(body.decode())
    except UnicodeDecodeError as error:
        raise Problem(400, f"byte {error.start} of the body is not valid UTF-8; send JSON in UTF-8") from None
    except NotJSON as error:
        where = "" if error.at is None else f", at character {error.at + 1}"
        raise Problem(400, f"the body is {error}{where}; send one JSON value") from None
