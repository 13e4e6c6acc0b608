"""The one who annotates: a thread that takes what has come together in front of an ensemble, batch by batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from threading import Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING

from el4ner.errors import ContextError, El4nerError, ModelError
from el4ner.serve.kept_pool import KeptPool
from el4ner.serve.orders import Answer, Batch, Order, Orders

if TYPE_CHECKING:
    from el4ner.pipeline import EL4NER
    from el4ner.pool.pool import Pool

Costs = Mapping[tuple[str, str], float]

logger = logging.getLogger(__name__)

_SLOWEST = 60  # seconds, after which to come again at the latest


class Desk:
    """Annotates orders on one ensemble, in a thread of its own, with the pool as its file is at that time.

    `opened` opens the ensemble, in that thread, once `start` is called; `close` ends all of it. `limit` is how many
    texts may wait.
    """

    def __init__(self, opened: Callable[[Pool], EL4NER], kept: KeptPool, limit: int) -> None:
        self.error: Exception | None = None  # why the ensemble could not be opened
        self._opened = opened
        self.kept = kept
        self._ner: EL4NER | None = None
        self._past: Costs = {}  # of ensembles on former pools
        self._costs_lock = Lock()
        self._orders = Orders(limit)
        self._pace = 0.0  # seconds a text of the last batch took
        self._thread = Thread(target=self._work, name="el4ner-desk", daemon=True)

    def start(self) -> None:
        """Open the models, and begin."""
        self._thread.start()

    def close(self) -> None:
        """Take no more, let the batch that is under way come to its end, and close the models."""
        for order in self._orders.close():
            _tell(order, [ModelError("the server is being shut down; ask again later")])
        if self._thread.is_alive():
            self._thread.join(_SLOWEST)

    def put(self, order: Order) -> None:
        """Take an order. Raises `QueueFull`."""
        self._orders.put(order)

    def drop(self, order: Order) -> None:
        """Forget what of an order still waits."""
        self._orders.drop(order)

    @property
    def ready(self) -> bool:
        """Whether the models are open."""
        return self._ner is not None

    @property
    def waiting(self) -> int:
        """How many texts wait."""
        return len(self._orders)

    @property
    def limit(self) -> int:
        """How many texts may wait."""
        return self._orders.limit

    @property
    def come_again(self) -> int:
        """In how many seconds a good part of what waits will be done."""
        return min(_SLOWEST, max(1, ceil(self.waiting * self._pace / 2)))

    @property
    def costs(self) -> Costs:
        """What was asked so far, over all pools: by stage, and "calls", "stored", "prompt", "generated", "seconds"."""
        with self._costs_lock:
            return _plus(self._past, self._ner)

    def _work(self) -> None:
        try:
            ner = self._ner = self._opened(self.kept.look())
        except Exception as error:
            self.error = error
            for order in self._orders.close():
                _tell(order, [ModelError("the models cannot be opened")])
            return
        try:
            while batch := self._orders.take(ner.recipe.window):
                self._answer(batch)
        finally:
            self._ner.close()

    def _answer(self, batch: Batch) -> None:
        began = perf_counter()
        answers = self._annotated(batch)
        self._pace = (perf_counter() - began) / len(batch)
        for order in dict.fromkeys(order for order, _ in batch):
            own = [answer for (whose, _), answer in zip(batch, answers, strict=True) if whose is order]
            _tell(order, own)

    def _annotated(self, batch: Batch) -> Sequence[Answer]:
        """An answer to each text. A text that cannot be read takes no other one with it."""
        try:
            ner = self._on_this_pool()
            return list(ner.annotate([document for _, document in batch], batch[0][0].labels))
        except Exception as error:
            if len(batch) == 1 or (isinstance(error, ModelError) and not isinstance(error, ContextError)):
                logger.warning("a batch failed: %s", error, exc_info=not isinstance(error, El4nerError))
                return [error] * len(batch)
        return [self._annotated([one])[0] for one in batch]

    def _on_this_pool(self) -> EL4NER:
        """The ensemble on the pool as it is now: the same open models."""
        assert self._ner is not None
        pool = self.kept.look()
        if pool is not self._ner.pool:
            other = self._ner.on_pool(pool)
            with self._costs_lock:
                self._past, self._ner = _plus(self._past, self._ner), other
        return self._ner


def _plus(past: Costs, ner: EL4NER | None) -> Costs:
    found = dict(past)
    for cost in ner.costs if ner else ():
        for what in ("calls", "stored", "prompt", "generated", "seconds"):
            found[cost.stage, what] = found.get((cost.stage, what), 0.0) + getattr(cost, what)
    return found


def _tell(order: Order, answers: Sequence[Answer]) -> None:
    try:
        order.told(answers)
    except Exception:  # whoever asked is no more
        logger.debug("an answer could not be delivered", exc_info=True)
