"""How many requests are under way at a server at once: as many as it bears, up to a bound."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Slots:
    """Adaptive bound on what is under way: halved when the server says that it is overloaded, and regained slowly.

    Additive increase, multiplicative decrease, as TCP does it: a success adds 1 / limit, so that a full round of them
    adds one. What an overload throws back comes back as a burst of refusals; those of requests that were sent before
    the last decrease do not count again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._free = asyncio.Condition()
        self._decreases = 0

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return max(1, int(self._limit))

    @property
    def era(self) -> int:
        """To be noted when a request is sent, and given back to `overloaded`."""
        return self._decreases

    def succeeded(self) -> None:
        """A request came back with an answer."""
        self._limit = min(self._most, self._limit + 1 / self._limit)

    def overloaded(self, era: int) -> None:
        """A request that was sent in `era` was refused because there are too many."""
        if era == self._decreases:
            self._limit = max(1.0, self._limit / 2)
            self._decreases += 1

    async def __aenter__(self) -> None:
        async with self._free:
            await self._free.wait_for(lambda: self._under_way < self.limit)
            self._under_way += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        async with self._free:
            self._under_way -= 1
            self._free.notify_all()
