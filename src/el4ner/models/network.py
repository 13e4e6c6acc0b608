"""What the environment says of the network (proxies, certificates), looked over before it is used.

httpx2 raises whatever its parts raise for it, in part with the password of a proxy; here it is one line.
"""

from __future__ import annotations

import os
import ssl
from importlib.util import find_spec
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx2

from el4ner.errors import ConfigError, MissingExtraError


def proxied(host: str, loopback: bool) -> bool:
    """Whether the environment's proxies are to be looked at for this host; never for this machine itself.

    Raises `ConfigError` or `MissingExtraError` where one of them cannot be used; the proxy's address may hold a
    password, and is not in the message.
    """
    if loopback or proxy_bypass(host):
        return False
    for scheme, address in getproxies().items():
        if scheme in ("http", "https", "all") and address:
            _check(f"{scheme.upper()}_PROXY", address)
    return True


def _check(name: str, address: str) -> None:
    advice = f"set {name} to http://HOST:PORT, unset it, or name the server in NO_PROXY"
    try:
        proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
        sound = bool(proxy.url.host) and (proxy.url.port or 1) < 1 << 16
    except (ValueError, httpx2.InvalidURL):
        sound = False
    if not sound:
        raise ConfigError(f"{name}: this is no proxy's address (http://, https:// or socks5://); {advice}")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise MissingExtraError(f"{name}: a SOCKS proxy needs a package; run: pip install socksio; or else {advice}")


def certificates(needed: bool = True) -> ssl.SSLContext:
    """The authorities that servers' certificates are checked against: SSL_CERT_FILE, SSL_CERT_DIR, else the system's.

    Raises `ConfigError` where the environment names what cannot be used; with `needed` false, nobody is trusted then.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file or not folder:
            return httpx2.create_ssl_context()
        if not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
            raise NotADirectoryError(0, "no such folder")
        return httpx2.create_ssl_context()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        if not needed:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        name, value = ("SSL_CERT_FILE", file) if file else ("SSL_CERT_DIR", folder)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not certificates in PEM form"
        raise ConfigError(
            f"{name}={value}: cannot be used ({reason}); name a file of certificates, or unset it"
        ) from None
