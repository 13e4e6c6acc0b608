"""An entry of an answer, and how probable a stretch of a reply was."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from el4ner.data import EMPTY
from el4ner.models.base import Token


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of an answer: the span's string, the type written next to it, and the probability of each.

    `at` is its place in the shown text where the answer itself tells it; otherwise it is to be looked for.
    """

    text: str
    label: str | None = None
    probability: float | None = None
    label_probability: float | None = None
    at: tuple[int, int] | None = None

    @property
    def empty(self) -> bool:
        """Whether it names nothing."""
        return self.at is None and (not self.text.strip() or self.text.casefold() == EMPTY)


def probability_of(tokens: Sequence[Token], start: int, end: int) -> float | None:
    """Product of the probabilities of the tokens that share a character with `reply[start:end]`.

    None where no tokens are told, or one of them has a log-probability that is no number.
    """
    if not tokens:
        return None
    ends = _ends(tokens)
    total = 0.0
    for token in tokens[bisect_right(ends, start) : bisect_left(ends, end) + 1]:
        total += token.logprob
    return None if math.isnan(total) else math.exp(min(total, 0.0))


_last: tuple[Sequence[Token], list[int]] = ((), [])


def _ends(tokens: Sequence[Token]) -> list[int]:
    """Where each token ends; those of the last reply are kept, since all its entries ask for them."""
    global _last
    seen = _last
    if seen[0] is not tokens:
        seen = _last = tokens, list(accumulate(len(token.text) for token in tokens))
    return seen[1]
