"""The way to a server: which key goes there, and that nothing goes anywhere else."""

from __future__ import annotations

import ssl
from importlib.metadata import version

import httpx2

from el4ner.errors import ModelError
from el4ner.models.openai.address import Address
from el4ner.models.openai.settings import OpenAISettings

_CONNECT = 5.0  # seconds until a connection stands
_LARGEST = 64 * 2**20  # bytes of an answer, unpacked
_HOPS = 3  # redirects within one host


def open_client(settings: OpenAISettings) -> httpx2.AsyncClient:
    """A client for a server; nobody is asked yet. Loopback is never reached by way of a proxy.

    Raises `ModelError` where the environment's proxies or certificates cannot be used.
    """
    headers = {"User-Agent": f"el4ner/{version('el4ner')}", "Authorization": f"Bearer {settings.key or 'EMPTY'}"}
    try:
        return httpx2.AsyncClient(
            base_url=settings.base_url,
            headers=headers,
            timeout=httpx2.Timeout(settings.timeout, connect=min(_CONNECT, settings.timeout)),
            limits=httpx2.Limits(max_connections=None),  # `Slots` is the bound
            trust_env=not Address.of(settings.base_url).loopback,
        )
    except ImportError as error:
        raise ModelError(
            f"{settings.model}: a SOCKS proxy is set (ALL_PROXY, HTTPS_PROXY or HTTP_PROXY) and its library is missing"
            f" ({error}); unset it, name the host in NO_PROXY, or: uv pip install 'httpx2[socks]'"
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise ModelError(
            f"{settings.model}: the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read"
            f" ({error.strerror or error}); check the path, or unset it"
        ) from None
    except ValueError as error:
        raise ModelError(
            f"{settings.model}: a proxy of the environment is no address ({error}); check ALL_PROXY, HTTPS_PROXY,"
            " HTTP_PROXY and NO_PROXY"
        ) from None


async def fetch(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """The answer to a request, read whole. Redirects are followed within the host alone.

    Raises `httpx2.HTTPError` for one that leads elsewhere, and for an answer that has no end.
    """
    for _ in range(_HOPS):
        answer = await client.send(request, stream=True, follow_redirects=False)
        try:
            await _read(answer)
        finally:
            await answer.aclose()
        following = answer.next_request
        if following is None:
            return answer
        if _origin(following.url) != _origin(request.url):
            raise httpx2.HTTPError(
                f"the server sends us on to {following.url.scheme}://{following.url.host}, which is refused; if it is"
                " right, make it the base_url"
            )
        request = following
    raise httpx2.HTTPError("the server sends us in circles")


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


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
