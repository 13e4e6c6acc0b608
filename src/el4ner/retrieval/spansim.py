"""The span vectors of many texts as rows, and the texts that are most like each text of a batch by SpanSim.

    SpanSim(S, C) = sum over s in S of w(s) * max over c in C of cos(s, c)  /  sum over s in S of w(s)

(paper, stage 1.) A batch is one product of matrices a block of rows: rows lie by the number of spans of their text, so
that the maximum over each text's spans is one reduction of a block of three dimensions, and a second product weighs and
sums. Measured with 384 query spans of 256 dimensions: `reduceat` over texts as they come takes twice the time of the
product itself, this a fifteenth. Rows are float32: converting a block of float16 costs 40 % of the product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from el4ner.retrieval.encoder import Encoder

Vectors = NDArray[np.float32]
Integers = NDArray[np.int64]

_BLOCK = 4096  # rows compared at once: with 384 query spans 6 MB, which stays in the cache
_SLACK = 4e-5  # twice what float32 can be off in a sum of 300 products of unit vectors
_DECIMALS = 6  # scores that agree so far are equal


@dataclass(frozen=True, slots=True)
class Asked:
    """Texts to compare: `vectors` (q, d) of their distinct spans, `shares` (q, texts) of each span in each text.

    A text's shares are its spans' weights by their sum. Where that is 0 the quotient is not defined: all are 0.
    """

    vectors: Vectors
    shares: Vectors

    @classmethod
    def of(cls, texts: Sequence[tuple[Sequence[str], NDArray[np.floating]]], encoder: Encoder) -> Asked:
        """The surfaces of each text's spans and their weights; a weight below 0 or not finite is a ValueError."""
        rows: dict[str, int] = {}
        for surfaces, weights in texts:
            if len(surfaces) != len(weights) or not np.all((weights >= 0) & (weights < np.inf)):
                raise ValueError(f"{len(surfaces)} spans, weights {weights}: one each, finite and not negative")
            for surface, weight in zip(surfaces, weights.tolist(), strict=True):
                if weight:
                    rows.setdefault(surface, len(rows))
        shares = np.zeros((len(rows), len(texts)))
        for column, (surfaces, weights) in enumerate(texts):
            total = weights.sum(dtype=np.float64)
            for surface, weight in zip(surfaces, weights.tolist(), strict=True):
                if weight:
                    shares[rows[surface], column] += weight / total
        return cls(encoder.encode(list(rows)), shares.astype(np.float32))

    def some(self, columns: slice) -> Asked:
        """Some of the texts alone."""
        rows = self.shares[:, columns].any(axis=1)
        return Asked(self.vectors[rows], self.shares[rows, columns])


@dataclass(frozen=True, slots=True)
class Ranking:
    """Texts by their numbers, most similar first, equals by number; and their SpanSim to 6 decimals."""

    ids: Integers
    scores: NDArray[np.float64]

    @classmethod
    def best(cls, ids: Integers, scores: NDArray[np.float64], count: int) -> Ranking:
        """The `count` best of texts in any order."""
        order = np.lexsort((ids, -scores))[:count]
        return cls(ids[order], scores[order])

    @classmethod
    def merged(cls, rankings: Sequence[Ranking], count: int) -> Ranking:
        """The `count` best of all; no text is in two of them."""
        ids = np.concatenate([ranking.ids for ranking in rankings])
        return cls.best(ids, np.concatenate([ranking.scores for ranking in rankings]), count)

    def at(self, places: Sequence[int]) -> Ranking:
        """Those at some places of the ranking; there may be fewer."""
        held = [place for place in places if place < len(self.ids)]
        return Ranking(self.ids[held], self.scores[held])


NOTHING = Ranking(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True)
class SpanTable:
    """Spans of texts: `vectors` (m, d), unit or zero; `owners` (t,) the texts' numbers; `counts` (t,) of their spans.

    Texts stand in the order of their counts, then numbers, and their rows likewise; every text has a span (one without
    cannot be compared, and so is not in here).
    """

    vectors: Vectors
    owners: Integers
    counts: Integers

    @cached_property
    def starts(self) -> Integers:
        """The first row of each text (t,)."""
        return np.cumsum(self.counts) - self.counts

    def blocks(self, rows: int = _BLOCK) -> Iterator[tuple[slice, slice, int]]:
        """Texts with the same count, about so many rows at a time: their places, their rows, the count."""
        edges = np.concatenate([[0], np.flatnonzero(np.diff(self.counts)) + 1, [len(self.counts)]]).tolist()
        for first, last in pairwise(edges):
            if first == last:
                continue
            count, start = int(self.counts[first]), int(self.starts[first])
            step = max(1, rows // count)
            for at in range(first, last, step):
                stop = min(at + step, last)
                yield slice(at, stop), slice(start + (at - first) * count, start + (stop - first) * count), count

    def scan(self, asked: Asked) -> Vectors:
        """SpanSim of every text asked about (rows) to every text of the table (columns), in float32."""
        scores = np.zeros((asked.shares.shape[1], len(self.owners)), dtype=np.float32)
        if not len(asked.vectors):
            return scores
        query = np.ascontiguousarray(asked.vectors.T)
        for texts, rows, count in self.blocks():
            cosines = self.vectors[rows] @ query
            best = cosines.reshape(-1, count, cosines.shape[1]).max(axis=1) if count > 1 else cosines
            scores[:, texts] = (best @ asked.shares).T
        return scores

    def rank(self, asked: Asked, count: int) -> list[Ranking]:
        """The exact `count` best texts for each one asked about.

        The scan's best, and all that its rounding could have put below them, are computed again in float64: equal
        scores are equal, wherever the rows lie and whatever else is asked.
        """
        found = []
        for column, scores in enumerate(self.scan(asked)):
            found.append(self.best(asked, column, largest(scores, count, _SLACK), count))
        return found

    def best(self, asked: Asked, column: int, places: Integers, count: int) -> Ranking:
        """The `count` best of the texts in some places for the one asked about in `column`; scores to 6 decimals."""
        if len(places) > 4 * count:  # float64 takes twice the time, and only the best need it
            places = places[largest(self._compared(asked, column, places, np.float32), count, _SLACK)]
        scores = self._compared(asked, column, places, np.float64).round(_DECIMALS) + 0.0  # no -0.0
        return Ranking.best(self.owners[places], scores, count)

    def _compared(
        self, asked: Asked, column: int, places: Integers, kind: type[np.float32] | type[np.float64]
    ) -> NDArray[Any]:
        heavy = asked.shares[:, column] > 0
        shares = asked.shares[heavy, column].astype(kind)
        query = asked.vectors[heavy].T.astype(kind)
        scores = np.zeros(len(places), dtype=kind)
        if not len(shares):
            return scores
        for at in range(0, len(places), _BLOCK):
            some = places[at : at + _BLOCK]
            sizes = self.counts[some]
            bounds = np.cumsum(sizes) - sizes
            rows = np.repeat(self.starts[some] - bounds, sizes) + np.arange(sizes.sum())
            best = np.maximum.reduceat(self.vectors[rows].astype(kind, copy=False) @ query, bounds, axis=0)
            scores[at : at + _BLOCK] = best @ shares / shares.sum()
        return scores

    def places(self, ids: Integers) -> Integers:
        """Where the texts of these numbers stand; those that are not in the table are left out."""
        if not len(self.owners):
            return NOTHING.ids
        at = np.searchsorted(self.owners, ids, sorter=self._by_owner)
        found: Integers = self._by_owner[np.minimum(at, len(self.owners) - 1)]
        there: NDArray[np.bool_] = self.owners[found] == ids
        return found[there]

    @cached_property
    def _by_owner(self) -> Integers:
        return np.argsort(self.owners)


def arrange(counts: Integers) -> tuple[Integers, Integers]:
    """The order of a table for texts with so many spans (texts without left out), and the row of each text's first."""
    order = np.argsort(counts, kind="stable")
    order = order[np.searchsorted(counts[order], 1) :]
    starts = np.zeros(len(counts), dtype=np.int64)
    starts[order] = np.cumsum(counts[order]) - counts[order]
    return order, starts


def largest(scores: Vectors, count: int, slack: float) -> Integers:
    """Places of the `count` largest scores and of all that are less than `slack` smaller, in order."""
    if count >= len(scores):
        return np.arange(len(scores))
    if not count:
        return np.arange(0)
    # The count-th largest of some maxima is not above the count-th largest score: a cheap first sieve.
    size = max(1, len(scores) // (8 * count))
    maxima = np.maximum.reduceat(scores, np.arange(0, len(scores), size))
    sieved = np.flatnonzero(scores >= np.partition(maxima, -count)[-count] - slack)
    values = scores[sieved]
    kept: Integers = sieved[values >= np.partition(values, -count)[-count] - slack]
    return kept
