"""When a request to a server is worth another try, and how long to wait for it."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httpx2 import ConnectError, ConnectTimeout, HTTPError, HTTPStatusError, RequestError, TimeoutException

from el4ner.models.openai.protocol import dig, read_json

_MOST_TOKENS = 10**8
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|size|window)|maximum.{0,20}(?:context|length|tokens)|too many tokens"
    r"|(?:prompt|input|request).{0,30}too (?:long|large)|exceeds? .{0,40}(?:context|tokens)|context_length_exceeded",
    re.IGNORECASE,
)
_FITS = re.compile(
    r"(?:context|length|size|window|limit|maximum|max|n_ctx)[^0-9]{0,30}([0-9][0-9,]{2,8})(?![0-9])", re.IGNORECASE
)
_ENDLESS = 1e9  # seconds: longer than anybody waits
_RECONNECTS = 2  # enough for a server that restarts; one that is down is not waited for
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds; doubled from try to try, less up to a half at random


class Refused(HTTPError):
    """An error that came as an answer of status 200, with the status that it names (0: none)."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"the server answered with an error{f' ({status})' if status else ''}: {words}")
        self.status = status


def pause(error: HTTPError, attempt: int, retries: int, spent: bool) -> float | None:
    """Seconds until the next try; None where there should be none. `spent`: another request tried in vain."""
    tries = min(retries, _RECONNECTS) if unreachable(error) else retries
    if spent or attempt >= tries or isinstance(error, TimeoutException) or not passing(error):
        return None
    named = error.response.headers.get("retry-after", "") if isinstance(error, HTTPStatusError) else ""
    asked = _retry_after(named)
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0) if asked is None else asked


def passing(error: Exception) -> bool:
    """Whether it may be a fault of the moment."""
    return status(error) in (408, 409, 429) or status(error) >= 500 or isinstance(error, RequestError)


def overload(error: Exception) -> bool:
    """Whether the server says that too much is asked at once."""
    return status(error) in (429, 503)


def status(error: Exception) -> int:
    """The HTTP status of a refusal, also of one inside an answer; 0 where the server did not get as far."""
    if isinstance(error, Refused):
        return error.status
    return error.response.status_code if isinstance(error, HTTPStatusError) else 0


def too_long(error: Exception) -> int | None:
    """The tokens that fit, where a prompt was refused for its length, 0 if that is not told; None if it was not."""
    if not isinstance(error, HTTPStatusError) or status(error) not in (400, 413, 422, 500):
        return None
    answer, words = read_json(error.response), one_line(error)
    told = dig(answer, "error", "n_ctx") or dig(answer, "n_ctx")
    if not (told or _TOO_LONG.search(words)):
        return None
    if isinstance(told, int) and 0 < told < _MOST_TOKENS:
        return told
    named = _FITS.search(words)
    return int(named[1].replace(",", "")) if named else 0


def unreachable(error: Exception) -> bool:
    """Whether no connection came about at all."""
    return isinstance(error, ConnectError | ConnectTimeout)


def one_line(error: Exception) -> str:
    """What went wrong, fit for a log: at most 200 characters."""
    said = str(error)
    if isinstance(error, HTTPStatusError):
        answer = read_json(error.response)
        named = dig(answer, "error", "message") or dig(answer, "message") or str(answer)[:1000]
        said = f"HTTP {error.response.status_code}: {named or error.response.reason_phrase}"
    elif isinstance(error, TimeoutException):
        said = f"Request timed out. {error}"
    elif isinstance(error, RequestError):
        said = f"Connection error. {error}"
    return " ".join(said.split())[:200]


def _retry_after(header: str) -> float | None:
    """Seconds that a Retry-After header asks to wait, be it a number or a date; None if it is neither."""
    if header.isascii() and header.replace(".", "", 1).isdecimal():
        return min(float(header), _ENDLESS)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError, IndexError):  # TypeError: a date without a zone
        return None
