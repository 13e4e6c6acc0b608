"""Work in threads, with results in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from el4ner.concurrency import ahead, together


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(depth: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number % 3))
        return number * number

    assert list(ahead(work, range(9), depth)) == [number * number for number in range(9)]


def test_items_are_at_work_side_by_side() -> None:
    barrier = threading.Barrier(3, timeout=10)
    assert together(lambda _: barrier.wait() >= 0, range(3)) == [True] * 3


def test_no_more_items_are_taken_than_may_be_at_work() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    results = ahead(lambda number: number, items(), 3)
    assert next(results) == 0
    assert taken == [0, 1, 2]
    assert next(results) == 1
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("depth", [1, 3])
def test_a_failure_of_the_work_comes_in_its_turn(depth: int) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = ahead(work, range(5), depth)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_failure_of_the_items_comes_after_what_was_before_it(depth: int) -> None:
    def items() -> Iterator[int]:
        yield 0
        yield 1
        raise ValueError("no more")

    results = ahead(lambda number: number, items(), depth)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_nothing_to_do_is_nothing() -> None:
    assert list(ahead(str, [], 2)) == []
    assert together(str, []) == []
