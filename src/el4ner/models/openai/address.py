"""The address of a server, and how far away it is: whoever sends a key looks here first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote, urlsplit

_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?")
_SHORT = re.compile(r"[a-z][a-z0-9_-]*")  # one name without a dot; what begins with a digit may be an odd IP address
_NEAR = (".local", ".localhost", ".localdomain", ".lan", ".internal", ".home.arpa")  # names that no public server has
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """`scheme://user:password@host:port/path`, in parts. `host` is in ASCII and small letters, without brackets."""

    scheme: str
    host: str
    port: int | None
    path: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address. Raises `ValueError`, whose words hold nothing of the text: there may be a password in it."""
        if re.search(r"[\x00-\x20\x7f-\xa0\\]", text):  # what parsers take for different things
            raise ValueError("no address: there is a blank, a control character or a backslash in it")
        if "?" in text or "#" in text:
            raise ValueError("takes no query (?) and no fragment (#); a key belongs in the variable of api_key_env")
        try:
            parts = urlsplit(text)
            host, port = _host(parts.hostname or ""), parts.port
            if parts.scheme not in _PORTS or port == 0:
                raise ValueError
        except ValueError:  # also a port that is no number, and brackets that are not closed
            raise ValueError("no address; give http://HOST:PORT/v1") from None
        return cls(parts.scheme, host, port, parts.path, unquote(parts.username or ""), unquote(parts.password or ""))

    @property
    def origin(self) -> str:
        """Scheme, host and port: what can be shown to anybody."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port in (None, _PORTS[self.scheme]) else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The whole of it, but for user and password."""
        return self.origin + self.path

    @property
    def loopback(self) -> bool:
        """Whether this is the machine itself. Linux takes 0.0.0.0 for it, too."""
        ip = self._ip
        return self.host == "localhost" if ip is None else ip.is_loopback or ip.is_unspecified

    @property
    def private(self) -> bool:
        """Whether it is this machine or one in the local network, as far as the name tells; nobody is asked."""
        ip = self._ip
        if ip is None:
            return bool(_SHORT.fullmatch(self.host)) or self.host.endswith(_NEAR)
        return self.loopback or not ip.is_global

    @property
    def _ip(self) -> IPv4Address | IPv6Address | None:
        try:
            ip = ip_address(self.host)
        except ValueError:
            return None
        return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _host(host: str) -> str:
    """A host as it is looked up. Raises `ValueError`."""
    if ":" in host:
        return str(ip_address(host))
    found = host.encode("idna").decode().lower()
    if not _NAME.fullmatch(found):
        raise ValueError
    return found
