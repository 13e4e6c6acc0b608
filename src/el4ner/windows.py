"""Cutting what comes into lists that are worked on together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from el4ner.errors import El4nerError

T = TypeVar("T")


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
