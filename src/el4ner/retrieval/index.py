"""The pool made searchable: its spans and texts as tables of vectors, made when first asked for, kept, and extended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Example, Span
from el4ner.pool.pool import Pool
from el4ner.retrieval.approximate import FROM, Coarse
from el4ner.retrieval.disk_cache import Shelf, coarse, read
from el4ner.retrieval.encoder import Encoder
from el4ner.retrieval.spansim import NOTHING, Asked, Integers, Ranking, SpanTable, Vectors, arrange
from el4ner.text.passage import show

# What can be searched: the spans of the examples with entities, their whole texts, the texts without entities.
Kind = Literal["spans", "texts", "bare"]
Query = tuple[Sequence[str], NDArray[np.floating]]  # the surfaces of a text's spans, and their weights
FindSpans = Callable[[Sequence[Example]], Sequence[Sequence[Span]]]
KEEP = 20_000  # examples: fewer are embedded anew at each start, in about a second, and need no file
_BATCH = 8192  # texts embedded at once
_TOGETHER = 64  # texts asked about at once: bounds the scores that are held, 64 for each example


@dataclass(frozen=True)
class Part:
    """A stretch of the pool up to example `end` as a table; `place` is where it is kept on disk, None in memory."""

    end: int
    table: SpanTable
    place: Path | None = None

    @cached_property
    def _coarse(self) -> Coarse:
        return coarse(self.place, self.table) if self.place else Coarse.of(self.table)

    def rank(self, asked: Asked, count: int, approximate: bool) -> list[Ranking]:
        """Its best texts for each one asked about; only a large table is searched approximately."""
        if approximate and len(self.table.vectors) >= FROM:
            return self._coarse.rank(self.table, asked, count)
        return self.table.rank(asked, count)


@dataclass(frozen=True)
class Index:
    """Finds the examples of `pool` that are most like a text. `spans` gives those by which examples are found.

    `source` names what `spans` does: large tables are kept under that name in the user's cache (`root` is another
    folder). Without it, spans are kept in memory only.
    """

    pool: Pool
    encoder: Encoder
    spans: FindSpans
    source: str | None = None
    root: Path | None = None
    lock: RLock = field(default_factory=RLock, repr=False, compare=False)  # for those who search side by side
    _parts: dict[Kind, tuple[Part, ...]] = field(default_factory=dict, repr=False, compare=False)

    def extended(self, pool: Pool) -> Index:
        """The index of a pool that begins with this one's examples: what is embedded already stays."""
        with self.lock:
            return replace(self, pool=pool, lock=RLock(), _parts=dict(self._parts))

    def rank(self, kind: Kind, texts: Sequence[Query], count: int, approximate: bool = False) -> list[Ranking]:
        """The `count` examples most like each text by SpanSim, best first; fewer where the pool has fewer.

        For whole texts, a text is its own one span.
        """
        if not self.pool.examples:
            return [NOTHING] * len(texts)
        found = []
        for at in range(0, len(texts), _TOGETHER):
            asked = Asked.of(texts[at : at + _TOGETHER], self.encoder)
            parts = [part.rank(asked, count, approximate) for part in self._upto(kind)]
            found += [Ranking.merged(group, count) for group in zip(*parts, strict=True)]
        return found

    def scores(self, kind: Kind, text: Query, ids: Integers) -> Ranking:
        """SpanSim of these examples alone to a text, best first."""
        asked = Asked.of([text], self.encoder)
        found = []
        for table in (part.table for part in self._upto(kind)):
            found.append(table.best(asked, 0, table.places(ids), len(ids)))
        return Ranking.merged(found, len(ids))

    @cached_property
    def by_label(self) -> dict[str, Integers]:
        """The examples that hold each label of the pool."""
        found: dict[str, list[int]] = {label.name: [] for label in self.pool.labels}
        for number, example in enumerate(self.pool.examples):
            for label in {entity.label for entity in example.entities if entity.label}:
                found[label].append(number)
        return {label: np.array(ids, dtype=np.int64) for label, ids in found.items()}

    def _upto(self, kind: Kind) -> tuple[Part, ...]:
        """The tables of the whole pool; what is missing at its end is read from disk or made."""
        parts = self._parts.get(kind, ())
        while (start := parts[-1].end if parts else 0) < len(self.pool.examples):
            parts = (*parts, self._part(kind, start))
            # Many small additions stay few tables: one in memory joins the next once that is not smaller.
            while len(parts) > 1 and not (parts[-1].place or parts[-2].place) and _size(parts[-2]) <= _size(parts[-1]):
                parts = (*parts[:-2], Part(parts[-1].end, _joined(parts[-2].table, parts[-1].table)))
        self._parts[kind] = parts
        return parts

    def _part(self, kind: Kind, start: int) -> Part:
        examples = self.pool.examples
        source = self.source if kind == "spans" else kind
        if source is None or len(examples) - start < KEEP:
            return Part(len(examples), self._embed(kind, start, _in_memory))
        shelf = Shelf.of(self.encoder.identity, source, self.root)
        if held := shelf.covering(examples, start):
            place, end = held
            if table := read(place):
                return Part(end, table, place)
        place = shelf.place(examples, start)
        table = shelf.write(place, lambda allocate: self._embed(kind, start, allocate))
        return Part(len(examples), table, place)

    def _embed(self, kind: Kind, start: int, allocate: Callable[[int, int], Vectors]) -> SpanTable:
        examples = self.pool.examples[start:]
        if kind == "spans":
            named = [example for example in examples if example.entities]
            groups = iter(self.spans(named))
            found = [tuple(next(groups)) if example.entities else () for example in examples]
            counts = np.array([len(group) for group in found], dtype=np.int64)
            surfaces = (show(e.text[s.start : s.end]) for e, group in zip(examples, found, strict=True) for s in group)
        else:
            wanted = [bool(example.entities) == (kind == "texts") for example in examples]
            counts = np.array(wanted, dtype=np.int64)
            surfaces = (show(example.text) for example, yes in zip(examples, wanted, strict=True) if yes)
        return embed(surfaces, counts, start, self.encoder, allocate)


def gold(examples: Sequence[Example]) -> list[tuple[Span, ...]]:
    """The spans that are labelled, for `Index.spans`."""
    return [example.entities for example in examples]


def embed(
    surfaces: Iterator[str],
    counts: Integers,
    start: int,
    encoder: Encoder,
    allocate: Callable[[int, int], Vectors],
) -> SpanTable:
    """A table of surfaces that come text by text, `counts` of them each; the first text is number `start`.

    `allocate` gives the array of rows and dimensions that the vectors are written to.
    """
    order, starts = arrange(counts)
    total = int(counts.sum())
    rows = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(total)
    vectors: Vectors | None = None
    for at in range(0, total, _BATCH):
        some = encoder.encode(list(islice(surfaces, min(_BATCH, total - at))))
        if vectors is None:
            vectors = allocate(total, some.shape[1])
        vectors[rows[at : at + _BATCH]] = some
    if vectors is None:
        vectors = encoder.encode([])
    return SpanTable(vectors, order + start, counts[order])


def _in_memory(rows: int, width: int) -> Vectors:
    return np.empty((rows, width), dtype=np.float32)


def _size(part: Part) -> int:
    return len(part.table.vectors)


def _joined(first: SpanTable, second: SpanTable) -> SpanTable:
    """One table of the texts of two."""
    counts = np.concatenate([first.counts, second.counts])
    order = np.lexsort((np.concatenate([first.owners, second.owners]), counts))
    starts = np.concatenate([first.starts, second.starts + len(first.vectors)])[order]
    counts = counts[order]
    rows = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    vectors = np.concatenate([first.vectors, second.vectors])[rows]
    return SpanTable(vectors, np.concatenate([first.owners, second.owners])[order], counts)
