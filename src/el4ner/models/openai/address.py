"""The address of a server: whose it is, and how it may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

MASK = "***"
_NEAR = (".local", ".lan", ".internal", ".home.arpa", ".localdomain")


@dataclass(frozen=True, slots=True)
class Address:
    """Scheme and host of a base URL."""

    scheme: str
    host: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Those of a URL. Raises `ValueError` for what is none."""
        parts = urlsplit(url)
        return cls(parts.scheme, (parts.hostname or "").lower())

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def near(self) -> bool:
        """Whether it is this machine or one of its own network, by address or by name."""
        if self.loopback or ("." not in self.host.rstrip(".") and ":" not in self.host) or self.host.endswith(_NEAR):
            return True
        try:
            return ip_address(self.host).is_private
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


def masked(url: str) -> str:
    """A URL without its secrets: the password, and what the query's keys are set to."""
    try:
        parts = urlsplit(url)
        place = parts.netloc
        if "@" in place:
            user, _, host = place.rpartition("@")
            place = f"{user.partition(':')[0]}:{MASK}@{host}" if ":" in user else f"{MASK}@{host}"
        query = "&".join(f"{key}={MASK}" for key in (one.partition("=")[0] for one in parts.query.split("&")) if key)
        return urlunsplit((parts.scheme, place, parts.path, query, ""))
    except ValueError:
        return MASK
