"""A first, approximate pass over a large table: SpanSim with every span of it replaced by the centre of its cluster.

As in late interaction over centroids (PLAID, arXiv 2205.09707): a span is two bytes, the number of one of 65,536
centres; the cosines of a query span to all centres are a small table, and a text's SpanSim is looked up in it, in whole
numbers. The best are then compared exactly. The best texts for a query are seldom nearest to any one of its spans,
which is what an index of nearest neighbours finds: with the 4,096 nearest of each span from FAISS (inverted file,
product quantisation), 1,024 texts compared exactly held 93 to 94 % of the true best 8; with these centres 98 %, in 2
bytes a span for 40, and without another package (2 million spans, made much as `benchmarks/retrieval.py` makes them).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from el4ner.retrieval.spansim import Asked, Ranking, SpanTable, Vectors, largest

# Spans. A million (of 128 dimensions) take the exact scan 15 ms of one core for a text of 6 spans, this pass 6; ten
# million, five noisy copies of two, 169 and 36, and 99.6 % of the best 8 are found. Below a million little is gained.
FROM = 1_000_000
KEPT = 2048  # texts compared exactly, of those that the first pass finds
_FIRST, _SECOND = 256, 256  # centres, and centres within each
_SAMPLE = 400_000  # spans that the centres are learnt from
_ROUNDS = 6
_CHUNK = 1 << 18
_BLOCK = 16_384  # codes looked up at once
_TOGETHER = 16  # texts asked about at once: the cosines of their spans to all centres are 6 MB

Codes = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Coarse:
    """`centres` (65,536, d) in float32, `codes` (m,) the nearest centre of each row of the table."""

    centres: Vectors
    codes: Codes

    @classmethod
    def of(cls, table: SpanTable, seed: int = 0) -> Coarse:
        """Learn centres from a sample of the table's rows, by k-means in two levels, and give every row its own."""
        rng = np.random.default_rng(seed)
        some = rng.choice(len(table.vectors), min(_SAMPLE, len(table.vectors)), replace=False)
        sample = np.array(table.vectors[np.sort(some)])
        first = _centres(sample, _FIRST, rng)
        owner = _nearest(sample, first)
        second = np.stack([_centres(sample[owner == i], _SECOND, rng) for i in range(_FIRST)])
        codes = np.empty(len(table.vectors), dtype=np.uint16)
        for at in range(0, len(codes), _CHUNK):
            codes[at : at + _CHUNK] = _codes(np.asarray(table.vectors[at : at + _CHUNK]), first, second)
        return cls(second.reshape(-1, sample.shape[1]), codes)

    def rank(self, table: SpanTable, asked: Asked, count: int) -> list[Ranking]:
        """About the `count` best texts of the table for each one asked about; their order and scores are exact."""
        kept, found = max(KEPT, 4 * count), []
        for at in range(0, asked.shares.shape[1], _TOGETHER):
            some = asked.some(slice(at, at + _TOGETHER))
            for column, scores in enumerate(self._scan(table, some)):
                found.append(table.best(some, column, largest(scores, kept, 0)[: 2 * kept], count))
        return found

    def _scan(self, table: SpanTable, asked: Asked) -> Vectors:
        scores = np.empty((asked.shares.shape[1], len(table.owners)), dtype=np.float32)
        # Bytes are the point: they are what limits looking up. 1/127 is a tenth of what the centres are off.
        cosines = np.rint(np.clip(self.centres @ asked.vectors.T, -1, 1) * 127).astype(np.int8)

        def fill(block: tuple[slice, slice, int]) -> None:
            texts, rows, count = block
            codes = self.codes[rows].reshape(-1, count)
            best = cosines[codes[:, 0]]
            for i in range(1, count):
                np.maximum(best, cosines[codes[:, i]], out=best)
            scores[:, texts] = (best.astype(np.float32) @ asked.shares).T

        with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy looks up without the interpreter's lock
            list(threads.map(fill, table.blocks(_BLOCK)))
        return scores


def _centres(rows: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """`count` unit vectors by spherical k-means; zero where there are fewer rows."""
    centres = np.zeros((count, rows.shape[1]), dtype=np.float32)
    if not len(rows):
        return centres
    some = rng.choice(len(rows), min(count, len(rows)), replace=False)
    centres[: len(some)] = rows[some]
    for _ in range(_ROUNDS):
        order = np.argsort(nearest := _nearest(rows, centres), kind="stable")
        edges = np.flatnonzero(np.diff(nearest[order], prepend=-1))
        sums = np.add.reduceat(rows[order], edges, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres[nearest[order][edges]] = sums / np.where(lengths == 0, 1, lengths)
    return centres


def _nearest(rows: Vectors, centres: Vectors) -> NDArray[np.intp]:
    parts = [(rows[at : at + _BLOCK] @ centres.T).argmax(axis=1) for at in range(0, len(rows), _BLOCK)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)


def _codes(rows: Vectors, first: Vectors, second: NDArray[np.float32]) -> Codes:
    """The centre of each row: the nearest of the first level, then the nearest within it."""
    outer = _nearest(rows, first)
    order = np.argsort(outer, kind="stable")
    edges = np.searchsorted(outer[order], np.arange(len(first) + 1))
    codes = np.empty(len(rows), dtype=np.uint16)
    for i, (start, stop) in enumerate(pairwise(edges.tolist())):
        mine = order[start:stop]
        codes[mine] = i * second.shape[1] + _nearest(rows[mine], second[i])
    return codes
