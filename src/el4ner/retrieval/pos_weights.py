"""What a span weighs in SpanSim, by part of speech (paper, stage 1). `retrieval.spansim` computes SpanSim itself.

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
from el4ner.text.pos_tagger import default_pos_tagger
from el4ner.text.words import words


@dataclass(frozen=True, slots=True)
class PosWeights:
    """What a span counts by the part of speech of its words.

    `word` says which of them decides: "max", the one that weighs most; "first", as the public reproduction does;
    "head", the last noun, name or pronoun before the first preposition ("Bank" in "the Bank of England"), else the last
    word. "max" is the default because it leaves the fewest gold spans without weight: 4 % against 26 % with "first" on
    crossner_music, 4 % against 7 % on wnut17 (`scripts/train_pos_tagger.py --spans`).
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
    tagger knows (see `PosTagger.reads`), and where every weight would be 0, as when there are no spans.
    """
    units = words(text)
    forms = [text[u.start : u.end] for u in units]
    tagger = default_pos_tagger()
    if spans and tagger.reads(forms):
        tags = tagger.tag(forms)
        starts, ends = [u.start for u in units], [u.end for u in units]
        inside = (tags[bisect_right(ends, s.start) : bisect_left(starts, s.end)] for s in spans)
        values = np.fromiter((scheme.of(t) for t in inside), dtype=np.float32, count=len(spans))
        if values.any():
            return SpanWeights(values, "pos")
    return SpanWeights(np.ones(len(spans), dtype=np.float32), "uniform")


def _head(tags: Sequence[str]) -> int:
    """Index of a noun phrase's head, roughly: see `PosWeights.word`."""
    end = next((i for i, tag in enumerate(tags) if tag == "ADP" and i), len(tags))
    nominal = [i for i in range(end) if tags[i] in ("PROPN", "NOUN", "PRON")]
    return nominal[-1] if nominal else len(tags) - 1
