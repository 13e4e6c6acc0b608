"""Whether a score of 0.7 means that seven of ten are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from el4ner.evaluate.score import Text, strict

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Entities with scores in [low, high): how many, their mean score, and the share of them that is right."""

    low: float
    high: float
    entities: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Equally wide bins, without the empty ones, and the expected calibration error.

    `error` is the mean of |score - share right| over the bins, weighed by their entities (Guo et al. 2017); 0 of
    nothing. It is of the entities that were found: what was missed has no score.
    """

    bins: tuple[Bin, ...]
    error: float


def calibration(texts: Sequence[Text]) -> Calibration:
    """Scores of the found entities (`Entity.score`) against whether they are right, strictly."""
    scores, right = [], []
    for text in texts:
        gold = {strict(text.text, mention) for mention in text.gold}
        for entity in text.found:
            scores.append(float(getattr(entity, "score", 1.0)))
            right.append(strict(text.text, entity) in gold)
    return calibration_of(np.array(scores, dtype=float), np.array(right, dtype=float))


def calibration_of(scores: np.ndarray, right: np.ndarray) -> Calibration:
    """The same of scores, shape (n,), and whether each is right."""
    if not len(scores):
        return Calibration((), 0.0)
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = tuple(_bin(number, scores[place == number], right[place == number]) for number in np.unique(place))
    error = sum(one.entities * abs(one.score - one.right) for one in bins) / len(scores)
    return Calibration(bins, error)


def _bin(number: int, scores: np.ndarray, right: np.ndarray) -> Bin:
    return Bin(number / BINS, (number + 1) / BINS, len(scores), float(scores.mean()), float(right.mean()))
