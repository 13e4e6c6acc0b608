"""How much of the gold was found: precision, recall and F1 in the ways that papers count.

An entity is right if a gold entity of the same text has the same key; the key says what has to agree:

    strict    offsets and type: what seqeval calls strict, and EL4NER's (2505.23038) micro-F1
    spans     offsets alone: how good extraction is, whatever the types
    surface   string and type, once a text: what is reported where a model's strings are never placed in the text, as by
              UniversalNER (2308.03279) and InstructUIE (2304.08085); repeated mentions count once, so that it is
              higher than `strict` as a rule and must not be compared with it

Nested entities are entities like others. A key that stands in a text twice counts once. Texts without gold entities
count: what is found in them is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from el4ner.data import Entity, Span

Counts = NDArray[np.int64]
Mention = Span | Entity
Key = Callable[[str, Mention], Hashable]


@dataclass(frozen=True, slots=True)
class Score:
    """`right` of the `found` entities are among the `gold` ones. A quotient over nothing is 0."""

    right: int
    found: int
    gold: int

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold that was found."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.found + self.gold) if self.found + self.gold else 0.0


@dataclass(frozen=True, slots=True)
class Text:
    """A text, its gold entities, and those that were found."""

    text: str
    gold: Collection[Mention]
    found: Collection[Mention]


@dataclass(frozen=True, slots=True)
class Scores:
    """All the ways of counting; `labels` has a strict score for each type that is gold or was found."""

    strict: Score
    spans: Score
    surface: Score
    labels: Mapping[str, Score]

    @property
    def macro_f1(self) -> float:
        """Mean strict F1 over the types."""
        return fmean(score.f1 for score in self.labels.values()) if self.labels else 0.0


def strict(text: str, mention: Mention) -> Hashable:
    """Offsets and type."""
    return mention.start, mention.end, mention.label


def spans(text: str, mention: Mention) -> Hashable:
    """Offsets alone."""
    return mention.start, mention.end


def surface(text: str, mention: Mention) -> Hashable:
    """String and type."""
    return text[mention.start : mention.end], mention.label


def score(texts: Sequence[Text]) -> Scores:
    """The scores of all texts together (micro: every entity weighs the same)."""
    by = [total(counts(texts, key)) for key in (strict, spans, surface)]
    return Scores(by[0], by[1], by[2], _labels(texts))


def counts(texts: Iterable[Text], key: Key = strict) -> Counts:
    """Right, found and gold entities of each text, shape (texts, 3): what `bootstrap` draws from."""
    rows = []
    for one in texts:
        gold = {key(one.text, mention) for mention in one.gold}
        found = {key(one.text, mention) for mention in one.found}
        rows.append((len(gold & found), len(found), len(gold)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def total(table: Counts) -> Score:
    """The score of a table of counts."""
    right, found, gold = (int(n) for n in table.sum(axis=0))
    return Score(right, found, gold)


def _labels(texts: Iterable[Text]) -> dict[str, Score]:
    right: Counter[str | None] = Counter()
    found: Counter[str | None] = Counter()
    gold: Counter[str | None] = Counter()
    for one in texts:
        golden = {(m.start, m.end, m.label) for m in one.gold}
        given = {(m.start, m.end, m.label) for m in one.found}
        right.update(label for _, _, label in golden & given)
        found.update(label for _, _, label in given)
        gold.update(label for _, _, label in golden)
    return {label: Score(right[label], found[label], gold[label]) for label in sorted(gold | found, key=str) if label}
