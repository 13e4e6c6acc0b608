"""When a request to a server is worth another try, and how long to wait for it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httpx2 import ConnectError, ConnectTimeout, HTTPError, HTTPStatusError, RequestError, TimeoutException

from el4ner.models.openai.protocol import dig, read_json

_RECONNECTS = 2  # enough for a server that restarts; one that is down is not waited for
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds; doubled from try to try, less up to a half at random


@dataclass(slots=True)
class Health:
    """What the requests of one call have learned of the server, so that they do not all wait for one that is down."""

    lost: str = ""  # nobody listens, or nobody answers
    spent: bool = False  # a request has used up its tries, and none has succeeded since
    silent: int = 0  # requests in a row without an answer in time

    def failed(self, error: HTTPError, concurrency: int) -> None:
        """Learn from a request that will not be tried again."""
        self.silent += isinstance(error, TimeoutException)
        if unreachable(error) or self.silent >= max(2, concurrency):
            self.lost = one_line(error)
        elif passing(error) and not isinstance(error, TimeoutException) and status(error) != 429:
            self.spent = True

    def succeeded(self) -> None:
        """Learn from an answer."""
        self.spent, self.silent = False, 0


def pause(error: HTTPError, attempt: int, retries: int, health: Health) -> float | None:
    """Seconds until the next try; None where there should be none."""
    tries = min(retries, _RECONNECTS) if unreachable(error) else retries
    if health.spent or attempt >= tries or isinstance(error, TimeoutException) or not passing(error):
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
    """The HTTP status of a refusal; 0 where the server did not get as far."""
    return error.response.status_code if isinstance(error, HTTPStatusError) else 0


def unreachable(error: Exception) -> bool:
    """Whether no connection came about at all."""
    return isinstance(error, ConnectError | ConnectTimeout)


def one_line(error: Exception) -> str:
    """What went wrong, fit for a log: at most 200 characters."""
    said = str(error)
    if isinstance(error, HTTPStatusError):
        answer = read_json(error.response)
        named = dig(answer, "error", "message") or dig(answer, "message") or error.response.text
        said = f"HTTP {error.response.status_code}: {named or error.response.reason_phrase}"
    elif isinstance(error, TimeoutException):
        said = f"Request timed out. {error}"
    elif isinstance(error, RequestError):
        said = f"Connection error. {error}"
    return " ".join(said.split())[:200]


def _retry_after(header: str) -> float | None:
    """Seconds that a Retry-After header asks to wait, be it a number or a date; None if it is neither."""
    if header.replace(".", "", 1).isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):  # TypeError: a date without a zone
        return None
