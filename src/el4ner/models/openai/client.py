"""The HTTP client of one server: its headers and key, its redirects, and the environment's proxies and certificates."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import version

import httpx2

from el4ner.models.base import Outcome, Reply
from el4ner.models.masked import without
from el4ner.models.network import certificates, proxied
from el4ner.models.openai.key import missing, refuse_plain
from el4ner.models.openai.settings import OpenAISettings

_CONNECT = 5.0  # seconds until a connection stands
_LARGEST = 64 * 2**20  # bytes of an answer, unpacked
_HOPS = 3  # redirects within one server
_NO_KEY = "EMPTY"  # what servers without keys are used to
_LONG = 12  # characters of a secret that no answer holds by chance


class RedirectedError(httpx2.HTTPError):
    """A server that sends its clients elsewhere."""


def open_client(settings: OpenAISettings) -> httpx2.AsyncClient:
    """A client for the settings' address; nobody is asked yet. Certificates are always checked.

    Raises `ConfigError` or `MissingExtraError` where the key may not be sent, and where the environment names a proxy
    or certificates that cannot be used.
    """
    address, key = settings.address, settings.key
    headers = {"User-Agent": f"el4ner/{version('el4ner')}"}
    auth = httpx2.BasicAuth(address.user, address.password) if address.user or address.password else None
    if key or auth:
        refuse_plain(address, f"the key in {settings.key_variable}" if key else "the password of base_url")
    if auth is None:
        headers["Authorization"] = f"Bearer {key or _NO_KEY}"
    lacking = missing(settings.api_key_env, address)
    if lacking and not address.loopback:
        warnings.warn(f"{address.origin}: {lacking}", stacklevel=2)

    async def wants_a_key(answer: httpx2.Response) -> None:
        if answer.status_code in (401, 403) and not (key or auth):
            why = lacking or "no key was sent; name the variable that holds it by api_key_env"
            warnings.warn(f"{address.origin} answers HTTP {answer.status_code}: {why}", stacklevel=2)

    return httpx2.AsyncClient(
        base_url=address.url,  # without user and password: httpx2 logs addresses
        auth=auth,
        headers=httpx2.Headers(headers, encoding="latin-1"),
        timeout=httpx2.Timeout(settings.timeout, connect=min(_CONNECT, settings.timeout)),
        limits=httpx2.Limits(max_connections=None),  # `Slots` is the bound
        event_hooks={"response": [_stay, wants_a_key]},
        verify=certificates(needed=address.scheme == "https"),
        trust_env=proxied(address.host, address.loopback),
    )


async def fetch(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """The answer to a request, read whole. Redirects are followed within the server alone.

    Raises `httpx2.HTTPError` for one that leads elsewhere, and for an answer that has no end.
    """
    for _ in range(_HOPS):
        answer = await client.send(request, stream=True, follow_redirects=False)
        try:
            await _read(answer)
        finally:
            await answer.aclose()
        if answer.next_request is None:
            return answer
        request = answer.next_request
    raise httpx2.HTTPError("the server sends us in circles")


def unsaid(reply: Reply, secrets: Collection[str]) -> Reply:
    """A reply in which the server does not repeat the key; one whose very text does is a failed one."""
    if any(len(secret) >= _LONG and secret in reply.text for secret in secrets):
        return Reply("", Outcome.FAILED, usage=reply.usage, error="the answer repeats the key that it was asked with")
    return replace(reply, error=without(reply.error, secrets)) if reply.error else reply


async def _stay(answer: httpx2.Response) -> None:
    """Redirects are followed within a server, from http to https included. Raises `RedirectedError` for others."""
    if not answer.has_redirect_location:
        return
    at, said = answer.request.url, f"HTTP {answer.status_code}: redirects to"
    try:
        to = at.join(answer.headers["location"])
        where = f"{to.scheme}://{to.netloc.decode('ascii')}"
    except (httpx2.InvalidURL, ValueError):
        raise RedirectedError(f"{said} what is no address; not followed") from None
    upgrade = (at.scheme, at.port, to.scheme, to.port) == ("http", None, "https", None)
    if to.raw_host != at.raw_host or not (upgrade or to.origin == at.origin):
        raise RedirectedError(f"{said} {where}, another server; not followed; if it is right, write it in base_url")
    if answer.request.method == "POST" and answer.status_code < 307:
        raise RedirectedError(f"{said} {where}{to.path}, and drops what was asked; write that place in base_url")


async def _read(answer: httpx2.Response) -> None:
    """Read an answer as `Response.aread` does, but not without end."""
    if int(answer.headers.get("content-length", "0") or 0) > _LARGEST:
        raise httpx2.HTTPError(f"an answer of more than {_LARGEST // 2**20} MiB")
    pieces, size = [], 0
    async for piece in answer.aiter_bytes():
        size += len(piece)
        if size > _LARGEST:
            raise httpx2.HTTPError(f"an answer of more than {_LARGEST // 2**20} MiB")
        pieces.append(piece)
    answer._content = b"".join(pieces)
