"""How alike two texts are by their spans (paper, stage 1): weights of spans by part of speech, and SpanSim.

    SpanSim(S, C) = sum over s in S of w(s) * max over c in C of cos(s, c)  /  sum over s in S of w(s)

The paper orders the weights: proper nouns above common nouns above pronouns, the rest nothing. Its numbers are not
known here; the defaults 4 / 2 / 1 / 0 are those of a public reproduction.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Span
from el4ner.errors import ConfigError
from el4ner.tagger import default_tagger
from el4ner.words import words

_BLOCK = 1 << 16  # pool spans compared at once: with 32 query spans 8 MB


@dataclass(frozen=True, slots=True)
class PosWeights:
    """What a span counts by the part of speech of its words.

    `word` says which of them decides: "max", the one that weighs most; "first", as the public reproduction does;
    "head", the last noun, name or pronoun before the first preposition ("Bank" in "the Bank of England"), else the last
    word. "max" is the default because it leaves the fewest gold spans without weight: 4 % against 26 % with "first" on
    crossner_music, 4 % against 7 % on wnut17 (`scripts/train_tagger.py --spans`).
    """

    proper: float = 4.0
    common: float = 2.0
    pronoun: float = 1.0
    other: float = 0.0
    word: Literal["max", "first", "head"] = "max"

    def __post_init__(self) -> None:
        if not all(0 <= w < np.inf for w in (self.proper, self.common, self.pronoun, self.other)):
            raise ConfigError("weights of parts of speech must be finite and not negative")
        if self.word not in ("max", "first", "head"):
            raise ConfigError(f'word must be "max", "first" or "head", not {self.word!r}')

    def of(self, tags: Sequence[str]) -> float:
        """The weight of a span whose words have these UPOS tags; a span without words weighs `other`."""
        weights = [self._of_tag(tag) for tag in tags] or [self.other]
        if self.word == "max":
            return max(weights)
        return weights[0 if self.word == "first" else _head(tags)]

    def _of_tag(self, tag: str) -> float:
        return {"PROPN": self.proper, "NOUN": self.common, "PRON": self.pronoun}.get(tag, self.other)


DEFAULT = PosWeights()


@dataclass(frozen=True, slots=True)
class SpanWeights:
    """One weight a span, shape (number of spans,), and their source.

    "pos": parts of speech; "uniform": all are 1, because parts of speech could not tell the spans apart.
    """

    values: NDArray[np.float32]
    source: Literal["pos", "uniform"]


def span_weights(text: str, spans: Sequence[Span], scheme: PosWeights = DEFAULT) -> SpanWeights:
    """The weights of a text's spans by part of speech, each word tagged in the whole text.

    All weights are 1, and `source` is "uniform", where the text does not look like English, the one language that the
    tagger knows (see `Tagger.reads`), and where every weight would be 0, as when there are no spans.
    """
    units = words(text)
    forms = [text[u.start : u.end] for u in units]
    tagger = default_tagger()
    if spans and tagger.reads(forms):
        tags = tagger.tag(forms)
        starts, ends = [u.start for u in units], [u.end for u in units]
        inside = (tags[bisect_right(ends, s.start) : bisect_left(starts, s.end)] for s in spans)
        values = np.fromiter((scheme.of(t) for t in inside), dtype=np.float32, count=len(spans))
        if values.any():
            return SpanWeights(values, "pos")
    return SpanWeights(np.ones(len(spans), dtype=np.float32), "uniform")


def span_sim(
    query: NDArray[np.float32],
    weights: NDArray[np.floating],
    pool: NDArray[np.float32],
    owners: NDArray[np.integer],
    n: int,
) -> NDArray[np.float32]:
    """The exact SpanSim of one text against each of `n` pool texts, shape (n,).

    `query` (q, d) holds the text's span vectors and `weights` (q,) their weights; `pool` (m, d) holds the span vectors
    of all pool texts and `owners` (m,) says whose each is, 0 .. n - 1 in ascending order. Rows are unit vectors or
    zero, so that products are cosines.

    A pool text without spans gets -inf: it cannot be compared. Where the weights sum to 0, as when the text has no
    spans, the quotient is not defined and every pool text with spans gets 0. Arrays that do not fit each other, owners
    out of order or range, and weights that are negative or not finite are a ValueError. One product and one maximum, in
    blocks: beyond the arguments it takes a few numbers for each pool span and 65,536 x q more.
    """
    _check(query, weights, pool, owners, n)
    result = np.full(n, -np.inf, dtype=np.float32)
    if not len(owners):
        return result
    # The spans of one pool text lie between two bounds.
    bounds = np.concatenate([[0], np.flatnonzero(owners[1:] != owners[:-1]) + 1, [len(owners)]])
    texts = owners[bounds[:-1]]
    total = weights.sum(dtype=np.float64)
    if not total:
        result[texts] = 0
        return result
    # As weights are not negative, they may go into the vectors before the maximum is taken.
    heavy = weights > 0
    scaled = (query[heavy] * (weights[heavy, None] / total)).astype(np.float32).T
    at = 0
    while at < len(texts):
        # Whole pool texts, up to a block of spans; one text alone where that is more.
        stop = max(at + 1, int(np.searchsorted(bounds, bounds[at] + _BLOCK, side="right")) - 1)
        similarity = pool[bounds[at] : bounds[stop]] @ scaled
        result[texts[at:stop]] = np.maximum.reduceat(similarity, bounds[at:stop] - bounds[at], axis=0).sum(axis=1)
        at = stop
    return result


def _head(tags: Sequence[str]) -> int:
    """Index of a noun phrase's head, roughly: see `PosWeights.word`."""
    end = next((i for i, tag in enumerate(tags) if tag == "ADP" and i), len(tags))
    nominal = [i for i in range(end) if tags[i] in ("PROPN", "NOUN", "PRON")]
    return nominal[-1] if nominal else len(tags) - 1


def _check(
    query: NDArray[np.float32],
    weights: NDArray[np.floating],
    pool: NDArray[np.float32],
    owners: NDArray[np.integer],
    n: int,
) -> None:
    if query.ndim != 2 or pool.ndim != 2 or query.shape[1] != pool.shape[1]:
        raise ValueError(f"span vectors do not fit: query {query.shape}, pool {pool.shape}")
    if weights.shape != query.shape[:1] or owners.shape != pool.shape[:1]:
        raise ValueError(
            f"{len(query)} query spans, weights {weights.shape}; {len(pool)} pool spans, owners {owners.shape}"
        )
    if not np.all((weights >= 0) & (weights < np.inf)):
        raise ValueError("span weights must be finite and not negative")
    if len(owners) and (owners[0] < 0 or owners[-1] >= n or np.any(owners[1:] < owners[:-1])):
        raise ValueError(f"owners must ascend within 0 .. {n - 1}")
