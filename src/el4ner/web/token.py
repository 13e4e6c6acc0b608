"""The token that opens a service to those who hold it. It is never written or logged."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import stat
from pathlib import Path

from el4ner.errors import ConfigError

_LONGEST = 4096  # bytes of a token file


def read_token(file: Path) -> str:
    """The token in a file, without the line end behind it. Raises `ConfigError`, which names the file alone.

    Refused are files that others may read or write, and tokens that no header can carry.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe does not keep us waiting
        with os.fdopen(descriptor, "rb") as stream:
            held = os.fstat(stream.fileno())
            if not stat.S_ISREG(held.st_mode):
                raise ConfigError(f"{file}: this is no file; write the token to one")
            if os.name == "posix" and held.st_mode & 0o077:
                raise ConfigError(f"{file}: others than its owner can open it; run: chmod 600 {file}")
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file}: the token cannot be read ({error.strerror}); check the path") from None
    token = content.removesuffix(b"\n").removesuffix(b"\r")
    if not token:
        raise ConfigError(f"{file}: there is no token in it; write a long random word to it")
    if len(content) > _LONGEST or not all(0x20 < byte < 0x7F for byte in token):
        advice = f"write one line of up to {_LONGEST} visible ASCII characters, without blanks"
        raise ConfigError(f"{file}: this is no token; {advice}")
    return token.decode("ascii")


def same(given: str, token: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell how far."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())


def told_in(authorization: str) -> str:
    """The token in an `Authorization` header: a bearer's, or the password of a basic login; "" if there is none."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        login = base64.b64decode(rest.strip(), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
    return login.partition(":")[2]
