"""What has been learned of a server, so that not every request waits for one that is down."""

from __future__ import annotations

import time
from dataclasses import dataclass

from httpx2 import HTTPError, TimeoutException

from el4ner.models.openai.retry import one_line, passing, status, unreachable

_REST = 15.0  # seconds in which a server that is lost is left alone; then one request tries again


@dataclass(slots=True)
class Health:
    """Of one server, over all calls. `patience`: seconds without any answer after which it is given up.

    `spent`: a request has used up its tries, and none has succeeded since. `waiting` says what is waited for.
    """

    patience: float
    concurrency: int
    spent: bool = False
    waiting: str = ""
    _lost: str = ""  # nobody listens, or nobody answers
    _again: float = 0.0  # when to try one that is lost
    _silent: int = 0  # requests in a row without an answer in time
    _since: float | None = None  # of the first failure after the last answer

    def lost(self) -> str:
        """Why not to ask at all; "" where one may. Who is told so first after a rest is the one to try."""
        if self._lost and time.monotonic() >= self._again:
            self._again = time.monotonic() + _REST
            return ""
        return self._lost

    def noticed(self, error: HTTPError) -> bool:
        """Learn from a failed try; whether the server is now given up."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if passing(error) and now - self._since >= self.patience:
            self._lose(f"given up after {now - self._since:.0f} s without an answer ({one_line(error)})")
        return bool(self._lost)

    def failed(self, error: HTTPError) -> None:
        """Learn from a request that will not be tried again."""
        self._silent += isinstance(error, TimeoutException)
        if unreachable(error) or self._silent >= max(2, self.concurrency):
            self._lose(one_line(error))
        elif passing(error) and not isinstance(error, TimeoutException) and status(error) != 429:
            self.spent = True

    def succeeded(self) -> None:
        """Learn from an answer."""
        self.spent, self._silent, self._since, self._lost, self.waiting = False, 0, None, "", ""

    def _lose(self, why: str) -> None:
        self._lost, self._again, self.waiting = why, time.monotonic() + _REST, ""
