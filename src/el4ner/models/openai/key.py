"""The key of a server: which environment variable holds it, whether it may go there, and what is sent."""

from __future__ import annotations

import os
import unicodedata

from el4ner.errors import ConfigError
from el4ner.models.openai.address import Address

OPENAI = "OPENAI_API_KEY"
HOME = "https://api.openai.com"  # the one server that `OPENAI` is for


def variable(named: str | None, address: Address) -> str:
    """The variable to take the key from: the one that is named, if any; `OPENAI` unnamed goes to its own server only.

    Empty where there is none, and where a user in the address is the way in.
    """
    if address.user or address.password:
        return ""
    return (OPENAI if address.origin == HOME else "") if named is None else named


def is_set(name: str) -> bool:
    """Whether there is something in a variable."""
    return bool(name and os.environ.get(name, "").strip())


def read_key(name: str) -> str:
    """The key in a variable, without the blanks and line ends around it; empty where the variable is not set.

    Raises `ConfigError`, which names the variable and never the key, for what no HTTP header can carry.
    """
    key = os.environ.get(name, "").strip() if name else ""
    if any(unicodedata.category(char) == "Cc" for char in key):
        raise ConfigError(f"{name}: there is a line end or a control character within the key; set it anew")
    if any(ord(char) > 0xFF for char in key):
        raise ConfigError(f"{name}: there is a character in the key that no key has (not Latin-1); set it anew")
    return key


def refuse_plain(address: Address, what: str) -> None:
    """Nobody on the way may read a key. Raises `ConfigError` where it would go over plain HTTP to a public server."""
    if address.scheme == "http" and not address.private:
        raise ConfigError(
            f"{what} is not sent to {address.origin}: plain HTTP can be read on the way; write https:// in base_url, or"
            " the private IP address of a server in your own network, or reach it through a tunnel to localhost"
        )


def told(named: str | None, address: Address) -> str:
    """What goes along with the texts, in words: the name of the variable, never the key."""
    if address.user or address.password:
        return "with the user and password of base_url"
    if name := variable(named, address):
        return f"with the key in {name}" if is_set(name) else f"without a key: {name} is not set"
    return f"without a key{': ' if (why := missing(named, address)) else ''}{why}"


def missing(named: str | None, address: Address) -> str:
    """Why a key that may be meant for a server is not sent, and what to write; empty where nothing speaks for one."""
    name = variable(named, address)
    if name:
        return "" if is_set(name) else f"{name} is not set, so no key is sent; set it"
    if named is not None or address.user or address.password or not is_set(OPENAI):
        return ""
    return (
        f'{OPENAI} is not sent there, it belongs to {HOME}; write api_key_env = "{OPENAI}" to send it all the same,'
        ' the name of another variable, or "" for none'
    )
