"""How an answer says no: problem details (RFC 9457), with what is wrong, where, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from el4ner.web.asgi import Send

TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is no result. `detail` says what is wrong and what to do; `where` is a place in the body."""

    def __init__(self, status: int, detail: str, where: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.where = where
        self.headers = dict(headers or {})

    @property
    def record(self) -> dict[str, Any]:
        """What the answer's body says."""
        told = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        return told | {"detail": self.detail} | ({"where": self.where} if self.where else {})

    @property
    def body(self) -> bytes:
        """The same as JSON in ASCII."""
        return json.dumps(self.record).encode()

    async def answer(self, send: Send) -> None:
        """Send it, as an ASGI application does."""
        body = self.body
        given = {"content-type": TYPE, "content-length": str(len(body)), **self.headers}
        headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
