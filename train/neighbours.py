"""Of each text, the other texts that can stand before it as demonstrations: retrieved as at inference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from outside import plain

from el4ner.data import Example, Span
from el4ner.pool.pool import Pool
from el4ner.retrieval.encoder import default_encoder
from el4ner.retrieval.index import Index, gold
from el4ner.retrieval.pos_weights import span_weights
from el4ner.retrieval.spansim import Ranking

NEAR, FREE = 32, 6  # neighbours kept of each text: with entities (half by spans, half by text), and without
_SAME = 0.97  # the cosine from which two texts are near-duplicates, of which neither demonstrates the other
_SOUGHT = 4 * NEAR  # for what is left out
_ONE = np.ones(1, np.float32)


def neighbours(
    kept: Sequence[Example], asked: Sequence[str], phrases: Sequence[Sequence[Span]]
) -> tuple[list[list[int]], list[list[int]]]:
    """The numbers of the `kept` texts with entities, and of those without, that are most like each text asked about.

    `asked` are the kept texts as the prompts show them, and then others; `phrases` their spans.
    """
    index = Index(Pool.of(tuple(kept)), default_encoder(), gold)
    whole = [([text], _ONE) for text in asked]
    parts = [
        ([text[s.start : s.end] for s in spans], span_weights(text, spans).values)
        for text, spans in zip(asked, phrases, strict=True)
    ]
    by_text = index.rank("texts", whole, _SOUGHT)
    by_span = index.rank("spans", parts, _SOUGHT)
    without = index.rank("bare", whole, _SOUGHT)
    letters = [set(plain(text)) for text in asked]
    near, free = [], []
    for at, (texts, spans, bare) in enumerate(zip(by_text, by_span, without, strict=True)):
        out = {at, *_same(texts), *_same(bare)}
        alike, similar = (
            [i for i in r.ids.tolist() if i not in out and letters[i] != letters[at]] for r in (spans, texts)
        )
        first = alike[: NEAR // 2] if phrases[at] else []
        near.append(list(islice(dict.fromkeys([*first, *similar]), NEAR)))
        free.append([i for i in bare.ids.tolist() if i not in out][:FREE])
    return near, free


def _same(ranking: Ranking) -> Iterator[int]:
    """Those that say the same as the text itself."""
    return iter(ranking.ids[ranking.scores > _SAME].tolist())
