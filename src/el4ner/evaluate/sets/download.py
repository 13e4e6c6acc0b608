"""A file over HTTPS, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from ipaddress import ip_address

import httpx2

from el4ner.errors import DataError
from el4ner.models.network import certificates, proxied

LIMIT = 16 * 1024 * 1024  # bytes a file; the largest known one has 4 million
_SECONDS = 600.0  # a file, however steadily it trickles
_REDIRECTS = 3
_OFFLINE = "check the network, or copy a data folder from another machine and name it in EL4NER_DATA"

Progress = Callable[[int, int | None], None]
"""Called with the bytes that have come so far, and how many will come if the server said."""


def download(url: str, progress: Progress) -> bytes:
    """The content of an address. Raises `DataError` for all that is not the whole of it.

    Only https is spoken (http with this machine itself), and redirects are followed only within the same domain.
    """
    timeout = httpx2.Timeout(30, connect=15)
    headers = {"User-Agent": f"el4ner/{version('el4ner')}", "Accept-Encoding": "identity"}
    try:
        local = _is_loopback(host := httpx2.URL(url).host)
        ways = httpx2.Client(
            timeout=timeout, headers=headers, verify=certificates(needed=not local), trust_env=proxied(host, local)
        )
        with ways as client, _opened(client, url) as response:
            return _body(response, url, progress)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{url}: cannot be fetched ({reason}); {_OFFLINE}") from error


@contextmanager
def _opened(client: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    """The answer at the end of the redirects."""
    at = httpx2.URL(url)
    _admit(at, url)
    for _ in range(_REDIRECTS + 1):
        with client.stream("GET", at) as response:
            if not response.has_redirect_location:
                yield response
                return
            target = at.join(response.headers["location"])
        _admit(target, url)
        if target.scheme != at.scheme or _domain(target.host) != _domain(at.host):
            raise DataError(f"{url}: redirects to {target.host}, another domain; not followed")
        at = target
    raise DataError(f"{url}: more than {_REDIRECTS} redirects; not followed")


def _body(response: httpx2.Response, url: str, progress: Progress) -> bytes:
    if response.status_code != 200:
        raise DataError(f"{url}: the server answered {response.status_code}; try later, or report that it has moved")
    length = response.headers.get("content-length", "")
    total = int(length) if length.isdecimal() and len(length) < 16 else None
    if (total or 0) > LIMIT:
        raise DataError(f"{url}: {total:,} bytes, more than {LIMIT:,}; this is not the published data")
    content = bytearray()
    began = time.monotonic()
    for chunk in response.iter_bytes(1 << 16):
        content += chunk
        progress(response.num_bytes_downloaded, total)
        if len(content) > LIMIT:
            raise DataError(f"{url}: more than {LIMIT:,} bytes; this is not the published data")
        if time.monotonic() - began > _SECONDS:
            raise DataError(f"{url}: not complete after {_SECONDS:.0f} s; {_OFFLINE}")
    if total is not None and response.num_bytes_downloaded != total:
        raise DataError(f"{url}: {response.num_bytes_downloaded:,} of {total:,} bytes came; fetch it again")
    return bytes(content)


def _admit(target: httpx2.URL, url: str) -> None:
    if target.scheme != "https" and not (target.scheme == "http" and _is_loopback(target.host)):
        raise DataError(f"{url}: {target.scheme}://{target.host} is not https; not fetched")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _domain(host: str) -> str:
    """The last two names of a host; an address stands for itself."""
    try:
        return str(ip_address(host))
    except ValueError:
        return ".".join(host.lower().split(".")[-2:])
