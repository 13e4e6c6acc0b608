"""Types of entity grouped by what they mean, for label trees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from el4ner.data import Label
from el4ner.retrieval.encoder import Encoder


def grouped(labels: Sequence[Label], groups: int, encoder: Encoder) -> list[list[Label]]:
    """The labels in so many groups, each in the order given, as the groups' first labels are.

    The two groups that are most alike are put together until so many are left; likeness is the mean cosine of their
    labels' names and descriptions (average linkage). Of equals, the first two.
    """
    vectors = encoder.encode([f"{label.name}: {label.description}" for label in labels])
    likeness = np.asarray(vectors @ vectors.T, dtype=np.float64)
    parts = [[i] for i in range(len(labels))]
    while len(parts) > max(1, groups):
        pairs = [(a, b) for b in range(len(parts)) for a in range(b)]
        a, b = max(pairs, key=lambda pair: likeness[np.ix_(parts[pair[0]], parts[pair[1]])].mean())
        parts[a] = sorted(parts[a] + parts.pop(b))
    return [[labels[i] for i in part] for part in sorted(parts)]


def joined(group: Sequence[Label]) -> Label:
    """A label for a group: the names joined, and likewise the descriptions."""
    return Label("/".join(label.name for label in group), ", or ".join(x.description for x in group if x.description))
