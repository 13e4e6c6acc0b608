"""Cutting what comes into lists that are worked on together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from el4ner.concurrency import shares, windows
from el4ner.errors import DataError


@given(st.lists(st.integers()), st.integers(1, 5))
def test_windows_hold_all_items_in_order(items: list[int], size: int) -> None:
    found = list(windows(items, size))
    assert [item for window in found for item in window] == items
    assert all(len(window) == size for window in found[:-1])
    assert all(found)


def test_what_was_read_before_a_failure_comes_first() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        yield 3
        raise DataError("line 4: no")

    found = windows(items(), 2)
    assert [next(found), next(found)] == [[1, 2], [3]]
    with pytest.raises(DataError, match="line 4"):
        next(found)


@given(st.lists(st.integers(0, 9)), st.integers(1, 20))
def test_shares_hold_all_positions_and_no_more_than_the_limit(weights: list[int], limit: int) -> None:
    found = list(shares(weights, limit))
    assert [at for share in found for at in share] == list(range(len(weights)))
    for share in found:
        assert len(share) == 1 or sum(weights[at] for at in share) <= limit
    for one, after in pairwise(found):
        assert sum(weights[at] for at in one) + weights[after[0]] > limit
