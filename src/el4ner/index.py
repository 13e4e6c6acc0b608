"""The pool made searchable: vectors of its spans and of its texts, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Span
from el4ner.encoder import Encoder
from el4ner.passage import show
from el4ner.pool import Pool
from el4ner.similarity import span_sim

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Index:
    """Unit vectors of `pool`: `spans` (m, d), `owners` (m,) the position of each span's example, `texts` (n, d)."""

    pool: Pool
    encoder: Encoder
    spans: Vectors
    owners: NDArray[np.int64]
    texts: Vectors

    @classmethod
    def build(cls, pool: Pool, spans: Sequence[Sequence[Span]], encoder: Encoder) -> Index:
        """Embed the pool's texts, and the spans given for each of them."""
        surfaces = [show(e.text[s.start : s.end]) for e, group in zip(pool.examples, spans, strict=True) for s in group]
        owners = np.repeat(np.arange(len(pool.examples)), [len(group) for group in spans])
        texts = encoder.encode([show(example.text) for example in pool.examples])
        return cls(pool, encoder, encoder.encode(surfaces), owners, texts)

    def by_spans(self, surfaces: Sequence[str], weights: Vectors) -> NDArray[np.float64]:
        """SpanSim of every example (n,) to the query spans; examples without spans come last."""
        query = self.encoder.encode(surfaces)
        return np.asarray(span_sim(query, weights, self.spans, self.owners, len(self.pool.examples)), dtype=np.float64)

    def by_text(self, text: str) -> NDArray[np.float64]:
        """Cosine of every example's text (n,) to `text`."""
        return np.asarray(self.texts @ self.encoder.encode([text])[0], dtype=np.float64)
