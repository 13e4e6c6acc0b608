"""What waits to be annotated: the texts of each request, in a queue that is bounded and forgets who has left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition

from el4ner.annotation import Annotation
from el4ner.data import Document, Label

Answer = Annotation | Exception
Batch = list[tuple["Order", Document]]

# Whose texts were just answered are about to ask again: a batch waits for them, at least and at most so many seconds,
# between them this share of what the last one took.
_GATHER, _LONGEST, _SHARE = 0.01, 0.25, 0.05


class QueueFull(Exception):
    """Too many texts wait already."""


@dataclass(eq=False, slots=True)
class Order:
    """A request's texts and the types asked for, None for the pool's.

    `told` is called with the answers to the next of its texts, in their order, in the thread that annotates.
    """

    documents: Sequence[Document]
    labels: tuple[Label, ...] | None
    told: Callable[[Sequence[Answer]], None]
    waiting: deque[Document] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(self.documents)


class Orders:
    """The orders with texts that wait, at most `limit` texts over all of them. Threads may share it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._orders: dict[Order, None] = {}  # in the order of their turns
        self._texts = 0
        self._last = 0  # texts of the last batch
        self._taken = time.monotonic()  # when it was
        self._changed = Condition()
        self._closed = False

    def __len__(self) -> int:
        """How many texts wait."""
        return self._texts

    def put(self, order: Order) -> None:
        """Let an order wait for its turn. Raises `QueueFull` where it does not fit as a whole."""
        with self._changed:
            if self._closed or self._texts + len(order.waiting) > self.limit:
                raise QueueFull
            self._orders[order] = None
            self._texts += len(order.waiting)
            self._changed.notify()

    def drop(self, order: Order) -> None:
        """Forget what of an order still waits: it is never asked."""
        with self._changed:
            if order in self._orders:
                del self._orders[order]
                self._texts -= len(order.waiting)

    def take(self, size: int) -> Batch:
        """The next texts, up to `size`, of orders that ask for the same types; waits for some. Empty once it is closed.

        Every order gives one text in its turn: a large one does not hold up the small.
        """
        with self._changed:
            now = time.monotonic()
            until = now + min(_LONGEST, max(_GATHER, _SHARE * (now - self._taken)))
            expected = min(size, self._texts + self._last)
            while not self._orders and not self._closed:
                self._changed.wait()
            while not self._closed and self._texts < expected and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            batch = self._turns(size) if not self._closed else []
            self._last, self._taken = len(batch), time.monotonic()
            return batch

    def close(self) -> list[Order]:
        """Take no more; what waits is given back."""
        with self._changed:
            left, self._orders, self._texts, self._closed = list(self._orders), {}, 0, True
            self._changed.notify_all()
            return left

    def _turns(self, size: int) -> Batch:
        batch: Batch = []
        labels = next(iter(self._orders)).labels if self._orders else None
        alike = deque(order for order in self._orders if order.labels == labels)
        while alike and len(batch) < size:
            order = alike.popleft()
            batch.append((order, order.waiting.popleft()))
            del self._orders[order]
            if order.waiting:  # behind those who wait longer
                self._orders[order] = None
                alike.append(order)
        self._texts -= len(batch)
        return batch
