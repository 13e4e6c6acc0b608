"""Secrets in settings, hidden where settings are written or shown: passwords in addresses, keys in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "***"
_SHORT = 4
_USER = re.compile(r"(?<=://)[^/?#\s]*(?=@)")  # `user:password`, or a token alone
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ALWAYS = {"apikey", "auth", "authorization", "bearer", "cookie", "cookies", "credential", "credentials", "headers"}
_ALWAYS |= {"jwt", "passphrase", "passwd", "password", "passwords", "pwd", "secret", "secrets", "signature"}
_TOKENS = {"access", "account", "api", "auth", "bearer", "client", "github", "hf", "hub", "id", "refresh", "session"}
# What keys look like, whatever they are called.
_KEY = re.compile(
    r"(?:bearer|basic)\s+\S+|(?:sk|pk|rk|hf|gsk|xai|nvapi|ghp|glpat)[-_][\w-]{12,}|AIza[\w-]{20,}|AKIA\w{16}"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*",
    re.IGNORECASE,
)


def masked(value: Any, name: str = "") -> Any:
    """Settings as plain data (tables, lists, strings, numbers) with `MASK` in the place of every secret."""
    if isinstance(value, Mapping):
        return {key: masked(one, name if _is_secret(name) else str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([masked(one, name) for one in value])
    if not isinstance(value, str):
        return value
    return MASK if value and (_is_secret(name) or looks_like_key(value)) else _USER.sub(MASK, value)


def secrets(value: Any, name: str = "") -> Iterator[str]:
    """The strings that `masked` hides."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from secrets(one, name if _is_secret(name) else str(key))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from secrets(one, name)
    elif isinstance(value, str):
        yield from [value] if value and masked(value, name) == MASK else _USER.findall(value)


def without(text: str, hidden: Iterable[str]) -> str:
    """The text with `MASK` in the place of each of these secrets; those of a few letters stand in any text."""
    for secret in sorted((one for one in hidden if len(one) >= _SHORT), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def looks_like_key(value: str) -> bool:
    """Whether a string has the form of a key or token that is known."""
    return bool(_KEY.fullmatch(value.strip()))


def _is_secret(name: str) -> bool:
    """Whether a value of this name is one: `api_key` and `accessToken` are, `max_tokens` and `eos_token` are not."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    return bool(_ALWAYS & set(words)) or words[-1] == "key" or (words[-1] == "token" and before in {"", *_TOKENS})
