"""Work in threads, with results in order.

The threads are daemons: an interrupt ends the program at once, not when the engines have answered. What had been
answered by then is in the reply store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from threading import Thread
from typing import Generic, TypeVar

from el4ner.errors import El4nerError

T = TypeVar("T")
R = TypeVar("R")


class _Job(Generic[R]):
    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._result: R
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> R:
        """What the work gave, or its exception."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result


def ahead(work: Callable[[T], R], items: Iterable[T], depth: int) -> Iterator[R]:
    """`work` of each item, in order, with up to `depth` items under way at once; with 1, in the caller's thread.

    An exception, of the items or of the work, comes in its turn: after the results of what was before it.
    """
    if depth == 1:
        for item in items:
            yield work(item)
        return
    jobs: deque[_Job[R]] = deque()
    rest, failure = iter(items), None
    while True:
        while failure is None and len(jobs) < depth:
            try:
                item = next(rest)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            jobs.append(_Job(partial(work, item)))
        if not jobs:
            break
        yield jobs.popleft().result()
    if failure is not None:
        raise failure


def together(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`work` of all items at once, a thread each; one item alone needs none."""
    items = list(items)
    return list(ahead(work, items, max(1, len(items))))


def windows(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items. Where reading fails, what was read before is given first, then the error raised."""
    rest, failure = iter(items), None
    while failure is None:
        window: list[T] = []
        try:
            window.extend(islice(rest, size))
        except El4nerError as error:
            failure = error
        if not window:
            break
        yield window
    if failure:
        raise failure


def shares(weights: Sequence[int], limit: int) -> Iterator[range]:
    """Stretches of positions whose weights add up to `limit` at most; one that is heavier alone stands alone."""
    start = total = 0
    for at, weight in enumerate(weights):
        if at > start and total + weight > limit:
            yield range(start, at)
            start, total = at, 0
        total += weight
    if start < len(weights):
        yield range(start, len(weights))
